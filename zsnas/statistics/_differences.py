"""Two proxies, two subsets or two kinds of images, compared on the same architectures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas._numbers import as_seed
from zsnas.statistics._bootstrap import SAMPLED_TOP, Draws, resampled
from zsnas.statistics._rank_correlation import KT, STATISTICS, Ranking, evaluate
from zsnas.statistics._scores import check_scores, is_measured, proxy_columns, top_architectures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    States = NDArray[np.int8]


def differences(  # noqa: PLR0913 - settings, keyword-only
    bench: Benchmark,
    scores: pd.DataFrame,
    top: float = 0.05,
    proxies: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    *,
    reference: str = "params",
    sampled_top: float = SAMPLED_TOP,
) -> pd.DataFrame:
    """Compare correlations that come from the same architectures: two proxies, or the top with all.

    The two correlations of a difference rise and fall together when other architectures are drawn, so its
    interval is narrower than two overlapping intervals suggest. It draws as :func:`zsnas.correlations` does,
    and both proxies are correlated over the architectures that both have a score of.

    Parameters
    ----------
    bench, scores, top, proxies, resamples, seed, sampled_top
        As for :func:`zsnas.correlations`.
    reference : str
        The proxy that the others are compared with.

    Returns
    -------
    DataFrame
        One row per proxy, statistic ("KT", "SPR") and contrast:

        - ``contrast``: "reference", the proxy minus the reference, both over all architectures that have both
          scores; or "top", the proxy over the top minus the same proxy over all;
        - ``value``, ``low``, ``high``: the difference and its 95 % percentile bootstrap interval. Where a
          correlation of a resample is undefined, it has its lowest and its highest value in turn;
        - ``minuend``, ``minuend_low``, ``minuend_high``: the first of the two correlations, its interval;
        - ``subtrahend``: the second one;
        - ``n``, ``missing``: architectures that the minuend comes from, with any seed, and those left out
          with any seed because a score that it needs is undefined.

    Raises
    ------
    ValueError
        As for :func:`zsnas.correlations`.
    """
    check_scores(bench, scores)
    names = proxy_columns(scores, proxies)
    proxy_columns(scores, [reference])
    subsets = {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)}
    known: dict[tuple[str, bytes], dict[str, Draws]] = {}

    def draws(name: str, states: States) -> dict[str, Draws]:
        key = name, states.tobytes()
        if key not in known:
            table = _where_defined(scores, [name], states)
            known[key] = resampled(bench, table, name, subsets, (resamples, seed), sampled_top=sampled_top)
        return known[key]

    rows = []
    for name in names:
        alone, both = _states(scores, [name]), _states(scores, [name, reference])
        compared = {
            "reference": (draws(name, both)["all"], draws(reference, both)["all"], both, "all"),
            "top": (draws(name, alone)["top"], draws(name, alone)["all"], alone, "top"),
        }
        for contrast, (minuend, subtrahend, states, subset) in compared.items():
            shared = _counts(scores, states, subsets[subset])
            rows += [
                {
                    "proxy": name,
                    "statistic": statistic,
                    "contrast": contrast,
                    **(minuend - subtrahend).estimate(k),
                    **_named("minuend", minuend.estimate(k)),
                    "subtrahend": subtrahend.estimate(k)["value"],
                    **shared,
                }
                for k, statistic in enumerate(STATISTICS)
            ]
    return pd.DataFrame(rows)


def paired(
    bench: Benchmark,
    scores: pd.DataFrame,
    proxy: str,
    reference: str,
    top: float = 0.05,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare one proxy with another: how alike their orders are, and which is closer to accuracy.

    Only the rows on which both were measured are used. Where one of the two is undefined, both are left out
    and counted as missing, so that everything here comes from the same architectures and the same draws.

    Parameters
    ----------
    bench, scores, top, resamples, seed
        As for :func:`zsnas.correlations`, with the same strata and weights.
    proxy, reference : str
        Columns of `scores`.

    Returns
    -------
    DataFrame
        One row per subset ("all", "top"): ``proxy``, ``reference``, ``subset``, and

        - ``agreement``: Kendall's τ between the two scores, both oriented;
        - ``kt``, ``reference_kt``: Kendall's τ of each with accuracy;
        - ``difference``: ``kt`` minus ``reference_kt``;
        - each of these with the endings ``_low`` and ``_high``: its 95 % percentile bootstrap interval;
        - ``n``, ``missing``: architectures used with any seed, and left out with any seed.

        The values are means over the seeds, as in :func:`zsnas.correlations`.

    Raises
    ------
    ValueError
        As for :func:`zsnas.correlations`.
    """
    check_scores(bench, scores)
    pair = proxy_columns(scores, [proxy, reference])
    states = _states(scores, pair)
    shared = _where_defined(scores, pair, states)
    subsets = {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)}
    of_proxy, of_reference, of_both = (
        resampled(bench, shared, name, subsets, (resamples, seed), truth)
        for name, truth in ((proxy, None), (reference, None), (proxy, reference))
    )
    rows = []
    for subset, members in subsets.items():
        kt, reference_kt = of_proxy[subset], of_reference[subset]
        rows.append(
            {
                "proxy": proxy,
                "reference": reference,
                "subset": subset,
                **_named("agreement", of_both[subset].estimate(KT)),
                **_named("kt", kt.estimate(KT)),
                **_named("reference_kt", reference_kt.estimate(KT)),
                **_named("difference", (kt - reference_kt).estimate(KT)),
                **_counts(scores, states, members),
            }
        )
    return pd.DataFrame(rows)


def agreement(
    first: pd.DataFrame,
    second: pd.DataFrame,
    proxies: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Say how alike the orders are that each proxy gives with two kinds of images.

    Parameters
    ----------
    first, second : DataFrame
        Scores of one space with one seed, as of ``zsnas.scores``. Only architectures that both have are used,
        and of these the ones for which the proxy is defined in both.
    proxies : sequence of str, optional
        By default all that the first table has.
    resamples, seed : int
        Of the bootstrap over architectures.

    Returns
    -------
    DataFrame
        One row per proxy, which is its index: ``n`` (architectures), and ``value``, ``low``, ``high``:
        Kendall's τ between the two scores and its 95 % percentile bootstrap interval.

    Raises
    ------
    ValueError
        When a table has an architecture more than once, that is with several seeds.
    """
    for table in (first, second):
        if table["arch"].duplicated().any():
            seeds = ", ".join(str(value) for value in sorted(table["seed"].unique()))
            raise ValueError(f"the scores have the seeds {seeds}; compare those of one seed at a time")
    both = first.merge(second, on="arch", suffixes=("_first", "_second"))
    rows = {}
    for name in proxy_columns(first, proxies):
        pairs = both[[f"{name}_first", f"{name}_second"]].dropna().to_numpy(dtype=np.float64)
        n = len(pairs)
        even = np.full(max(n, 1), 1 / max(n, 1))
        drawn = np.random.default_rng(as_seed(seed)).multinomial(n, even, size=resamples).T[:n]
        columns = np.column_stack([np.ones(n, dtype=drawn.dtype), drawn])
        values = evaluate(Ranking(*pairs.T), np.ones(n), columns)
        rows[name] = {"n": n, **Draws.bounding(values[None], np.ones(1)).estimate(KT)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("proxy").astype({"n": int})


def _states(scores: pd.DataFrame, names: Sequence[str]) -> States:
    """Say of every row whether it has all of these scores (2), measured them all (1), or did not (0)."""
    measured = np.all([is_measured(scores, name) for name in names], axis=0)
    defined = np.all([scores[name].notna() for name in names], axis=0)
    return np.asarray(measured.astype(np.int8) + (measured & defined), dtype=np.int8)


def _where_defined(scores: pd.DataFrame, names: Sequence[str], states: States) -> pd.DataFrame:
    """Keep the rows in which all was measured, and make all of these undefined where one is."""
    kept, is_lost = scores[states > 0].copy(), states[states > 0] == 1
    for name in names:
        kept[name] = kept[name].mask(is_lost)
    why = json.dumps(dict.fromkeys(names, "one of those that are compared is undefined"))
    kept["reasons"] = pd.Series([why if lost else None for lost in is_lost], kept.index, dtype=object)
    return kept


def _counts(scores: pd.DataFrame, states: States, members: pd.Index[str]) -> dict[str, int]:
    """Count the architectures that were used with any seed, and those that were left out with any seed."""
    in_subset = scores["arch"].isin(members)
    n, missing = (scores.loc[in_subset & (states == state), "arch"].nunique() for state in (2, 1))
    return {"n": n, "missing": missing}


def _named(name: str, estimate: dict[str, float]) -> dict[str, float]:
    return {name: estimate["value"], f"{name}_low": estimate["low"], f"{name}_high": estimate["high"]}

"""Two proxies, two subsets or two kinds of images, compared on the same architectures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.statistics._bootstrap import SAMPLED_TOP, percentile_interval, resampled
from zsnas.statistics._rank_correlation import KT, STATISTICS, Ranking, evaluate
from zsnas.statistics._scores import check_scores, is_measured, proxy_columns, top_architectures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark


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
    interval is narrower than two overlapping intervals suggest. The draws are those of :func:`correlations`
    and are shared by proxies that were measured on the same rows.

    Parameters
    ----------
    bench, scores, top, proxies, resamples, seed, sampled_top
        As for :func:`correlations`.
    reference : str
        The proxy that the others are compared with.

    Returns
    -------
    DataFrame
        One row per proxy, statistic ("KT", "SPR") and contrast:

        - ``contrast``: "reference", the proxy minus the reference, both over all architectures; or "top", the
          proxy over the top minus the same proxy over all;
        - ``value``, ``low``, ``high``: the difference and its 95 % percentile bootstrap interval.

    Raises
    ------
    ValueError
        As for :func:`correlations`.
    """
    check_scores(bench, scores)
    names = proxy_columns(scores, proxies)
    subsets = {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)}
    values = {
        name: resampled(bench, scores, name, subsets, (resamples, seed), sampled_top=sampled_top)
        for name in dict.fromkeys([*proxy_columns(scores, [reference]), *names])
    }
    rows = []
    for name in names:
        contrasts = {
            "reference": values[name]["all"] - values[reference]["all"],
            "top": values[name]["top"] - values[name]["all"],
        }
        rows += [
            {
                "proxy": name,
                "statistic": s,
                "contrast": label,
                "value": value[k, 0],
                **percentile_interval(value[k, 1:]),
            }
            for label, value in contrasts.items()
            for k, s in enumerate(STATISTICS)
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
        As for :func:`correlations`, with the same strata and weights.
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

        The values are means over the seeds, as in :func:`correlations`.

    Raises
    ------
    ValueError
        As for :func:`correlations`.
    """
    check_scores(bench, scores)
    shared = _shared(scores, *proxy_columns(scores, [proxy, reference]))
    subsets = {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)}
    of_proxy, of_reference, of_both = (
        resampled(bench, shared, name, subsets, (resamples, seed), truth)
        for name, truth in ((proxy, None), (reference, None), (proxy, reference))
    )
    rows = []
    for subset, members in subsets.items():
        kt, reference_kt = of_proxy[subset][KT], of_reference[subset][KT]
        found = {
            "agreement": of_both[subset][KT],
            "kt": kt,
            "reference_kt": reference_kt,
            "difference": kt - reference_kt,
        }
        used = shared[shared["arch"].isin(members)].set_index("arch")[proxy].notna()
        rows.append(
            {"proxy": proxy, "reference": reference, "subset": subset}
            | {column: values[0] for column, values in found.items()}
            | {
                f"{column}_{end}": value
                for column, values in found.items()
                for end, value in percentile_interval(values[1:]).items()
            }
            | {"n": used[used].index.nunique(), "missing": used[~used].index.nunique()}
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
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / max(n, 1)), size=resamples).T
        columns = np.column_stack([np.ones(n, dtype=drawn.dtype), drawn])
        values = evaluate(Ranking(*pairs.T), np.ones(n), columns)[KT]
        rows[name] = {"n": n, "value": values[0], **percentile_interval(values[1:])}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("proxy").astype({"n": int})


def _shared(scores: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Keep the rows on which both proxies were measured, and make both undefined where one is."""
    pair = [first, second]
    kept = scores[is_measured(scores, first) & is_measured(scores, second)].copy()
    is_lost = kept[pair].isna().any(axis=1)
    kept.loc[is_lost, pair] = np.nan
    why = json.dumps(dict.fromkeys(pair, "one of the two is undefined"))
    kept["reasons"] = pd.Series([why if lost else None for lost in is_lost], kept.index, dtype=object)
    return kept

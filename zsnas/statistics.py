"""How well proxy scores rank architectures: weighted rank correlations with intervals, top subsets, regret.

Every statistic is oriented by ``higher_is_better`` of the proxy, so that a positive correlation always means
that following the proxy leads to more accurate networks, and a negative one is shown as what it is. No
absolute value is taken anywhere.

Scores are usually those of a sample: some architectures at random and the complete top of the benchmark. Then
every architecture stands for ``stratum size / number scored in the stratum`` architectures, with two strata,
the top and the rest. These weights are applied per seed, and a pair of architectures counts with the product
of its weights, as if every row were repeated that many times.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

import zsnas

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]
    Booleans = NDArray[np.bool_]

__all__ = [
    "agreement",
    "best_by_proxy",
    "check_scores",
    "correlations",
    "differences",
    "is_measured",
    "kendall",
    "orientation",
    "paired",
    "percentile_interval",
    "proxy_columns",
    "ratio_correlations",
    "regret",
    "spearman",
    "top_architectures",
]

SAMPLED_TOP = 0.05
"""The part of a benchmark, by accuracy, that a published sweep scores completely."""

RATIOS = tuple(percent / 100 for percent in range(5, 101, 5))
"""The ratios of top networks of Figure 13."""

STATISTICS = ("KT", "SPR")
KT, SPR = range(2)
CONFIDENCE = 0.95
COLUMNS_PER_PASS = 64  # resamples that are evaluated together: 8 MB an array for 15,625 architectures


def kendall(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Kendall's τ_b of two variables; ties count for neither side.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Paired observations; infinite values are ranked, NaN is refused.
    weights : array_like, shape (n,), optional
        How often each pair of observations counts; an integer weight is the same as repeating the row.

    Returns
    -------
    float
        In [-1, 1]; NaN when x or y is constant or has fewer than two observations.

    Raises
    ------
    ValueError
        For unequal lengths, NaN, or negative weights.

    References
    ----------
    Kendall 1945, The treatment of ties in ranking problems.
    """
    x_checked, y_checked, columns = _checked(x, y, weights)
    return float(_Ranking(x_checked, y_checked).correlations(columns)[KT, 0])


def spearman(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Spearman's ρ of two variables: Pearson's correlation of their mid-ranks.

    Parameters, result and errors are those of :func:`kendall`. With weights, the mid-rank of an observation
    is the weight below it plus half of the weight tied with it.
    """
    x_checked, y_checked, columns = _checked(x, y, weights)
    return float(_Ranking(x_checked, y_checked).correlations(columns)[SPR, 0])


def top_architectures(bench: Benchmark, fraction: float) -> pd.Index[str]:
    """Architectures whose accuracy is among the top ``fraction`` of the whole benchmark, best first.

    The cut is the accuracy of place ``ceil(fraction * N)``; everything tied with it is kept, so the result
    can be longer.

    Raises
    ------
    ValueError
        When the fraction is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"the fraction of top architectures is {fraction}; it must be above 0 and at most 1")
    accuracy = _accuracy(bench).sort_values(ascending=False, kind="stable")
    places = math.ceil(round(fraction * len(accuracy), 9))
    return accuracy.index[(accuracy >= accuracy.iloc[places - 1]).to_numpy()]


def correlations(
    bench: Benchmark,
    scores: pd.DataFrame,
    top: float = 0.05,
    proxies: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    *,
    sampled_top: float = SAMPLED_TOP,
) -> pd.DataFrame:
    """Correlate every proxy with accuracy, over all architectures and over the top ones (Figures 6 and 7).

    Parameters
    ----------
    bench : Benchmark
        The truth; ``bench.metric`` names its column.
    scores : DataFrame
        One row per architecture and seed: ``arch``, ``seed``, one column per proxy, and optionally
        ``reasons`` (JSON {proxy: why it is NaN}). A score that is NaN is left out and counted; with
        ``reasons``, a NaN without a reason was never computed and does not belong to the sample.
    top : float
        The subset "top": this fraction of the *whole* benchmark by accuracy, ties at the cut kept.
    proxies : sequence of str, optional
        Columns to use; by default all that name a proxy.
    resamples : int
        Bootstrap resamples; 0 leaves the interval out (NaN).
    seed : int
        Of the bootstrap.
    sampled_top : float
        The sampling strata are the top ``sampled_top`` and the rest of the benchmark.

    Returns
    -------
    DataFrame
        One row per proxy, statistic ("KT", "SPR") and subset ("all", "top"):

        - ``value``: mean over the seeds, each with the number of its architectures as weight (a plain mean
          when all seeds scored the same architectures);
        - ``low``, ``high``: 95 % percentile bootstrap interval of that mean. Architectures are drawn with
          replacement within the sampling strata, the same draw for all seeds, proxies and subsets; there is
          no finite-population correction, so it says how far the value would move with other architectures of
          this kind, even when all of a space was scored. A resample in which the statistic is undefined is
          left out;
        - ``seed_sd``: standard deviation of the value over seeds, on the architectures that all seeds scored;
          NaN for a single seed;
        - ``seeds``: how many entered the mean;
        - ``n``: architectures used with any seed;
        - ``missing``: architectures left out with any seed because the score is NaN.

    Raises
    ------
    ValueError
        When a subset reaches beyond the sampled top but a seed scored nothing there, when the benchmark holds
        costs alone, when an architecture is not in it or occurs twice with one seed, and for unknown columns.

    Notes
    -----
    A sample that has no architecture of the top stratum is taken for the random sample that it is (equal
    weights); its "top" rows are NaN with n = 0.

    The statistics of all resamples are computed together, in O(n log n) each and for at most 64 resamples at
    a time, so that memory stays below some 100 MB and the complete 15,625 architectures take seconds.
    """
    check_scores(bench, scores)
    subsets = _Subsets("subset", {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)})
    return _table(bench, scores, proxy_columns(scores, proxies), subsets, (resamples, seed), sampled_top)


def ratio_correlations(
    bench: Benchmark,
    scores: pd.DataFrame,
    ratios: Iterable[float] = RATIOS,
    proxies: Sequence[str] | None = None,
    resamples: int = 500,
    seed: int = 0,
    *,
    sampled_top: float = SAMPLED_TOP,
) -> pd.DataFrame:
    """Correlate every proxy with accuracy over the top 5 %, 10 %, … 100 % of the benchmark (Figure 13).

    Parameters, errors and result are those of :func:`correlations`, with a column ``ratio`` (in (0, 1]) in
    the place of ``subset``, and half as many resamples: 20 ratios of 15,625 architectures take some 10 s a
    proxy.
    """
    check_scores(bench, scores)
    subsets = _Subsets("ratio", {ratio: top_architectures(bench, ratio) for ratio in ratios})
    return _table(bench, scores, proxy_columns(scores, proxies), subsets, (resamples, seed), sampled_top)


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
        name: _resampled(bench, scores, name, subsets, (resamples, seed), sampled_top=sampled_top)
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
        _resampled(bench, shared, name, subsets, (resamples, seed), truth)
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
        values = _evaluate(_Ranking(*pairs.T), np.ones(n), columns)[KT]
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


def best_by_proxy(
    bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str] | None = None
) -> pd.DataFrame:
    """Accuracy of the architecture that each proxy ranks first (Table IV).

    The candidates are the scored architectures. In a sample they are fewer than in the space, and with the
    complete top added they are better than in the space: only complete scores answer the question of Table IV
    for the space.

    Returns
    -------
    DataFrame
        One row per proxy and seed:

        - ``arch``: first in the order of the benchmark among those in first place; None when nothing has a
          score;
        - ``ties``: how many architectures share the first place;
        - the metric of the benchmark (``test_accuracy``): mean over these, and ``worst``, ``best``: their
          range;
        - ``low``, ``high``: 95 % bootstrap interval of the accuracy of one architecture in first place, over
          other samples of as many candidates and a free choice among ties, from the exact probabilities; it
          holds for candidates that are a simple random sample, and cannot know of scores that none has;
        - ``optimum``: the best of the whole benchmark;
        - ``regret``: optimum minus accuracy;
        - ``rank``: one more than the architectures of the whole benchmark that are more accurate, mean over
          the ties; ``rank_low``, ``rank_high``: the ranks at both ends of the interval;
        - ``n``, ``missing``: candidates with and without a score.

    Raises
    ------
    ValueError
        As for :func:`correlations`.
    """
    check_scores(bench, scores)
    accuracy = _accuracy(bench)
    rows = [
        {"proxy": name, "seed": seed, **_first_place(name, group, accuracy, bench.metric)}
        for name in proxy_columns(scores, proxies)
        for seed, group in scores[is_measured(scores, name)].groupby("seed")
    ]
    return pd.DataFrame(rows)


def regret(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str] | None = None) -> pd.DataFrame:
    """How far the architecture that each proxy ranks first is from the best, and how much the seed matters.

    The candidates are the architectures that were scored with every seed, so that only the seed differs.

    Returns
    -------
    DataFrame
        One row per proxy:

        - ``regret``: optimum of the whole benchmark minus accuracy (points), mean over the seeds; and
          ``regret_sd``, its standard deviation over the seeds, NaN for a single seed;
        - ``rank``: median over the seeds; ``rank_low``, ``rank_high``: the best and the worst of them;
        - ``choices``: how many different architectures the seeds put first;
        - ``seeds``, ``n``: how many seeds found a first place, and among how many candidates.

    Raises
    ------
    ValueError
        As for :func:`correlations`.
    """
    seeds = scores.groupby("arch")["seed"].nunique()
    of_all = seeds.index[seeds == scores["seed"].nunique()]
    chosen = best_by_proxy(bench, scores[scores["arch"].isin(of_all)], proxies)
    return (
        chosen.dropna(subset="arch")
        .groupby("proxy", sort=False)
        .agg(
            regret=("regret", "mean"),
            regret_sd=("regret", "std"),
            rank=("rank", "median"),
            rank_low=("rank", "min"),
            rank_high=("rank", "max"),
            choices=("arch", "nunique"),
            seeds=("seed", "nunique"),
            n=("n", "max"),
        )
        .reset_index()
    )


def _first_place(
    name: str, scores: pd.DataFrame, accuracy: pd.Series[float], metric: str
) -> dict[str, object]:
    known = scores.set_index("arch")[name].astype(float).reindex(accuracy.index).dropna() * orientation(name)
    first = accuracy[known.index[(known == known.max()).to_numpy()]]
    optimum = float(accuracy.max())
    interval = _first_of_resamples(known, accuracy[known.index])
    return {
        "arch": first.index[0] if len(first) else None,
        "ties": len(first),
        metric: float(first.mean()),
        "worst": float(first.min()),
        "best": float(first.max()),
        **interval,
        "optimum": optimum,
        "regret": optimum - float(first.mean()),
        "rank": float(_ranks(accuracy, first).mean()) if len(first) else math.nan,
        "rank_low": float(_ranks(accuracy, interval["high"])),
        "rank_high": float(_ranks(accuracy, interval["low"])),
        "n": len(known),
        "missing": len(scores) - len(known),
    }


def _ranks(accuracy: pd.Series[float], reached: ArrayLike) -> Floats:
    """Return one more than how many of all accuracies are higher; NaN for NaN."""
    higher = len(accuracy) - np.searchsorted(np.sort(accuracy), reached, side="right")
    return np.where(np.isnan(reached), math.nan, 1.0 + higher)


def _first_of_resamples(scores: pd.Series[float], accuracy: pd.Series[float]) -> dict[str, float]:
    """Interval of the accuracy in first place when as many candidates are drawn again with replacement.

    A score is in first place when no better candidate is drawn and one of those with it is; each of these is
    then first equally often.
    """
    if scores.empty:
        return {"low": math.nan, "high": math.nan}
    share = scores.value_counts(normalize=True).sort_index(ascending=False)
    none_better = np.concatenate(
        [[1.0], (1 - share.cumsum()) ** len(scores)]
    )  # the chance of such a resample
    place = pd.Series(-np.diff(none_better), index=share.index)
    chance = place.reindex(scores) / scores.groupby(scores).transform("size").to_numpy()
    by_accuracy = np.argsort(accuracy.to_numpy(), kind="stable")
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    places = np.searchsorted(np.cumsum(chance.to_numpy()[by_accuracy]), ends)
    low, high = accuracy.to_numpy()[by_accuracy[places]]
    return {"low": float(low), "high": float(high)}


def _checked(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weights = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or not x.shape == y.shape == weights.shape:
        raise ValueError(
            f"x, y and weights have the shapes {x.shape}, {y.shape} and {weights.shape}; "
            "they must be vectors of one length"
        )
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError(
            "a rank correlation of NaN is undefined; leave these observations out and say how many"
        )
    if not (weights >= 0).all():
        raise ValueError(f"the smallest weight is {weights.min()}; weights must be 0 or more")
    return x, y, weights[:, None]


def _levels(values: NDArray[np.generic]) -> Integers:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


class _Ranking:
    """Two rankings of n architectures, evaluated for many columns of weights at a time.

    Kendall's discordant pairs are counted as a merge sort would count them. All columns share one order and
    differ only in weights, so the merges are planned once and a column costs O(n log k), with k the number of
    distinct values of the variable that has fewer.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = sorted((_levels(x), _levels(y)), key=_count)

    def correlations(self, weights: Floats) -> Floats:
        """Kendall's τ_b and Spearman's ρ for each column of weights: shape (2, columns)."""
        sums_x, sums_y = _group_sums(self.x, weights), _group_sums(self.y, weights)
        untied_x, untied_y = _untied(sums_x), _untied(sums_y)
        untied_both = untied_x + untied_y - _untied(_group_sums(self._both, weights))
        ranks_x, ranks_y = _centred_ranks(sums_x), _centred_ranks(sums_y)
        covariance = (weights * ranks_x[self.x] * ranks_y[self.y]).sum(axis=0)
        spread_x, spread_y = (sums_x * ranks_x**2).sum(axis=0), (sums_y * ranks_y**2).sum(axis=0)
        kendall = _ratio(untied_both - 4 * self._discordant(weights), untied_x, untied_y)
        return np.stack([kendall, _ratio(covariance, spread_x, spread_y)])

    @cached_property
    def _both(self) -> Integers:
        return _levels(self.x * _count(self.y) + self.y)

    @cached_property
    def _merges(self) -> list[tuple[Integers, Integers, Integers, Integers]]:
        return [_merge(self.x, self.y, bit) for bit in range((_count(self.x) - 1).bit_length())]

    def _discordant(self, weights: Floats) -> Floats:
        """Sum of weight products over the unordered pairs that the rankings order differently."""
        total = np.zeros(weights.shape[1])
        for lower, higher, start, stop in self._merges:
            below = np.zeros((len(lower) + 1, weights.shape[1]))
            np.cumsum(weights[lower], axis=0, out=below[1:])
            total += (weights[higher] * (below[stop] - below[start])).sum(0)
        return total


def _merge(x: Integers, y: Integers, bit: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Plan the merge of neighbouring blocks of 2**bit levels of x.

    Returns rows of the lower blocks and rows of the higher blocks, both sorted by block and y, and for each
    of the higher rows where the lower rows of its block that have a larger y start and stop.
    """
    block = x >> (bit + 1)
    key = block * _count(y) + y
    order, is_higher = np.argsort(key, kind="stable"), (x >> bit & 1).astype(np.bool_)
    lower, higher = order[~is_higher[order]], order[is_higher[order]]
    start = np.searchsorted(key[lower], key[higher], side="right")
    stop = np.searchsorted(block[lower], block[higher], side="right")
    return lower, higher, start, stop


def _group_sums(levels: Integers, weights: Floats) -> Floats:
    """Sum the weights of each level: shape (levels, columns)."""
    columns = np.arange(len(levels))
    membership = csr_array((np.ones(len(levels)), (levels, columns)), shape=(_count(levels), len(levels)))
    return np.asarray(membership @ weights)


def _count(levels: Integers) -> int:
    return int(levels.max(initial=-1)) + 1


def _untied(sums: Floats) -> Floats:
    """Sum weight products over the ordered pairs of different levels; exactly 0 when one has all weight."""
    return np.asarray((sums * (sums.sum(axis=0) - sums)).sum(axis=0))


def _centred_ranks(sums: Floats) -> Floats:
    """Mid-rank of each level minus the mean mid-rank."""
    return np.asarray(np.cumsum(sums, axis=0) - (sums + sums.sum(axis=0)) / 2)


def _ratio(covariance: Floats, spread_x: Floats, spread_y: Floats) -> Floats:
    defined = (spread_x > 0) & (spread_y > 0)
    scale = np.sqrt(np.where(defined, spread_x * spread_y, np.nan))
    return np.asarray(np.clip(covariance / scale, -1.0, 1.0))


def _accuracy(bench: Benchmark) -> pd.Series[float]:
    accuracy = bench.table.set_index("arch")[bench.metric].astype(float)
    if accuracy.isna().any():
        raise ValueError(
            f"{bench.name} has {accuracy.isna().sum()} architectures without {bench.metric}; "
            "leave them out of the table first"
        )
    return accuracy


def check_scores(bench: Benchmark, scores: pd.DataFrame) -> None:
    """Check that scores can meet the truth of a benchmark.

    Raises
    ------
    ValueError
        When the benchmark holds costs alone, or an architecture is not in it or scored twice with one seed.
    """
    bench.check_trained()
    unknown = scores.loc[~scores["arch"].isin(bench.table["arch"]), "arch"]
    if len(unknown):
        raise ValueError(
            f"{len(unknown)} scored architectures are not in {bench.name}, the first is {unknown.iloc[0]!r}; "
            f"the scores must be of the space {bench.space}"
        )
    twice = scores.loc[scores.duplicated(["arch", "seed"]), ["arch", "seed"]]
    if len(twice):
        raise ValueError(
            f"{twice['arch'].iloc[0]!r} is scored twice with seed {twice['seed'].iloc[0]}; "
            "keep one row per architecture and seed (one batch size)"
        )


def proxy_columns(scores: pd.DataFrame, proxies: Sequence[str] | None) -> list[str]:
    """Return the names of the proxies, by default all that have a column; a ValueError for one without."""
    known = set(zsnas.list_proxies())
    available = [column for column in scores.columns if column in known]
    unknown = [name for name in proxies or () if name not in available]
    if unknown:
        raise ValueError(
            f"the scores have no proxy {unknown[0]!r}; they have {', '.join(available) or 'none'}"
        )
    return available if proxies is None else list(proxies)


def is_measured(scores: pd.DataFrame, proxy: str) -> Booleans:
    """Tell undefined from never computed: both are NaN, and only the first have a reason."""
    if "reasons" not in scores.columns:
        return np.ones(len(scores), dtype=np.bool_)
    undefined = [
        proxy in json.loads(reasons) if isinstance(reasons, str) else False for reasons in scores["reasons"]
    ]
    return scores[proxy].notna().to_numpy() | np.array(undefined, dtype=np.bool_)


def _by_seed(rows: pd.DataFrame, proxy: str, architectures: pd.Index[str]) -> Floats:
    """Return the oriented scores of a proxy, shape (architectures, seeds); NaN where there is none."""
    values = rows.pivot(index="arch", columns="seed", values=proxy).reindex(architectures).astype(float)
    return np.asarray(values.to_numpy() * orientation(proxy))


def orientation(name: str) -> float:
    """Return what to multiply the scores of a proxy with, so that higher is better: 1 or -1."""
    return 1.0 if zsnas.proxy(name).higher_is_better else -1.0


def _table(
    bench: Benchmark,
    scores: pd.DataFrame,
    proxies: Sequence[str],
    subsets: _Subsets,
    bootstrap: tuple[int, int],
    sampled_top: float,
) -> pd.DataFrame:
    rows = []
    for proxy in proxies:
        sample = _Sample.of(bench, scores, proxy, sampled_top)
        drawn = sample.multiplicities(*bootstrap)
        for label, architectures in subsets.members.items():
            summary = sample.subset(architectures, label).summary(drawn)
            rows += [
                {"proxy": proxy, "statistic": s, subsets.column: label, **summary[s]} for s in STATISTICS
            ]
    return pd.DataFrame(rows)


def _resampled(
    bench: Benchmark,
    scores: pd.DataFrame,
    proxy: str,
    subsets: Mapping[str, pd.Index[str]],
    bootstrap: tuple[int, int],
    truth: str | None = None,
    sampled_top: float = SAMPLED_TOP,
) -> dict[str, Floats]:
    """Evaluate one proxy on each subset: shape (statistics, 1 + resamples), what was drawn first.

    The truth is accuracy, or the scores of another proxy that was measured on the same rows.
    """
    sample = _Sample.of(bench, scores, proxy, sampled_top, truth)
    drawn = sample.multiplicities(*bootstrap)
    columns = np.column_stack([np.ones(len(drawn), dtype=drawn.dtype), drawn])
    return {label: sample.subset(members, label).values(columns) for label, members in subsets.items()}


class _Subsets(NamedTuple):
    """The subsets of a table: the column that labels them, and their architectures."""

    column: str
    members: Mapping[str | float, pd.Index[str]]


@dataclass(frozen=True)
class _Sample:
    """The architectures that one proxy was measured on, with which seeds, and how they were drawn."""

    bench: Benchmark
    architectures: pd.Index[str]  # that were measured, in the order of the benchmark
    truth: Floats  # architectures × seeds: what the scores are correlated with
    measured: Booleans  # architectures × seeds
    scores: Floats  # architectures × seeds, oriented; NaN where not measured or undefined
    in_top: Booleans  # of the measured architectures
    top_size: int  # of the benchmark
    sampled_top: float

    @classmethod
    def of(
        cls, bench: Benchmark, scores: pd.DataFrame, proxy: str, sampled_top: float, truth: str | None = None
    ) -> _Sample:
        rows = scores[is_measured(scores, proxy)]
        accuracy = _accuracy(bench)
        accuracy = accuracy[accuracy.index.isin(rows["arch"])]
        measured = pd.crosstab(rows["arch"], rows["seed"]).reindex(accuracy.index).to_numpy().astype(np.bool_)
        same_for_all = np.broadcast_to(np.asarray(accuracy, dtype=np.float64)[:, None], measured.shape)
        top = top_architectures(bench, sampled_top)
        return cls(
            bench,
            accuracy.index,
            same_for_all if truth is None else _by_seed(rows, truth, accuracy.index),
            measured,
            _by_seed(rows, proxy, accuracy.index),
            accuracy.index.isin(top),
            len(top),
            sampled_top,
        )

    def weights(self, measured: Booleans) -> Floats:
        """Say how many architectures of the benchmark each measured one stands for; 0 for the others."""
        rest_size = len(self.bench.table) - self.top_size
        weights = np.zeros(len(measured))
        for stratum, size in ((self.in_top, self.top_size), (~self.in_top, rest_size)):
            drawn = stratum & measured
            weights[drawn] = size / max(drawn.sum(), 1)
        return weights

    def multiplicities(self, resamples: int, seed: int) -> Integers:
        """Draw how often each architecture is in each resample, shape (architectures, resamples).

        Architectures that were measured with the same seeds and belong to the same sampling stratum are drawn
        from each other, so that every seed keeps its number of architectures in every stratum.
        """
        generator = np.random.default_rng(seed)
        drawn = np.zeros((len(self.architectures), resamples), dtype=np.uint16)
        strata = np.unique(np.column_stack([self.in_top, self.measured]), axis=0, return_inverse=True)[1]
        for stratum in range(strata.max(initial=-1) + 1):
            rows = np.flatnonzero(strata == stratum)
            drawn[rows] = generator.multinomial(
                len(rows), np.full(len(rows), 1 / len(rows)), size=resamples
            ).T
        return drawn

    def subset(self, architectures: pd.Index[str], label: float | str) -> _Subset:
        """Keep these architectures; an error when a seed measured nothing of those beyond the sampled top."""
        beyond_top = len(architectures) > self.top_size
        if beyond_top and not (self.measured & ~self.in_top[:, None]).any(axis=0).all():
            raise ValueError(
                f"a seed scored only architectures of the top {self.sampled_top:.0%} of {self.bench.name}, "
                f"which says nothing about the subset {label!r}; "
                "score some of the others with every seed (zsnas sweep with --limit)"
            )
        return _Subset(self, architectures.get_indexer(self.architectures) >= 0)  # its hash table is kept


@dataclass(frozen=True)
class _Subset:
    """Those of a sample's architectures that a statistic is asked for."""

    sample: _Sample
    member: Booleans

    def values(self, drawn: Integers) -> Floats:
        """Mean over the seeds for every column of multiplicities: shape (statistics, columns)."""
        return self._seed_mean(self._per_seed(drawn))

    def summary(self, drawn: Integers) -> dict[str, dict[str, float]]:
        """Columns of the table for each statistic."""
        undefined = self.sample.measured & np.isnan(self.sample.scores)
        point = self._per_seed(np.ones((len(drawn), 1), dtype=np.int64))
        resampled, seed_sd = self.values(drawn), self._seed_sd()
        shared = {
            "n": int(self._used.any(axis=1).sum()),
            "missing": int((self.member & undefined.any(axis=1)).sum()),
        }
        return {
            statistic: {
                "value": float(self._seed_mean(point)[k, 0]),
                **percentile_interval(resampled[k]),
                "seed_sd": seed_sd[k],
                "seeds": int((~np.isnan(point[:, k])).sum()),
                **shared,
            }
            for k, statistic in enumerate(STATISTICS)
        }

    @cached_property
    def _used(self) -> Booleans:
        return self.member[:, None] & ~np.isnan(self.sample.scores)

    @cached_property
    def _seeds(self) -> list[tuple[_Ranking, Floats, Booleans]]:
        """Rankings, weights and rows of what was used with each seed."""
        return [
            (self._ranking(seed, used), self.sample.weights(measured)[used], used)
            for seed, (measured, used) in enumerate(zip(self.sample.measured.T, self._used.T, strict=True))
        ]

    def _ranking(self, seed: int, rows: Booleans) -> _Ranking:
        return _Ranking(self.sample.scores[rows, seed], self.sample.truth[rows, seed])

    def _per_seed(self, drawn: Integers) -> Floats:
        """Evaluate every seed for every column of multiplicities: shape (seeds, statistics, columns)."""
        values = [_evaluate(ranking, weights, drawn[used]) for ranking, weights, used in self._seeds]
        return np.array(values).reshape(len(values), len(STATISTICS), drawn.shape[1])

    def _seed_mean(self, values: Floats) -> Floats:
        sizes = self._used.sum(axis=0)[:, None, None] * ~np.isnan(values)
        total = sizes.sum(axis=0)
        return np.asarray(np.nansum(values * sizes, axis=0) / np.where(total > 0, total, np.nan))

    def _seed_sd(self) -> list[float]:
        if self._used.shape[1] < 2:
            return [math.nan] * len(STATISTICS)
        common, measured = np.all(self._used, axis=1), np.all(self.sample.measured, axis=1)
        weights = self.sample.weights(measured)[common][:, None]
        values = [
            self._ranking(seed, common).correlations(weights)[:, 0] for seed in range(self._used.shape[1])
        ]
        return [float(sd) for sd in np.std(values, axis=0, ddof=1)]


def _evaluate(ranking: _Ranking, weights: Floats, drawn: Integers) -> Floats:
    edges = [*range(0, drawn.shape[1], COLUMNS_PER_PASS), drawn.shape[1]]
    parts = [
        ranking.correlations(weights[:, None] * drawn[:, start:stop])
        for start, stop in itertools.pairwise(edges)
    ]
    return np.concatenate([np.empty((len(STATISTICS), 0)), *parts], axis=1)


def percentile_interval(values: Floats) -> dict[str, float]:
    """Return ``low`` and ``high``, the 95 % percentile interval of resampled values.

    NaN among the values is left out; both ends are NaN when nothing is left.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return {"low": math.nan, "high": math.nan}
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"low": float(low), "high": float(high)}

"""Proxies against accuracy, over all architectures and over the top ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from zsnas.statistics._bootstrap import SAMPLED_TOP, Sample
from zsnas.statistics._rank_correlation import STATISTICS
from zsnas.statistics._scores import check_scores, proxy_columns, top_architectures

if TYPE_CHECKING:
    from zsnas.benchmarks import Benchmark

RATIOS = tuple(percent / 100 for percent in range(5, 101, 5))
"""The ratios of top networks of Figure 13."""


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
        - ``missing``: architectures left out with any seed because the score is NaN;
        - ``value_with_undefined``, ``low_with_undefined``, ``high_with_undefined``: the same with these
          architectures in it, as a search would treat them that cannot choose what has no score: tied with
          each other below all others. A score that is undefined because it exceeds the range of its numbers,
          as its reason then says, counts as infinite instead. Without missing ones, the same as without.

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

    Parameters, errors and result are those of :func:`zsnas.correlations`, with a column ``ratio`` (in (0, 1])
    in the place of ``subset``, and half as many resamples: 20 ratios of 15,625 architectures take some 10 s
    a proxy.

    Parameters
    ----------
    bench, scores, proxies, seed, sampled_top
        As for :func:`zsnas.correlations`.
    ratios
        Fractions of the benchmark, best first, each in (0, 1].
    resamples
        Of the bootstrap; 0 for no intervals.
    """
    check_scores(bench, scores)
    subsets = _Subsets("ratio", {ratio: top_architectures(bench, ratio) for ratio in ratios})
    return _table(bench, scores, proxy_columns(scores, proxies), subsets, (resamples, seed), sampled_top)


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
        sample = Sample.of(bench, scores, proxy, sampled_top)
        drawn = sample.multiplicities(*bootstrap)
        for label, architectures in subsets.members.items():
            summary = sample.subset(architectures, label).summary(drawn)
            rows += [
                {"proxy": proxy, "statistic": s, subsets.column: label, **summary[s]} for s in STATISTICS
            ]
    return pd.DataFrame(rows)


class _Subsets(NamedTuple):
    """The subsets of a table: the column that labels them, and their architectures."""

    column: str
    members: Mapping[str | float, pd.Index[str]]

"""The architecture that a proxy ranks first, and how far it is from the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.statistics._bootstrap import CONFIDENCE
from zsnas.statistics._scores import check_scores, is_measured, orientation, proxy_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]


def best_by_proxy(
    bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str] | None = None
) -> pd.DataFrame:
    """Accuracy of the architecture that each proxy ranks first (Table IV).

    The candidates are the scored architectures. In a sample they are fewer than in the space, and with the
    complete top added they are better than in the space: only complete scores answer the question of Table IV
    for the space.

    Parameters
    ----------
    bench
        Its table has the truth.
    scores
        One row an architecture and seed, with ``arch``, ``seed`` and a column per proxy, see `zsnas.scores`.
    proxies
        Names; by default all that have a column.

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
          holds for candidates that are a simple random sample, and cannot know of scores that none has. It
          reaches to the mean over the ties, which one bad architecture of many can pull out of it;
        - ``optimum``: the best of the whole benchmark;
        - ``regret``: optimum minus accuracy;
        - ``rank``: one more than the architectures of the whole benchmark that are more accurate, mean over
          the ties; ``rank_low``, ``rank_high``: the ranks at both ends of the interval, which reaches to it;
        - ``n``, ``missing``: candidates with and without a score.

    Raises
    ------
    ValueError
        As for :func:`zsnas.correlations`.
    """
    check_scores(bench, scores)
    accuracy = bench.truth
    rows = [
        {"proxy": name, "seed": seed, **_first_place(name, group, accuracy, bench.metric)}
        for name in proxy_columns(scores, proxies)
        for seed, group in scores[is_measured(scores, name)].groupby("seed")
    ]
    return pd.DataFrame(rows)


def regret(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str] | None = None) -> pd.DataFrame:
    """How far the architecture that each proxy ranks first is from the best, and how much the seed matters.

    The candidates are the architectures that were scored with every seed, so that only the seed differs.

    Parameters
    ----------
    bench
        Its table has the truth.
    scores
        One row an architecture and seed, with ``arch``, ``seed`` and a column per proxy, see `zsnas.scores`.
    proxies
        Names; by default all that have a column.

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
        As for :func:`zsnas.correlations`.
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
    optimum, reached = float(accuracy.max()), float(first.mean())
    rank = float(_ranks(accuracy, first).mean()) if len(first) else math.nan
    low, high = _first_of_resamples(known, accuracy[known.index])
    return {
        "arch": first.index[0] if len(first) else None,
        "ties": len(first),
        metric: reached,
        "worst": float(first.min()),
        "best": float(first.max()),
        "low": min(low, reached),
        "high": max(high, reached),
        "optimum": optimum,
        "regret": optimum - reached,
        "rank": rank,
        "rank_low": min(float(_ranks(accuracy, high)), rank),
        "rank_high": max(float(_ranks(accuracy, low)), rank),
        "n": len(known),
        "missing": len(scores) - len(known),
    }


def _ranks(accuracy: pd.Series[float], reached: ArrayLike) -> Floats:
    """Return one more than how many of all accuracies are higher; NaN for NaN."""
    higher = len(accuracy) - np.searchsorted(np.sort(accuracy), reached, side="right")
    return np.where(np.isnan(reached), math.nan, 1.0 + higher)


def _first_of_resamples(scores: pd.Series[float], accuracy: pd.Series[float]) -> tuple[float, float]:
    """Interval of the accuracy in first place when as many candidates are drawn again with replacement.

    A score is in first place when no better candidate is drawn and one of those with it is; each of these is
    then first equally often.
    """
    if scores.empty:
        return math.nan, math.nan
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
    return float(low), float(high)

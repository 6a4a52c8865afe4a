"""Samples of a benchmark, their weights, and what correlations are when architectures are drawn again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zsnas._numbers import as_seed, as_whole
from zsnas.statistics._rank_correlation import STATISTICS, Ranking, evaluate
from zsnas.statistics._scores import by_seed, is_among, is_measured, oriented, ranked, top_architectures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]
    Booleans = NDArray[np.bool_]

SAMPLED_TOP = 0.05
"""The part of a benchmark, by accuracy, that a published sweep scores completely."""

CONFIDENCE = 0.95


def resampled(
    bench: Benchmark,
    scores: pd.DataFrame,
    proxy: str,
    subsets: Mapping[str, pd.Index[str]],
    bootstrap: tuple[int, int],
    truth: str | None = None,
    sampled_top: float = SAMPLED_TOP,
) -> dict[str, Draws]:
    """Evaluate one proxy on each subset.

    The truth is accuracy, or the scores of another proxy that was measured on the same rows.
    """
    sample = Sample.of(bench, scores, proxy, sampled_top, truth)
    drawn = sample.multiplicities(*bootstrap)
    return {label: sample.subset(members, label).draws(drawn) for label, members in subsets.items()}


@dataclass(frozen=True)
class Draws:
    """Statistics of the sample itself, in the first column, and of its resamples.

    A correlation is undefined in a resample that has only equal scores, and then nothing is known of it but
    that it is in [-1, 1]. Leaving such a resample out would shift the interval: of 40 scores that are equal
    but for one, every resample that has a correlation has that one once or more often, so that the
    correlation of the sample is the weakest of all and the interval begins at it, or beyond. Here such a
    resample counts with both extremes: where more than 2.5 % of them are undefined, the interval says
    nothing.
    """

    low: Floats  # statistics × (1 + resamples): the lowest that it can be
    high: Floats  # the highest: the same where it is defined

    @classmethod
    def bounding(cls, values: Floats, weights: Floats) -> Draws:
        """Average correlations over seeds, shape (seeds, statistics, 1 + resamples).

        Parameters
        ----------
        values
            NaN where undefined. A seed whose first column is does not count.
        weights
            Of the seeds, shape (seeds,).
        """
        counted = np.where(np.isnan(values[..., :1]), 0.0, weights[:, None, None])
        total = counted.sum(axis=0)
        low, high = (
            (counted * np.where(np.isnan(values), extreme, values)).sum(axis=0)
            / np.where(total > 0, total, np.nan)
            for extreme in (-1.0, 1.0)
        )
        return cls(low, high)

    def __sub__(self, other: Draws) -> Draws:
        return Draws(self.low - other.high, self.high - other.low)

    def estimate(self, statistic: int) -> dict[str, float]:
        """Return ``value``, ``low`` and ``high`` of one of the statistics."""
        low, high = self.low[statistic], self.high[statistic]
        return {"value": float(low[0]), **percentile_interval(low[0], low[1:], high[1:])}


@dataclass(frozen=True)
class Sample:
    """The architectures that one proxy was measured on, with which seeds, and how they were drawn."""

    bench: Benchmark
    architectures: pd.Index[str]  # that were measured, in the order of the benchmark
    truth: Floats  # architectures × seeds: what the scores are correlated with
    measured: Booleans  # architectures × seeds
    scores: Floats  # architectures × seeds, oriented; NaN where not measured or undefined
    ranks: Floats  # architectures × seeds, of all that was measured, the undefined too
    in_top: Booleans  # of the measured architectures
    top_size: int  # of the benchmark
    sampled_top: float

    @classmethod
    def of(
        cls, bench: Benchmark, scores: pd.DataFrame, proxy: str, sampled_top: float, truth: str | None = None
    ) -> Sample:
        rows = scores[is_measured(scores, proxy)]
        accuracy = bench.truth
        accuracy = accuracy[is_among(accuracy.index, rows["arch"])]
        measured = ~np.isnan(by_seed(rows, np.ones(len(rows)), accuracy.index))
        same_for_all = np.broadcast_to(np.asarray(accuracy, dtype=np.float64)[:, None], measured.shape)
        top = top_architectures(bench, sampled_top)
        return cls(
            bench,
            accuracy.index,
            same_for_all if truth is None else by_seed(rows, oriented(rows, truth), accuracy.index),
            measured,
            by_seed(rows, oriented(rows, proxy), accuracy.index),
            by_seed(rows, ranked(rows, proxy), accuracy.index),
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
        generator = np.random.default_rng(as_seed(seed))
        resamples = as_whole("resamples", resamples, 0, example="1000")
        drawn = np.zeros((len(self.architectures), resamples), dtype=np.uint16)
        strata = np.unique(np.column_stack([self.in_top, self.measured]), axis=0, return_inverse=True)[1]
        for stratum in range(strata.max(initial=-1) + 1):
            rows = np.flatnonzero(strata == stratum)
            drawn[rows] = generator.multinomial(
                len(rows), np.full(len(rows), 1 / len(rows)), size=resamples
            ).T
        return drawn

    def subset(self, architectures: pd.Index[str], label: float | str) -> Subset:
        """Keep these architectures; an error when a seed measured nothing of those beyond the sampled top."""
        beyond_top = len(architectures) > self.top_size
        if beyond_top and not (self.measured & ~self.in_top[:, None]).any(axis=0).all():
            raise ValueError(
                f"a seed scored only architectures of the top {self.sampled_top:.0%} of {self.bench.name}, "
                f"which says nothing about the subset {label!r}; "
                "score some of the others with every seed (zsnas sweep with --limit)"
            )
        return Subset(self, architectures.get_indexer(self.architectures) >= 0)  # its hash table is kept


@dataclass(frozen=True)
class Subset:
    """Those of a sample's architectures that a statistic is asked for."""

    sample: Sample
    member: Booleans

    def draws(self, drawn: Integers) -> Draws:
        """Evaluate the sample and all of its resamples: the mean over the seeds."""
        columns = np.column_stack([np.ones(len(drawn), dtype=drawn.dtype), drawn])
        return Draws.bounding(self._per_seed(columns), self._used.sum(axis=0))

    def summary(self, drawn: Integers) -> dict[str, dict[str, float]]:
        """Columns of the table for each statistic."""
        found, seed_sd = self.draws(drawn), self._seed_sd()
        of_seeds = self._per_seed(np.ones((len(drawn), 1), dtype=drawn.dtype))
        shared = {"n": int(self._used.any(axis=1).sum()), "missing": int(self._is_missing.sum())}
        ranked = self._with_undefined.draws(drawn) if self._is_missing.any() else found
        return {
            statistic: {
                **found.estimate(k),
                "seed_sd": seed_sd[k],
                "seeds": int((~np.isnan(of_seeds[:, k])).sum()),
                **shared,
                **{f"{column}_with_undefined": value for column, value in ranked.estimate(k).items()},
            }
            for k, statistic in enumerate(STATISTICS)
        }

    @cached_property
    def _is_missing(self) -> Booleans:
        """The architectures that have no score with any of the seeds that they were measured with."""
        undefined = self.sample.measured & np.isnan(self.sample.scores)
        return self.member & undefined.any(axis=1)

    @property
    def _with_undefined(self) -> Subset:
        return replace(self, sample=replace(self.sample, scores=self.sample.ranks))

    @cached_property
    def _used(self) -> Booleans:
        return self.member[:, None] & ~np.isnan(self.sample.scores)

    @cached_property
    def _seeds(self) -> list[tuple[Ranking, Floats, Booleans]]:
        """Rankings, weights and rows of what was used with each seed."""
        return [
            (self._ranking(seed, used), self.sample.weights(measured)[used], used)
            for seed, (measured, used) in enumerate(zip(self.sample.measured.T, self._used.T, strict=True))
        ]

    def _ranking(self, seed: int, rows: Booleans) -> Ranking:
        return Ranking(self.sample.scores[rows, seed], self.sample.truth[rows, seed])

    def _per_seed(self, drawn: Integers) -> Floats:
        """Evaluate every seed for every column of multiplicities: shape (seeds, statistics, columns)."""
        values = [evaluate(ranking, weights, drawn[used]) for ranking, weights, used in self._seeds]
        return np.array(values).reshape(len(values), len(STATISTICS), drawn.shape[1])

    def _seed_sd(self) -> list[float]:
        if self._used.shape[1] < 2:
            return [math.nan] * len(STATISTICS)
        common, measured = np.all(self._used, axis=1), np.all(self.sample.measured, axis=1)
        weights = self.sample.weights(measured)[common][:, None]
        values = [
            self._ranking(seed, common).correlations(weights)[:, 0] for seed in range(self._used.shape[1])
        ]
        return [float(sd) for sd in np.std(values, axis=0, ddof=1)]


def percentile_interval(value: float, low: Floats, high: Floats | None = None) -> dict[str, float]:
    """Return ``low`` and ``high``, the 95 % percentile interval of resampled values.

    It reaches to the value itself where that is beyond the percentiles, as it is when a resample can only be
    worse than the sample: what was found is never excluded.

    Parameters
    ----------
    value : float
        Of the sample.
    low, high : ndarray, shape (resamples,)
        The lowest and the highest that the value can be in each resample; without `high`, they are the same.

    Returns
    -------
    dict
        Both ends are NaN when there are no resamples, or when the value or one of the resampled values is.
    """
    high = low if high is None else high
    if not len(low) or math.isnan(value) or np.isnan(low).any() or np.isnan(high).any():
        return {"low": math.nan, "high": math.nan}
    ends = np.quantile(low, (1 - CONFIDENCE) / 2), np.quantile(high, (1 + CONFIDENCE) / 2)
    return {"low": min(float(ends[0]), value), "high": max(float(ends[1]), value)}

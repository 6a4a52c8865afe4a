"""Samples of a benchmark, their weights, and what correlations are when architectures are drawn again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zsnas.statistics._rank_correlation import STATISTICS, Ranking, evaluate
from zsnas.statistics._scores import accuracy_of, by_seed, is_measured, top_architectures

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
) -> dict[str, Floats]:
    """Evaluate one proxy on each subset: shape (statistics, 1 + resamples), what was drawn first.

    The truth is accuracy, or the scores of another proxy that was measured on the same rows.
    """
    sample = Sample.of(bench, scores, proxy, sampled_top, truth)
    drawn = sample.multiplicities(*bootstrap)
    columns = np.column_stack([np.ones(len(drawn), dtype=drawn.dtype), drawn])
    return {label: sample.subset(members, label).values(columns) for label, members in subsets.items()}


@dataclass(frozen=True)
class Sample:
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
    ) -> Sample:
        rows = scores[is_measured(scores, proxy)]
        accuracy = accuracy_of(bench)
        accuracy = accuracy[accuracy.index.isin(rows["arch"])]
        measured = pd.crosstab(rows["arch"], rows["seed"]).reindex(accuracy.index).to_numpy().astype(np.bool_)
        same_for_all = np.broadcast_to(np.asarray(accuracy, dtype=np.float64)[:, None], measured.shape)
        top = top_architectures(bench, sampled_top)
        return cls(
            bench,
            accuracy.index,
            same_for_all if truth is None else by_seed(rows, truth, accuracy.index),
            measured,
            by_seed(rows, proxy, accuracy.index),
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


def percentile_interval(values: Floats) -> dict[str, float]:
    """Return ``low`` and ``high``, the 95 % percentile interval of resampled values.

    NaN among the values is left out; both ends are NaN when nothing is left.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return {"low": math.nan, "high": math.nan}
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"low": float(low), "high": float(high)}

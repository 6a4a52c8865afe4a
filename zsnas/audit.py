"""The formula audit: how far the readings of a proxy's formula disagree, and whether that matters.

A reading is the original, which a proxy's name stands for, or one of its variants. Two questions are asked of
each variant: does it put the architectures in the same order as the original (their rank agreement), and does
it rank them by accuracy as well as the original does (the difference of two correlations that come from the
same architectures, with the interval of that difference)?
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

import zsnas
from zsnas.statistics import KT, SAMPLED_TOP, _interval, _is_measured, _resampled, _Sample, top_architectures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]

__all__ = ["MATTERS", "agreements", "judge", "readings", "variants"]

MATTERS = 0.05
"""The smallest difference of Kendall's τ that is called one that matters."""

Judgement = Literal["matters", "does not matter", "undecided"]


def variants(names: Iterable[str]) -> list[str]:
    """Return the variants of proxies, each formula once, in the order of the names.

    Parameters
    ----------
    names : iterable of str
        Originals, such as ``"snip"``.
    """
    found: dict[object, str] = {}
    for name in names:
        own_names_first = sorted(zsnas.list_proxies(), key=lambda other: not other.startswith(name))
        for other in map(zsnas.proxy, own_names_first):
            if other.variant_of == name:
                found.setdefault((name, other.function, other.statistics), other.name)
    return list(found.values())


def readings(names: Iterable[str]) -> list[str]:
    """Return the proxies and their variants, each original before its own."""
    return [reading for name in names for reading in (name, *variants([name]))]


def judge(low: float, high: float, margin: float = MATTERS) -> Judgement:
    """Say whether a difference of Kendall's τ matters, from its 95 % interval.

    It matters when the whole interval is beyond the margin on one side, and does not when the whole interval
    is within the margins. Otherwise, and for an interval that is not defined, the sample does not decide.
    """
    if low > margin or high < -margin:
        return "matters"
    return "does not matter" if -margin <= low and high <= margin else "undecided"


def agreements(
    bench: Benchmark,
    scores: pd.DataFrame,
    names: Sequence[str],
    top: float = 0.05,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the variants of proxies with their originals, over all architectures and over the top ones.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        As for :func:`zsnas.correlations`. A variant is compared on the rows on which it and its original were
        both measured; where one of them is undefined, both are left out and counted as missing.
    names : sequence of str
        Originals. Variants that `scores` has no column of are skipped.
    top, resamples, seed
        As for :func:`zsnas.correlations`, with the same strata, weights and draws.

    Returns
    -------
    DataFrame
        One row per variant and subset ("all", "top"): ``proxy``, ``original``, ``subset``, and

        - ``agreement``: Kendall's τ between the two scores, both oriented, with the first of the seeds;
        - ``kt``, ``original_kt``: τ of each with accuracy, mean over seeds;
        - these with the endings ``_low`` and ``_high``: 95 % intervals;
        - ``difference``, ``low``, ``high``: variant minus original, paired, and its interval;
        - ``judgement``: of :func:`judge`;
        - ``n``, ``missing``: architectures used and left out.
    """
    subsets = {"all": pd.Index(bench.table["arch"]), "top": top_architectures(bench, top)}
    rows = []
    for variant in variants(names):
        original = str(zsnas.proxy(variant).variant_of)
        if {original, variant} <= set(scores.columns):
            shared = _shared(scores, original, variant)
            pair = _Pair(bench, shared, original, variant, (resamples, seed))
            rows += [pair.compared(subset, members) for subset, members in subsets.items()]
    return pd.DataFrame(rows)


def _shared(scores: pd.DataFrame, original: str, variant: str) -> pd.DataFrame:
    """Keep the rows on which both were measured, and make both undefined where one is."""
    pair = [original, variant]
    kept = scores[_is_measured(scores, original) & _is_measured(scores, variant)].copy()
    is_lost = kept[pair].isna().any(axis=1)
    kept.loc[is_lost, pair] = np.nan
    kept["reasons"] = is_lost.map({True: json.dumps(dict.fromkeys(pair, "undefined")), False: None})
    return kept


class _Pair(NamedTuple):
    """A variant and its original on the rows that they share, with the bootstrap's resamples and seed."""

    bench: Benchmark
    scores: pd.DataFrame
    original: str
    variant: str
    bootstrap: tuple[int, int]

    def compared(self, subset: str, members: pd.Index[str]) -> dict[str, object]:
        """Return the columns of :func:`agreements` for one subset of the benchmark."""
        of_original, of_variant = (
            self._with_accuracy(name, members) for name in (self.original, self.variant)
        )
        difference = of_variant - of_original
        low, high = _ends(difference)
        used = self.scores[self.scores["arch"].isin(members)]
        return {
            "proxy": self.variant,
            "original": self.original,
            "subset": subset,
            **_named("agreement", self._with_original(members)),
            **_named("kt", of_variant),
            **_named("original_kt", of_original),
            "difference": difference[0],
            "low": low,
            "high": high,
            "judgement": judge(low, high),
            "n": used.loc[used[self.variant].notna(), "arch"].nunique(),
            "missing": used.loc[used[self.variant].isna(), "arch"].nunique(),
        }

    def _with_accuracy(self, name: str, members: pd.Index[str]) -> Floats:
        """Correlate a score with accuracy: first in the sample, then in each resample."""
        subset = {"": members}
        return np.asarray(_resampled(self.bench, self.scores, name, subset, self.bootstrap)[""][KT])

    def _with_original(self, members: pd.Index[str]) -> Floats:
        """Correlate the two scores of the first seed; the original takes the place of accuracy."""
        one_seed = self.scores[self.scores["seed"] == self.scores["seed"].min()]
        sample, other = (
            _Sample.of(self.bench, one_seed, name, SAMPLED_TOP) for name in (self.variant, self.original)
        )
        drawn = sample.multiplicities(*self.bootstrap).astype(np.int64)
        columns = np.column_stack([np.ones(len(drawn), dtype=np.int64), drawn])
        by_original = pd.Series(other.scores[:, 0], sample.accuracy.index)
        return np.asarray(replace(sample, accuracy=by_original).subset(members, "").values(columns)[KT])


def _ends(values: Floats) -> tuple[float, float]:
    interval = _interval(values[1:])
    return interval["low"], interval["high"]


def _named(name: str, values: Floats) -> dict[str, float]:
    low, high = _ends(values)
    return {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}

"""Weighted rank correlations, for many columns of weights at a time."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]

STATISTICS = ("KT", "SPR")
KT, SPR = range(2)
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
    return float(Ranking(x_checked, y_checked).correlations(columns)[KT, 0])


def spearman(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Spearman's ρ of two variables: Pearson's correlation of their mid-ranks.

    Parameters, result and errors are those of :func:`kendall`. With weights, the mid-rank of an observation
    is the weight below it plus half of the weight tied with it.

    Parameters
    ----------
    x, y
        Numbers, (n,).
    weights
        How often each pair counts, (n,); by default once.
    """
    x_checked, y_checked, columns = _checked(x, y, weights)
    return float(Ranking(x_checked, y_checked).correlations(columns)[SPR, 0])


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


class Ranking:
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


def evaluate(ranking: Ranking, weights: Floats, drawn: Integers) -> Floats:
    edges = [*range(0, drawn.shape[1], COLUMNS_PER_PASS), drawn.shape[1]]
    parts = [
        ranking.correlations(weights[:, None] * drawn[:, start:stop])
        for start, stop in itertools.pairwise(edges)
    ]
    return np.concatenate([np.empty((len(STATISTICS), 0)), *parts], axis=1)

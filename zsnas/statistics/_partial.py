"""Partial rank correlation: what two rankings share beyond what others explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def partial_spearman(x: ArrayLike, y: ArrayLike, controls: Sequence[ArrayLike]) -> float:
    """Return Spearman's ρ of x and y at fixed controls.

    The ranks of the controls explain what they can, linearly, of the ranks of x and of y; the correlation of
    what is left is returned. With one control c it is (ρ_xy − ρ_xc ρ_yc) / √((1 − ρ_xc²)(1 − ρ_yc²)). Without
    any it is Spearman's ρ.

    Parameters
    ----------
    x, y
        Numbers, shape (n,); ties share their mean rank.
    controls
        Each of the same shape.

    Returns
    -------
    float
        NaN when the controls explain x or y entirely.

    Raises
    ------
    ValueError
        When the shapes differ, or a number is not finite.
    """
    columns = [np.asarray(values, dtype=np.float64) for values in (x, y, *controls)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        shapes = ", ".join(str(column.shape) for column in columns)
        raise ValueError(f"x, y and the controls have the shapes {shapes}; give as many numbers of each")
    if not all(np.isfinite(column).all() for column in columns):
        raise ValueError("x, y or a control has a number that is not finite; leave these rows out")
    ranks = np.array([rankdata(column) for column in columns])
    ranks -= ranks.mean(axis=1, keepdims=True)
    first, second = (_unexplained(row, ranks[2:].T) for row in ranks[:2])
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second / size) if size else float("nan")


def _unexplained(ranks: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of ranks, exactly zero where that is the error of rounding."""
    if not by.size:
        return ranks
    left: NDArray[np.float64] = ranks - by @ np.linalg.lstsq(by, ranks)[0]
    return left if left @ left > 1e-12 * (ranks @ ranks) else np.zeros_like(left)

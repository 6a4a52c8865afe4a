"""Combining proxies without training: chosen and weighted on some search spaces, tried on another.

A combination is a mean of percentile ranks. Which proxies enter it, and with what weights, is decided on the
benchmarks of all spaces but one, and what comes of it is judged on the benchmarks of that one.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.book.studies.pools import Key, Networks, percentiles
from zsnas.statistics import kendall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

METHODS = ("#Params", "best single", "best pair", "best three", "mean of all", "learned weights")
_RIDGE = 0.01  # beside a variance of 1/12 of every percentile


def judged(pools: Mapping[Key, Networks], proxies: Sequence[str]) -> pd.DataFrame:
    """Judge every method on every benchmark, chosen without the space of that benchmark.

    Parameters
    ----------
    pools : mapping of Networks
        By space and data set or task.
    proxies : sequence of str
        Columns that all of them have, ``params`` among them.

    Returns
    -------
    DataFrame
        One row a benchmark and ``method``: ``space``, ``task``, ``all`` and ``top``, Kendall's τ; ``chosen``,
        the proxies of it, joined by commas.
    """
    ranks = {key: percentiles(pool.every) for key, pool in pools.items()}
    groups = [group for size in (1, 2, 3) for group in combinations(proxies, size)]
    groups.append(tuple(proxies))
    taus = pd.DataFrame({key: [_tau(table, group) for group in groups] for key, table in ranks.items()})
    rows = []
    for key, pool in pools.items():
        others = [other for other in pools if other[0] != key[0]]
        by_space = pd.Index([space for space, _ in others])
        means = taus[others].T.groupby(by_space.to_numpy()).mean().mean() if others else taus[key] * np.nan
        chosen = {"#Params": ("params",), "mean of all": tuple(proxies)}
        for size, method in enumerate(METHODS[1:4], start=1):
            chosen[method] = max(
                (group for group in groups if len(group) == size), key=lambda g: means[groups.index(g)]
            )
        weights = learned([ranks[other] for other in others], proxies)
        top = percentiles(pool.top)
        for method in METHODS:
            group = chosen.get(method, tuple(proxies))
            used = weights if method == "learned weights" else None
            found = {"all": _tau(ranks[key], group, used), "top": _tau(top, group, used)}
            rows.append(
                {"space": key[0], "task": key[1], "method": method, "chosen": ",".join(group)} | found
            )
    return pd.DataFrame(rows)


def learned(tables: Sequence[pd.DataFrame], proxies: Sequence[str]) -> NDArray[np.float64]:
    """Return the weights of proxies in the best linear combination of percentiles, by ridge regression.

    Parameters
    ----------
    tables : sequence of DataFrame
        Percentiles of truth and proxies; each table counts alike, whatever its length.
    proxies : sequence of str
    """
    gram = _RIDGE * max(len(tables), 1) * np.eye(len(proxies))
    target = np.zeros(len(proxies))
    for table in tables:
        inputs = table[list(proxies)].to_numpy() - 0.5
        gram += inputs.T @ inputs / len(table)
        target += inputs.T @ (table["truth"].to_numpy() - 0.5) / len(table)
    return np.asarray(np.linalg.solve(gram, target), dtype=np.float64)


def _tau(table: pd.DataFrame, group: Sequence[str], weights: NDArray[np.float64] | None = None) -> float:
    """Return Kendall's τ of a weighted mean of percentiles with the truth."""
    inputs = table[list(group)].to_numpy()
    return kendall(inputs @ (np.ones(len(group)) if weights is None else weights), table["truth"])

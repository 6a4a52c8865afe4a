"""Pairs of networks: whether a proxy puts the more accurate one of two ahead.

A handful of networks of one kind is too few for a correlation, but their pairs can be counted.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.statistics import orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["pairs_in_order"]


def pairs_in_order(
    bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str], is_pair: Callable[[str, str], bool]
) -> pd.DataFrame:
    """Count the pairs of networks that each proxy puts in the order of their accuracies.

    Pairs of equally accurate networks do not count, nor do those with an undefined score.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        ``arch`` and the columns of the proxies, one row an architecture.
    proxies : sequence of str
    is_pair : callable
        Says of two architectures whether they are compared.

    Returns
    -------
    DataFrame
        One row per proxy, which is its index: how many pairs are ``right``, ``wrong`` and ``tied``.
    """
    accuracy = bench.table.set_index("arch")[bench.metric]
    known = scores[scores["arch"].isin(accuracy.index)].set_index("arch")
    pairs = [pair for pair in combinations(known.index, 2) if is_pair(*pair)]
    first, second = ([pair[place] for pair in pairs] for place in (0, 1))
    by_accuracy = np.sign(accuracy[first].to_numpy() - accuracy[second].to_numpy())
    rows = {}
    for name in proxies:
        values = known[name].astype(float) * orientation(name)
        order = np.sign(values[first].to_numpy() - values[second].to_numpy())
        rows[name] = {
            "right": int((order * by_accuracy > 0).sum()),
            "wrong": int((order * by_accuracy < 0).sum()),
            "tied": int(((order == 0) & (by_accuracy != 0)).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("proxy")

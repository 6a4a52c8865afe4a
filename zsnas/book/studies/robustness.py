"""Robustness: which proxies foresee the accuracy that attacks leave, beyond the accuracy without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas import statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

STRENGTHS = ("0.1", "0.5", "1", "2")
"""Of an attack, in steps of 1/255; beyond them hardly a network classifies anything."""


def joined(robust: Benchmark, scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores and accuracies side by side, by ``arch``; scores are oriented, higher is better.

    Parameters
    ----------
    robust : Benchmark
        ``nb201-robust/cifar10``.
    scores : DataFrame
        Of one seed.
    """
    proxies = statistics.proxy_columns(scores, None)
    oriented = scores[proxies].mul([statistics.orientation(name) for name in proxies])
    return robust.table.set_index("arch").join(oriented.set_index(scores["arch"]), how="inner")


def curves(table: pd.DataFrame, names: Sequence[str], attack: str) -> pd.DataFrame:
    """Correlate scores with the accuracy under an attack, Kendall's τ: one row a name, one column a strength.

    Parameters
    ----------
    table : DataFrame
        Of :func:`joined`.
    names : sequence of str
        Columns, proxies or ``clean_accuracy``. What has no score is left out of its row.
    attack : str
        Such as ``pgd``.
    """
    accuracies = {"none": "clean_accuracy"} | {s: f"{attack}_{s}_accuracy" for s in STRENGTHS}
    found = {}
    for name in names:
        known = table[table[name].notna()]
        found[name] = {s: statistics.kendall(known[name], known[column]) for s, column in accuracies.items()}
    return pd.DataFrame.from_dict(found, orient="index")


def beyond(table: pd.DataFrame, names: Sequence[str], column: str, resamples: int, seed: int) -> pd.DataFrame:
    """Correlate scores with an accuracy at fixed clean accuracy: Spearman's partial ρ with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Of :func:`joined`.
    names : sequence of str
        Proxies.
    column : str
        Of the accuracy under an attack.
    resamples, seed : int
        Of the bootstrap over networks.

    Returns
    -------
    DataFrame
        One row a proxy: ``value``, ``low``, ``high`` and ``n``.
    """
    generator = np.random.default_rng(seed)
    found = {}
    for name in names:
        known = table.loc[table[name].notna(), [name, column, "clean_accuracy"]].to_numpy()
        drawn = [known[generator.integers(len(known), size=len(known))] for _ in range(resamples)]
        value, *others = (
            statistics.partial_spearman(x, y, [clean]) for x, y, clean in (part.T for part in (known, *drawn))
        )
        ends = statistics.percentile_interval(value, np.array(others))
        found[name] = {"value": value, **ends, "n": len(known)}
    return pd.DataFrame.from_dict(found, orient="index")

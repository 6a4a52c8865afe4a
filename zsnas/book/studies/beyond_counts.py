"""What is left of a proxy when the counts are known, and of #Params when the graph is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book.studies.boards import COUNTS, depth
from zsnas.book.studies.pools import FEW
from zsnas.spaces import nb201
from zsnas.statistics import kendall, partial_spearman

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zsnas.book.studies.pools import Key, Networks

FEATURES = ("3×3 convolutions", "1×1 convolutions", "skip connections", "poolings", "depth")
_NAMED = dict(zip(FEATURES, ("nor_conv_3x3", "nor_conv_1x1", "skip_connect", "avg_pool_3x3"), strict=False))


def given_counts(pools: Mapping[Key, Networks], proxies: Sequence[str]) -> pd.DataFrame:
    """Correlate proxies with accuracy at fixed #Params and #FLOPs: Spearman's ρ, and the partial one.

    A count is held fixed by the other count only.

    Parameters
    ----------
    pools : mapping of Networks
        By space and data set or task.
    proxies : sequence of str
        Those that a benchmark has too few scores of are left out there.

    Returns
    -------
    DataFrame
        One row a benchmark and ``proxy``: ``space``, ``task``, ``rho``, ``partial`` and ``n``.
    """
    rows = []
    for (space, task), networks in pools.items():
        for name in (name for name in proxies if name in networks.every):
            known = networks.every[networks.every[name].notna()]
            if len(known) < FEW:
                continue
            controls = [known[count] for count in COUNTS if count != name]
            rows.append(
                {
                    "space": space,
                    "task": task,
                    "proxy": name,
                    "rho": partial_spearman(known[name], known["truth"], []),
                    "partial": partial_spearman(known[name], known["truth"], controls),
                    "n": len(known),
                }
            )
    return pd.DataFrame(rows)


def counts_and_depth(architectures: Sequence[str]) -> pd.DataFrame:
    """Return how often each operation is in a cell of NAS-Bench-201, and its depth in convolutions.

    Parameters
    ----------
    architectures : sequence of str

    Returns
    -------
    DataFrame
        By ``arch``, with the columns :data:`FEATURES`.
    """
    cells = [nb201.parse(arch) for arch in architectures]
    counted = {words: [cell.count(name) for cell in cells] for words, name in _NAMED.items()}
    return pd.DataFrame({**counted, "depth": list(map(depth, architectures))}, index=list(architectures))


def given_graph(table: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Correlate proxies with accuracy at fixed :func:`counts_and_depth`, in NAS-Bench-201: one row a proxy.

    Parameters
    ----------
    table : DataFrame
        Of :class:`~zsnas.book.studies.pools.Networks`.
    proxies : sequence of str

    Returns
    -------
    DataFrame
        ``rho``, ``given depth``, ``given the graph`` and ``n``.
    """
    features = counts_and_depth(list(table.index))
    rows = {}
    for name in [name for name in proxies if name in table]:
        known = table[table[name].notna()]
        here = features.loc[known.index]
        rows[name] = {
            "rho": partial_spearman(known[name], known["truth"], []),
            "given depth": partial_spearman(known[name], known["truth"], [here["depth"]]),
            "given the graph": partial_spearman(
                known[name], known["truth"], [here[feature] for feature in FEATURES]
            ),
            "n": len(known),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def within_slices(table: pd.DataFrame, proxies: Sequence[str], slices: int = 10) -> pd.Series[float]:
    """Return the mean Kendall's τ of proxies among networks of about the same #Params.

    Parameters
    ----------
    table : DataFrame
        Of :class:`~zsnas.book.studies.pools.Networks`.
    proxies : sequence of str
    slices : int
        Of as equal sizes as ties in #Params allow; one in which a τ is undefined is left out of its mean.
    """
    parts = [
        part for _, part in table.groupby(pd.qcut(table["params"], slices, duplicates="drop"), observed=True)
    ]
    found = {}
    for name in proxies:
        if name in table and table[name].notna().sum() >= FEW:
            taus = pd.Series([_tau(part[part[name].notna()], name) for part in parts])
            found[name] = taus.mean()  # of those that are defined
    return pd.Series(found)


def _tau(part: pd.DataFrame, name: str) -> float:
    return kendall(part[name], part["truth"]) if len(part) > 1 else float("nan")

"""What is left of a proxy when the counts are known, and of #Params when the graph is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book.studies.boards import COUNTS, depth
from zsnas.book.studies.pools import FEW
from zsnas.book.tables import number
from zsnas.proxies import label_of
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
    return pd.DataFrame(rows, columns=["space", "task", "proxy", "rho", "partial", "n"])


def sizes(found: pd.DataFrame) -> str:
    """Say of how many networks :func:`given_counts` is: ``n = 300 to 1,000``."""
    return f"n = {found['n'].min():,} to {found['n'].max():,}" if len(found) else "too few are scored here"


def finding(found: pd.DataFrame, means: pd.DataFrame, graph: pd.DataFrame) -> str:
    """Say how far #Params goes, and what is left of the other proxies when the counts are known.

    Parameters
    ----------
    found : DataFrame
        Of :func:`given_counts`.
    means : DataFrame
        Its ``rho`` and ``partial``, in the mean over spaces, by proxy; without the counts.
    graph : DataFrame
        Of :func:`given_graph`; empty where that space is not there.
    """
    if found.empty:
        return "Too few networks are scored here to say where."
    params = found[found["proxy"] == "params"].set_index(["space", "task"])["rho"].sort_values()
    keeps = means.sort_values("partial").iloc[-1]
    gone = (means["partial"].abs() < means["rho"].abs() / 2).sum()
    said = (
        f"Its Spearman's ρ with accuracy goes from {number(params.iloc[0])} ({', '.join(params.index[0])}) "
        f"to {number(params.iloc[-1])} ({', '.join(params.index[-1])}). Most other proxies are counts in "
        f"part: at fixed #Params and #FLOPs, {gone} of {len(means)} keep less than half of their ρ, and "
        f"{label_of(keeps.name)} keeps most, {number(keeps['partial'])} of {number(keeps['rho'])} in the "
        "mean over spaces."
    )
    if graph.empty:
        return said
    ranked = graph.sort_values("given the graph")
    count, most = ranked[ranked.index == "params"].iloc[0], ranked.iloc[-1]
    return (
        f"{said} In NAS-Bench-201 #Params is what the graph says: at fixed numbers of operations and depth, "
        f"{number(count['given the graph'])} is left of {number(count['rho'])}, while {label_of(most.name)} "
        f"has {number(most['given the graph'])} of {number(most['rho'])}."
    )


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
        ``rho``, ``given depth``, ``given the graph`` and ``n``; without the proxies that too few have.
    """
    features = counts_and_depth(list(table.index))
    rows = {}
    for name in [name for name in proxies if name in table]:
        known = table[table[name].notna()]
        if len(known) < FEW:
            continue
        here = features.loc[known.index]
        rows[name] = {
            "rho": partial_spearman(known[name], known["truth"], []),
            "given depth": partial_spearman(known[name], known["truth"], [here["depth"]]),
            "given the graph": partial_spearman(
                known[name], known["truth"], [here[feature] for feature in FEATURES]
            ),
            "n": len(known),
        }
    columns = ["rho", "given depth", "given the graph", "n"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


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

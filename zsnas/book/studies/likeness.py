"""Which proxies rank alike, and which pairs know more together than each alone."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from zsnas.book.studies.pools import FEW, percentiles
from zsnas.book.tables import number
from zsnas.proxies import label_of
from zsnas.statistics import kendall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zsnas.book.studies.pools import Key, Networks


def alike(pools: Mapping[Key, Networks], proxies: Sequence[str], subset: str = "every") -> pd.DataFrame:
    """Return Spearman's ρ between proxies, a mean over benchmarks and then over spaces; NaN where unknown.

    Parameters
    ----------
    pools : mapping of Networks
        By space and data set or task.
    proxies : sequence of str
    subset : str
        "every" or "top".

    Returns
    -------
    DataFrame
        Square and symmetric, in an order that puts what is alike side by side.
    """
    by_space: dict[str, list[pd.DataFrame]] = {}
    for (space, _), networks in pools.items():
        table = getattr(networks, subset).reindex(columns=list(proxies))
        by_space.setdefault(space, []).append(table.corr(method="spearman", min_periods=FEW))
    means = [_mean(tables) for tables in by_space.values()]
    found = _mean(means)
    order = _order(found)
    return found.loc[order, order]


def _mean(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of each cell over the tables that have it."""
    return pd.concat(tables, keys=range(len(tables))).groupby(level=1, sort=False).mean()


def _order(likeness: pd.DataFrame) -> list[str]:
    distances = 1 - likeness.fillna(0).to_numpy()
    np.fill_diagonal(distances, 0)
    links = hierarchy.linkage(squareform((distances + distances.T) / 2), "average", optimal_ordering=True)
    return [str(likeness.index[i]) for i in hierarchy.leaves_list(links).tolist()]


def pairs(pools: Mapping[Key, Networks], proxies: Sequence[str]) -> pd.DataFrame:
    """Compare the mean percentile of two proxies with the better one of the two.

    Parameters
    ----------
    pools : mapping of Networks
        By space and data set or task.
    proxies : sequence of str
        Columns that all of them have.

    Returns
    -------
    DataFrame
        One row a pair, best ``gain`` first: ``first``, ``second``; ``likeness``, Spearman's ρ between them;
        ``together``, Kendall's τ of the mean percentile with accuracy; ``gain`` over the one that has the
        higher τ on each benchmark. All are means over the benchmarks that have enough networks and then over
        spaces; no row where none has.
    """
    rows = []
    for (space, _), networks in pools.items():
        if len(networks.every) < FEW:
            continue
        ranks = percentiles(networks.every)
        alone = {name: kendall(ranks[name], ranks["truth"]) for name in proxies}
        for first, second in combinations(proxies, 2):
            together = kendall(ranks[first] + ranks[second], ranks["truth"])
            rows.append(
                {
                    "space": space,
                    "first": first,
                    "second": second,
                    "likeness": ranks[first].corr(ranks[second], method="spearman"),
                    "together": together,
                    "gain": together - max(alone[first], alone[second]),
                }
            )
    columns = ["space", "first", "second", "likeness", "together", "gain"]
    means = pd.DataFrame(rows, columns=columns).groupby(columns[:3], sort=False).mean()
    found = means.groupby(["first", "second"], sort=False).mean()
    return found.sort_values("gain", ascending=False, kind="stable").reset_index()


def in_order(similar: pd.DataFrame) -> pd.Series[float]:
    """Return what is known above the diagonal of :func:`alike`, by two proxies, least alike first.

    Parameters
    ----------
    similar : DataFrame
    """
    above = pd.Series(similar.where(np.triu(np.ones(similar.shape, dtype=bool), 1)).stack())
    return above.dropna().sort_values()


def finding(similar: pd.DataFrame, found: pd.DataFrame) -> str:
    """Say which proxies are most and which least alike, and how many pairs gain.

    Parameters
    ----------
    similar : DataFrame
        Of :func:`alike`.
    found : DataFrame
        Of :func:`pairs`.
    """
    known = in_order(similar)
    proxies_only = [pair for pair in known.index if set(pair) != {"params", "flops"}]
    if not proxies_only or found.empty:
        return "Too few networks are scored here to say which proxies are alike."
    closest, furthest, best = proxies_only[-1], proxies_only[0], found.iloc[0]
    return (
        f"After the two counts, {label_of(closest[0])} and {label_of(closest[1])} are most alike "
        f"(ρ = {number(known[closest])}), {label_of(furthest[0])} and {label_of(furthest[1])} least "
        f"({number(known[furthest])}). Unlike is not complementary: {(found['gain'] > 0).sum()} of "
        f"{len(found)} pairs rank better together than the better of them alone, in the mean over spaces; "
        f"{label_of(best['first'])} with {label_of(best['second'])} comes first, with "
        f"{number(best['gain'], 3)} of Kendall's τ beside the better of the two."
    )

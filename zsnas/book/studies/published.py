"""Published networks, a few dozen of a kind: comparing proxies over them, and over their pairs."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.book import comparison, materials
from zsnas.leaderboard import FEWEST
from zsnas.spaces.resnets import BASIC, Design, parse
from zsnas.statistics import orientation, spearman

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zsnas.benchmarks import Benchmark
    from zsnas.book.comparison import Comparison

__all__ = ["TWELVE", "branches", "compare", "in_words", "like", "pairs_in_order", "powers"]

TWELVE = (*comparison.TEN, "nn_mass", "nn_degree")
"""The proxies that families are ranked by."""

LIVE = 2
"""How many networks the quick profile scores live: they are large."""


def compare(  # noqa: PLR0913, PLR0917 - the parameters of a page, in their order
    bench: Benchmark,
    proxies: Sequence[str],
    profile: str,
    seeds: Sequence[int],
    batch_size: int,
    limit: int | None,
    recompute: bool,
    live: Sequence[str] | None = None,
) -> Comparison:
    """Compare proxies over published networks, where the top is their better half.

    Parameters
    ----------
    bench : Benchmark
        All its networks, or a random sample of them, are scored. Live scores are of the smallest.
    proxies : sequence of str
    profile, seeds, batch_size, limit, recompute
        The parameters of the page.
    live : sequence of str, optional
        All networks in the order in which they are scored live; by default the smallest first.
    """
    ordered = materials.smallest(bench) if live is None else live
    return comparison.compare(
        bench.name,
        proxies=proxies,
        seeds=seeds,
        batch_size=batch_size,
        limit=limit,
        recompute=recompute,
        profile=profile,
        top=0.5,
        sampled_top=1.0,
        live=list(ordered)[: limit or (LIVE if profile == "quick" else None)],
    )


def branches(bench: Benchmark) -> dict[str, str]:
    """Name the branch of the family that each residual network is of."""
    return {arch: _branch(parse(arch)) for arch in bench.table["arch"]}


def _branch(design: Design) -> str:
    if design.inner > 1:
        return "Wide-ResNet"
    order = {"resnet": "ResNet", "preresnet": "PreResNet"}[design.order]
    return f"{order}, {'basic blocks' if design.depth in BASIC else 'bottlenecks'}"


def like(scores: pd.DataFrame, proxies: Sequence[str], other: str) -> pd.Series[float]:
    """Return Spearman's ρ of each proxy with another one, NaN for fewer than `FEWEST` networks.

    Parameters
    ----------
    scores : DataFrame
        The columns of the proxies, one row an architecture.
    proxies : sequence of str
    other : str
        The proxy to compare with, such as ``"flops"``.
    """
    found = {}
    for name in proxies:
        known = scores.dropna(subset=[name, other])
        mine, theirs = (orientation(which) * known[which] for which in (name, other))
        found[name] = spearman(mine, theirs) if len(known) >= FEWEST else np.nan
    return pd.Series(found, dtype=float)


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


def in_words(counts: pd.DataFrame) -> pd.Series[str]:
    """Write how many of the pairs of :func:`pairs_in_order` are in order: ``3 of 5 (1 tied)``."""
    ties = counts["tied"].map(lambda n: f" ({n} tied)" if n else "")
    return counts["right"].map(str) + " of " + counts.sum(axis=1).map(str) + ties


def powers(scores: pd.DataFrame, proxies: Sequence[str], sizes: pd.DataFrame) -> pd.DataFrame:
    """Fit each score by a product of powers of the sizes of a network.

    Parameters
    ----------
    scores : DataFrame
        ``arch`` and the columns of the proxies, one row an architecture.
    proxies : sequence of str
    sizes : DataFrame
        Positive, such as width and resolution; one row for each architecture to fit, which is its index.

    Returns
    -------
    DataFrame
        The exponents, a row for each proxy and a column for each size; NaN where a score is not positive, or
        where there are no more networks than exponents.
    """
    known = scores.set_index("arch").reindex(sizes.index)
    design = np.column_stack([np.ones(len(sizes)), np.log2(sizes.to_numpy(float))])
    rows = {}
    for name in proxies:
        values = known[name].to_numpy(float)
        rows[name] = np.full(sizes.shape[1], np.nan)
        if len(values) > design.shape[1] and (values > 0).all():
            rows[name] = np.linalg.lstsq(design, np.log2(values))[0][1:]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(sizes.columns)).rename_axis("proxy")

"""The networks behind a printed accuracy, and whether one can be what a proxy ranks first.

An accuracy with two decimals belongs to few networks of a benchmark, sometimes to a single one. Then a table
that prints it names its network without saying so.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book import materials
from zsnas.book.tables import number
from zsnas.book.verdicts import labels, listed, names_the_first, printed_as
from zsnas.proxies import label_of
from zsnas.spaces import space
from zsnas.statistics import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsnas.benchmarks import Benchmark

__all__ = ["behind", "larger", "named", "numbers", "shared"]

CONSTANT = "do not depend on the input"
"""In the reason why a proxy is undefined for a network that gives every image the same features."""


def behind(
    bench: Benchmark, table: pd.DataFrame, proxy: str, printed: float, *, few: int, seed: int, batch_size: int
) -> dict[str, object]:
    """Judge whether an architecture with the printed accuracy can be the one that a proxy ranks first.

    The architectures that print with this accuracy are compared with all scores of the page. Those that no
    score of the page belongs to are scored now.

    Parameters
    ----------
    bench : Benchmark
    table : DataFrame
        The scores of a page, with this seed and batch size only.
    proxy : str
    printed : float
        With two decimals.
    few : int
        Up to so many different networks can be behind the number; with more, nothing is compared.
    seed, batch_size : int

    Returns
    -------
    dict
        Cells of a table: ``with it``, how many architectures print so; ``ahead``, how many of the scored ones
        have a better score than all of these; ``verdict``.
    """
    architectures = printed_as(bench, printed)
    canonical = space(bench.space).canonical
    networks = {canonical(arch) for arch in architectures}
    if not 1 <= len(networks) <= few:
        return {"with it": len(architectures), "ahead": "–", "verdict": "cannot be compared"}
    known = table.dropna(subset=proxy).groupby(table["arch"].map(canonical))[proxy].first()
    unknown = sorted(networks.difference(known.index))
    scored = materials.scored_now(bench, unknown, [proxy], seed, batch_size).set_index("arch")[proxy]
    scored = pd.concat([known, scored.astype(float)])
    named = pd.DataFrame({"arch": architectures, proxy: scored[map(canonical, architectures)].to_numpy()})
    outcome, ahead, others = names_the_first(table, named, proxy)
    return {"with it": len(architectures), "ahead": f"{ahead:,} of {others:,}", "verdict": outcome}


def named(bench: Benchmark, printed: pd.Series[float]) -> tuple[str, list[str]]:
    """Return the one network that most numbers name, and whose numbers these are; empty when none names one.

    Parameters
    ----------
    bench : Benchmark
    printed : Series
        With two decimals, by proxy.
    """
    found = {str(proxy): printed_as(bench, value) for proxy, value in printed.items()}
    alone = {proxy: archs[0] for proxy, archs in found.items() if len(archs) == 1}
    [(arch, _)] = Counter(alone.values()).most_common(1) or [("", 0)]
    return arch, [proxy for proxy, one in alone.items() if one == arch]


def numbers(bench: Benchmark, printed: pd.Series[float]) -> Iterator[str]:
    """Say how many numbers belong to a network at all, and which of those that are printed do.

    Parameters
    ----------
    bench, printed
        As for :func:`named`.
    """
    if printed.empty:
        return
    truth = bench.table.set_index("arch")[bench.metric]
    hundredths = round(100 * (truth.max() - truth.min())) + 1
    none = [
        f"{label_of(str(name))}'s {value:.2f}"
        for name, value in printed.items()
        if not printed_as(bench, value)
    ]
    yield (
        f"{100 * truth.round(2).nunique() / hundredths:.0f}\N{NO-BREAK SPACE}% of the numbers with two "
        f"decimals between the worst and the best belong to a network. Of the survey's {printed.nunique()} "
        f"different numbers, those that belong to none are: {listed(none) or 'none'}."
    )
    arch, names = named(bench, printed)
    if names:
        yield f"one network, `{arch}`, has what is printed for {labels(names)}: {number(truth[arch])}."


def larger(bench: Benchmark, proxy: str, reached: float, printed: float) -> str:
    """Say whether a number that is printed for a count can come from another choice by this count.

    Parameters
    ----------
    bench : Benchmark
    proxy : str
        "params" or "flops".
    reached : float
        Accuracy of the network with the most.
    printed : float
        What is printed instead.
    """
    count = materials.counts(bench).set_index("arch")[proxy]
    others = [
        f"`{arch}`, than which {(count > count[arch]).sum():,} are larger"
        for arch in printed_as(bench, printed)
    ]
    return (
        f"the network with the most {label_of(proxy)}, `{count.idxmax()}`, has {number(reached)}, and the "
        f"survey prints {number(printed)}. Networks that have the survey's number: "
        f"{listed(others) or 'none'}."
    )


def shared(bench: Benchmark, candidates: pd.DataFrame, proxy: str, printed: float, decimals: int) -> str:
    """Say of the networks in first place by a proxy whether their features depend on the image; empty if so.

    Parameters
    ----------
    bench : Benchmark
    candidates : DataFrame
        Scores of those that the proxy chooses among, with ``reasons``.
    proxy : str
    printed : float
        What the survey prints for the proxy, NaN where it prints nothing.
    decimals : int
        Of the truth.
    """
    score = candidates[proxy].astype(float) * orientation(proxy)
    leading = candidates[score == score.max()]
    constant = (
        leading["reasons"].fillna("").str.contains(CONSTANT)
        if "reasons" in leading
        else leading["arch"] == ""
    )
    if not constant.any():
        return ""
    canonical = space(bench.space).canonical
    networks = set(leading["arch"].map(canonical))
    alike = bench.table.loc[bench.table["arch"].map(canonical).isin(networks), bench.metric]
    ends = " to ".join(number(end, decimals) for end in (alike.min(), alike.max()))
    just = f" The survey's number for {label_of(proxy)} is just this."
    same = set(alike.map("{:.2f}".format)) == {f"{printed:.2f}"}
    return (
        f"of the {len(leading)} in first place by {label_of(proxy)}, {constant.sum()} have features that do "
        f"not depend on the image. The space has {len(alike):,} networks that are the same as these, with "
        f"{ends}.{just if same else ''}"
    )

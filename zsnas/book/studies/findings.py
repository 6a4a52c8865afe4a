"""What the book found, in five sentences, from Kendall's τ of every proxy on every benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zsnas import benchmarks, counting, statistics
from zsnas.book import materials
from zsnas.book.figures.opening import COUNTS
from zsnas.book.studies.kinds import originals
from zsnas.book.tables import number
from zsnas.book.verdicts import ENOUGH
from zsnas.proxies import label_of
from zsnas.scores.table import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = ("nb201/cifar100", "nats-sss/imagenet16-120", "transnas-micro/segmentsemantic")
"""Of which the front page draws what becomes of τ at the top."""


def taus(seeds: Sequence[int] = (0,), limit: int | None = None) -> pd.DataFrame:
    """Return Kendall's τ of the proxies on the benchmarks that this machine and the project have.

    Parameters
    ----------
    seeds : sequence of int
        Of the published scores; all that there are when none has one of these.
    limit : int, optional
        So many benchmarks at most, those of `SHOWN` first.

    Returns
    -------
    DataFrame
        ``benchmark``, ``proxy``, ``subset`` ("all" or "top", the best 5 %), ``value``, ``n`` networks; only
        what rests on at least 30 networks.
    """
    names = [*SHOWN, *(name for name in benchmarks.list_benchmarks() if name not in SHOWN)]
    tables = [table for name in names[:limit] if (table := _taus(name, seeds)) is not None]
    columns = ["benchmark", "proxy", "subset", "value", "n"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _taus(name: str, seeds: Sequence[int]) -> pd.DataFrame | None:
    bench = materials.known(name)
    if bench is None:
        return None
    published = scores(name)
    chosen = published[published["seed"].isin(seeds)]
    table = chosen if len(chosen) else published
    table = table[table["batch_size"] == table["batch_size"].mode()[0]]
    asked = [one for one in originals() if one in table]
    found = statistics.correlations(bench, table, top=0.05, proxies=asked, resamples=0)
    rows = found[(found["statistic"] == "KT") & (found["n"] >= ENOUGH) & found["value"].notna()]
    return rows.assign(benchmark=name)[["benchmark", "proxy", "subset", "value", "n"]]


def wide(table: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Return τ over all or over the top, a proxy a row and a benchmark a column."""
    return table[table["subset"] == subset].pivot(index="proxy", columns="benchmark", values="value")


def counts_are_hard_to_beat(table: pd.DataFrame) -> str:
    """Say how often #Params ranks better than the median proxy, and who is ahead of it."""
    over_all = wide(table, "all")
    others = over_all.drop(index=list(COUNTS), errors="ignore")
    better = (over_all.T["params"] > others.median()).sum()
    shared = others.notna().sum(axis=1)
    ahead = others.gt(over_all.T["params"]).sum(axis=1)
    winners = shared.index[(shared >= over_all.shape[1] / 2) & (ahead > shared / 2)]
    named = ", ".join(f"{label_of(name)} on {ahead[name]} of {shared[name]}" for name in winners)
    return (
        f"On {better} of {over_all.shape[1]} benchmarks, counting the weights ranks better than the median "
        "proxy; of the proxies that are scored on half of them or more, these are ahead of it more often "
        f"than not: {named or 'none'}."
    )


def nobody_wins_everywhere(table: pd.DataFrame) -> str:
    """Say who is ahead of both counts most often."""
    over_all = wide(table, "all")
    others = over_all.drop(index=list(COUNTS), errors="ignore")
    both = over_all.loc[list(COUNTS)].max()
    shared = others.notna().sum(axis=1)
    wins = others.gt(both).sum(axis=1)
    everywhere = [label_of(name) for name in others.index if wins[name] == shared[name] == over_all.shape[1]]
    best = str(wins.idxmax())
    return (
        f"{', '.join(everywhere) or 'No proxy'} is ahead of both counts everywhere; {label_of(best)} is most "
        f"often, on {wins[best]} of {shared[best]} benchmarks."
    )


def the_top_is_lost(table: pd.DataFrame) -> str:
    """Say what becomes of the correlation among the best 5 %."""
    pairs = _pairs(table)
    if pairs.empty:
        return "No benchmark has enough of its best networks scored to say what happens at the top."
    lower = (pairs["top"] < pairs["all"]).sum()
    return (
        "Among the best 5 % of the networks, where a search has to choose, the median τ falls from "
        f"{number(pairs['all'].median())} to {number(pairs['top'].median())}; it falls for {lower} of "
        f"{len(pairs)} pairs of a proxy and a benchmark."
    )


def the_space_matters(table: pd.DataFrame) -> str:
    """Say how far one proxy's correlation moves from benchmark to benchmark."""
    over_all = wide(table, "all")
    spread = over_all.max(axis=1) - over_all.min(axis=1)
    name = str(spread.idxmax())
    row = over_all.T[name]
    return (
        f"One proxy is not one number: {label_of(name)} has τ = {number(row.max())} on {row.idxmax()} and "
        f"{number(row.min())} on {row.idxmin()}."
    )


def the_pick_is_behind() -> str:
    """Say how far the network with the most weights is below the best one of NAS-Bench-201."""
    bench = materials.known("nb201/cifar100")
    if bench is None:
        return "How far a pick falls short of the best network cannot be told without NAS-Bench-201."
    truth = bench.table.set_index("arch")[bench.metric]
    weights = counting.counts(100, 32).set_index("arch")["params"].reindex(truth.index)
    picked = truth[weights == weights.max()].mean()
    return (
        f"The largest of {len(truth):,} cells of NAS-Bench-201 reaches {picked:.1f} % on CIFAR-100, "
        f"{truth.max() - picked:.1f} points below the best and {picked - truth.mean():.1f} above the mean: a "
        "count finds a good network and not the best."
    )


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Return τ over all and over the top, where both are known, by benchmark and proxy."""
    return (
        table.pivot(index=["benchmark", "proxy"], columns="subset", values="value")
        .reindex(columns=["all", "top"])
        .dropna()
    )


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return τ over all and over the top on the benchmarks that the front page draws."""
    pairs = _pairs(table)
    return pairs[pairs.index.get_level_values("benchmark").isin(SHOWN)]

"""NB201-Digits: how soon training ranks cells as its end does, and how well anything could.

What a proxy is judged by is itself a measurement: train a cell again from another seed, and it ends
elsewhere. So the truth here is the accuracy that a cell ends with when it is trained from *other* seeds, and
training for a few epochs is one more way to foresee it, beside the proxies. All ways are compared over the
same cells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.benchmarks import nb201_digits
from zsnas.book import tables
from zsnas.proxies import label_of
from zsnas.statistics import kendall, orientation, percentile_interval
from zsnas.training import speed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "ENOUGH",
    "answer",
    "best_proxy",
    "ceiling",
    "compared",
    "epochs",
    "foresight",
    "how_much",
    "listing",
    "rankings",
    "retrained",
    "saved",
    "soonest",
    "table_of",
]

ENOUGH = 20
"""Fewer cells than these say nothing about a ranking."""


def retrained(bench: Benchmark, curves: pd.DataFrame) -> Benchmark:
    """Return the cells that are trained with several seeds, their truth the end of all seeds but the first.

    Parameters
    ----------
    bench
        NB201-Digits.
    curves
        Of :func:`zsnas.benchmarks.nb201_digits.curves`.
    """
    last = curves[curves["epoch"] == curves["epoch"].max()]
    others = last[last["seed"] != last["seed"].min()].groupby("arch")["test_accuracy"].mean()
    table = bench.table[bench.table["arch"].isin(others.index)].reset_index(drop=True)
    return replace(bench, table=table.assign(test_accuracy=table["arch"].map(others)))


def epochs(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy with the first seed after every epoch: cells × epochs."""
    first = curves[curves["seed"] == curves["seed"].min()]
    return first.pivot_table(index="arch", columns="epoch", values="test_accuracy")


def rankings(by_epoch: pd.DataFrame, scores: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Return all ways to rank cells side by side, higher meaning better: cells × epochs and proxies.

    Parameters
    ----------
    by_epoch
        Of :func:`epochs`.
    scores
        As of ``zsnas.scores``; of several seeds the first.
    proxies
        Those that `scores` lacks are left out.
    """
    first = scores[scores["seed"] == scores["seed"].min()].set_index("arch")
    known = {name: orientation(name) * first[name] for name in proxies if name in first}
    return by_epoch.join(pd.DataFrame(known, index=first.index), how="inner")


def foresight(ways: pd.DataFrame, truth: pd.Series[float], resamples: int) -> pd.DataFrame:
    """Return Kendall's τ of each way to rank cells with a truth, and its lead over the best proxy.

    Parameters
    ----------
    ways
        Of :func:`rankings`. A cell without a score ranks last, as in a search that cannot choose it.
    truth
        By cell; only cells that have one are used.
    resamples
        Of the bootstrap over cells, the same draws for all ways.

    Returns
    -------
    DataFrame
        By way: ``value``, ``low``, ``high``, the 95 % interval; ``lead``, ``lead_low``, ``lead_high`` over
        the proxy with the highest value; ``n``, cells.
    """
    ways = ways[ways.index.isin(truth.index)].fillna(-np.inf)
    truth, rng = truth.reindex(ways.index), np.random.default_rng(0)
    n = len(ways)
    drawn = [np.ones(n), *(rng.multinomial(n, np.full(n, 1 / n)) for _ in range(resamples))]
    taus = pd.DataFrame(
        [[kendall(ways[way], truth, weights) for weights in drawn] for way in ways], index=ways.columns
    )
    proxies = [way for way in ways if isinstance(way, str)]
    leads = taus - taus.loc[taus.loc[proxies, 0].idxmax()] if proxies else taus * np.nan
    return pd.DataFrame({way: _row(taus.loc[way], leads.loc[way], n) for way in ways}).T


def _row(taus: pd.Series[float], leads: pd.Series[float], n: int) -> dict[str, float]:
    ends = percentile_interval(taus[0], taus.iloc[1:].to_numpy())
    lead = percentile_interval(leads[0], leads.iloc[1:].to_numpy())
    return {
        "value": taus[0],
        **ends,
        "lead": leads[0],
        **{f"lead_{end}": value for end, value in lead.items()},
        "n": n,
    }


def best_proxy(found: pd.DataFrame) -> str | None:
    """Return the proxy with the highest τ, if there is one."""
    proxies = found.loc[[way for way in found.index if isinstance(way, str)], "value"].astype(float).dropna()
    return None if proxies.empty else str(proxies.idxmax())


def soonest(found: pd.DataFrame, *, clearly: bool) -> int | None:
    """Return the first epoch that ranks better than every proxy, or does so with its whole interval."""
    trained = found.loc[[way for way in found.index if not isinstance(way, str)]]
    ahead = trained.index[trained["lead_low" if clearly else "lead"] > 0]
    return int(ahead[0]) if len(ahead) else None


def answer(found: pd.DataFrame) -> str:
    """Say after how many epochs training beats every proxy, and how far from the ceiling that is."""
    proxy = best_proxy(found)
    if proxy is None or found["n"].iloc[0] < ENOUGH:
        return "Too few of the cells with several seeds are scored in this execution to say."
    last = max(way for way in found.index if not isinstance(way, str))
    first, clear = soonest(found, clearly=False), soonest(found, clearly=True)
    best = f"the best of the proxies, {label_of(proxy)}, with a Kendall's τ of {_tau(found, proxy)}"
    if first is None:
        return f"No epoch of the {last} ranks the cells better than {best}."
    sure = f"from epoch {clear} on with the whole interval" if clear else "never with the whole interval"
    return (
        f"After {first} of {last} epochs ({_tau(found, first)}) the accuracy so far foresees what training "
        f"from other seeds ends with better than {best}; {sure}. The end itself foresees it with "
        f"{_tau(found, last)}: no proxy can be asked for more."
    )


def _tau(found: pd.DataFrame, way: str | int) -> str:
    row = found.loc[way]
    return tables.interval(row["value"], row["low"], row["high"])


def table_of(found: pd.DataFrame, name: str) -> str:
    """Write τ of every way to rank, best first, with its lead over the best proxy."""
    ordered = found.sort_values("value", ascending=False, kind="stable")
    rows = {
        label_of(way) if isinstance(way, str) else _after(way): {
            "Kendall's τ": _tau(ordered, way),
            "minus the best proxy": "–"
            if way == best_proxy(found)
            else tables.interval(row["lead"], row["lead_low"], row["lead_high"]),
        }
        for way, row in ordered.iterrows()
    }
    words = (
        "How well each way to rank cells foresees the accuracy that training from other seeds ends with "
        f"[95 % interval over cells], n = {int(found['n'].iloc[0]):,}."
    )
    return tables.numbered(pd.DataFrame.from_dict(rows, orient="index").rename_axis("Ranked by"), words, name)


def _after(epoch: int) -> str:
    return f"{epoch} epoch{'s' if epoch > 1 else ''} of training"


def ceiling(curves: pd.DataFrame) -> pd.DataFrame:
    """Return what two trainings of one cell agree on at the end.

    Returns
    -------
    DataFrame
        A row for each pair of seeds: ``one``, ``other``, ``tau``, ``top`` (τ over the best 5 % by the mean of
        both), ``deviation`` (of one training about the mean of two, in points) and ``n``, cells.
    """
    last = curves[curves["epoch"] == curves["epoch"].max()]
    wide = last.pivot_table(index="arch", columns="seed", values="test_accuracy")
    pairs = [(a, b) for a in wide for b in wide if a < b]
    return pd.DataFrame([_pair(wide[[a, b]].dropna()) for a, b in pairs])


def _pair(both: pd.DataFrame) -> dict[str, float]:
    one, other = both
    mean = both.mean(axis=1)
    top = both[mean >= mean.quantile(0.95)]
    return {
        "one": one,
        "other": other,
        "tau": kendall(both[one], both[other]),
        "top": kendall(top[one], top[other]),
        "deviation": float(np.sqrt(both.diff(axis=1)[other].square().mean() / 2)),
        "n": len(both),
    }


def compared(archs: Sequence[str], accuracies: Sequence[float], seed: int) -> str:
    """Say how far accuracies of trainings just done, in %, are from those that are kept with the project."""
    last = nb201_digits.curves().query("epoch == epoch.max() and seed == @seed").set_index("arch")
    kept = last["test_accuracy"].reindex(list(archs)).dropna()
    if kept.empty:
        return f"None of them is kept with seed {seed}, so that this execution has nothing to compare with."
    apart = (pd.Series(list(accuracies), list(archs)).reindex(kept.index) - kept).abs()
    return (
        f"Of the {len(kept)} that are kept with seed {seed}, {(apart < 1e-9).sum()} end with the very number "
        f"of test pictures; the largest difference is {apart.max():.1f} points."
    )


def listing(archs: Sequence[str], accuracies: pd.DataFrame, name: str) -> str:
    """Write the accuracies of a few cells after some of their epochs, as a numbered table.

    Parameters
    ----------
    archs
        Of the cells.
    accuracies
        In %: cells × epochs.
    name
        As for :func:`zsnas.book.tables.numbered`.
    """
    cells = accuracies.map(lambda value: f"{value:.1f}")
    written = [f"`{arch}`".replace("|", r"\|") for arch in archs]  # which would end a cell of the table
    cells.index = pd.Index(written, name="Cell")
    return tables.numbered(cells, "Test accuracy (%) after so many epochs of the cells trained here.", name)


def how_much(bench: Benchmark) -> str:
    """Say how much of the benchmark is trained."""
    seeds = nb201_digits.trained()
    parts = [f"{count:,} with seed {seed}" for seed, count in seeds.items()]
    hours = nb201_digits.hours()
    whole = hours * nb201_digits.CELLS * 3 / sum(seeds.values())
    complete = all(seeds.get(seed) == nb201_digits.CELLS for seed in range(3))
    so_far = "" if complete else f"; all cells with three seeds would take about {whole:.1f}"
    return (
        f"Of {nb201_digits.CELLS:,} cells {', '.join(parts)} are trained: {sum(seeds.values()):,} networks "
        f"in {hours:.2f} hours of one core{so_far}. The {len(bench.table):,} cells of the table are "
        f"{'all there are' if complete else 'a random sample'}."
    )


def saved() -> str:
    """Say how much time training together saves."""
    table = pd.read_csv(speed.TABLE).set_index("together")["cpu_seconds"]
    most = int(table.index.max())
    return (
        f"One by one a network takes {table[0]:.2f} seconds of one core, in a stack of {most} "
        f"{table[most]:.3f}: {table[0] / table[most]:.1f} times less."
    )

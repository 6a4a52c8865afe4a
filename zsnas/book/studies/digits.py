"""NB201-Digits: how soon training ranks cells as its end does, and how well anything could.

What a proxy is judged by is itself a measurement: train a cell again from another seed, and it ends
elsewhere. So the truth here is the accuracy that a cell ends with when it is trained from *other* seeds, and
training for a few epochs is one more way to foresee it, beside the proxies. All ways are compared over the
same cells.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.benchmarks import nb201_digits
from zsnas.book import tables
from zsnas.proxies import label_of
from zsnas.statistics import kendall, orientation, percentile_interval, spearman
from zsnas.training import speed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "ENOUGH",
    "agreements",
    "answer",
    "best_proxy",
    "ceiling",
    "compared",
    "epochs",
    "foresight",
    "how_much",
    "listing",
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
    wide: pd.DataFrame = first.pivot_table(index="arch", columns="epoch", values="test_accuracy")
    return wide


def foresight(
    by_epoch: pd.DataFrame,
    scores: pd.DataFrame,
    truth: pd.Series[float],
    proxies: Sequence[str],
    resamples: int,
) -> pd.DataFrame:
    """Return Kendall's τ of each way to rank cells with a truth, and its lead over the best proxy.

    Parameters
    ----------
    by_epoch
        Of :func:`epochs`.
    scores
        As of ``zsnas.scores``; of several seeds the first. A cell whose score is undefined ranks last, as in
        a search that cannot choose it.
    truth
        By cell. Cells that lack a truth or a row of scores are left out.
    proxies
        Those that `scores` lacks are left out.
    resamples
        Of the bootstrap over cells, the same draws for all ways.

    Returns
    -------
    DataFrame
        One row per way: ``epoch``, 0 for a proxy, and ``proxy``, empty for an epoch; ``value``, ``low`` and
        ``high``, the 95 % interval; ``lead``, ``lead_low`` and ``lead_high`` over the proxy with the highest
        value; ``n``, cells.
    """
    first = scores[scores["seed"] == scores["seed"].min()].set_index("arch")
    cells = by_epoch.index.intersection(first.index).intersection(truth.index)
    n, rng, ends = len(cells), np.random.default_rng(0), truth.reindex(cells).to_numpy(float)
    so_far = by_epoch.loc[cells]
    ways = [(epoch, "", so_far[epoch]) for epoch in so_far.columns.astype(int)]
    ways += [(0, name, orientation(name) * first.loc[cells, name]) for name in proxies if name in first]
    drawn = [np.ones(n), *(rng.multinomial(n, np.full(n, 1 / max(n, 1))) for _ in range(resamples))]
    found = pd.DataFrame([{"epoch": epoch, "proxy": name, "n": n} for epoch, name, _ in ways])
    ranked = [values.fillna(-np.inf).to_numpy(float) for _, _, values in ways]
    taus = np.array([[kendall(values, ends, weights) for weights in drawn] for values in ranked])
    of_proxies = np.where(found["epoch"] > 0, -np.inf, np.nan_to_num(taus[:, 0], nan=-np.inf))
    leads = taus - taus[of_proxies.argmax()] if np.isfinite(of_proxies).any() else taus * np.nan
    for name, values in (("", taus), ("lead_", leads)):
        found[name.rstrip("_") or "value"] = values[:, 0]
        limits = [percentile_interval(float(row[0]), row[1:]) for row in values]
        found[[f"{name}low", f"{name}high"]] = [[limit["low"], limit["high"]] for limit in limits]
    return found


def best_proxy(found: pd.DataFrame) -> str:
    """Return the proxy with the highest τ; empty when there is none."""
    proxies = found[found["epoch"] == 0].dropna(subset="value")
    first = proxies.sort_values("value", ascending=False, kind="stable")
    return str(first["proxy"].iloc[0]) if len(first) else ""


def soonest(found: pd.DataFrame, *, clearly: bool) -> int:
    """Return the first epoch that ranks better than every proxy, or does so with its whole interval; or 0."""
    ahead = found[(found["epoch"] > 0) & (found["lead_low" if clearly else "lead"] > 0)]
    return int(ahead["epoch"].min()) if len(ahead) else 0


def answer(found: pd.DataFrame) -> str:
    """Say after how many epochs training beats every proxy, and how far from the ceiling that is."""
    proxy, n = best_proxy(found), found["n"].iloc[0]
    if not proxy or n < ENOUGH:
        return "Too few of the cells with several seeds are scored in this execution to say."
    last, taus = found["epoch"].max(), _taus(found)
    first, clear = soonest(found, clearly=False), soonest(found, clearly=True)
    best = f"the best of the proxies, {label_of(proxy)} (Kendall's τ {taus[0, proxy]})"
    if not first:
        return f"In none of {last} epochs does the accuracy so far rank cells better than {best}."
    sure = (
        f"and from epoch {clear} on with the whole interval" if clear else "but never with the whole interval"
    )
    return (
        f"The accuracy so far overtakes {best}, after {first} of {last} epochs ({taus[first, '']}), {sure}. "
        f"A whole training foresees what others end with by {taus[last, '']}."
    )


def _taus(found: pd.DataFrame) -> dict[tuple[int, str], str]:
    """Write τ with its interval, by epoch and proxy."""
    return dict(zip(zip(found["epoch"], found["proxy"], strict=True), tables.intervals(found), strict=True))


def table_of(found: pd.DataFrame, name: str) -> str:
    """Write τ of every way to rank, best first, with its lead over the best proxy."""
    ordered = found.sort_values("value", ascending=False, kind="stable")
    ways = [
        label_of(proxy) if proxy else f"{epoch} epoch{'s' * (epoch > 1)} of training"
        for epoch, proxy in zip(ordered["epoch"], ordered["proxy"], strict=True)
    ]
    leads = pd.Series(tables.intervals(ordered, "lead", "lead_"))
    rows = pd.DataFrame(
        {
            "Kendall's τ": tables.intervals(ordered),
            "minus the best proxy": leads.mask((ordered["proxy"] == best_proxy(found)).to_numpy(), "–"),
        }
    ).set_index(pd.Index(ways, name="Ranked by"))
    words = (
        "How well each way to rank cells foresees the accuracy that training from other seeds ends with "
        f"[95 % interval over cells], n = {found['n'].iloc[0]:,}."
    )
    return tables.numbered(rows, words, name)


def ceiling(curves: pd.DataFrame) -> pd.DataFrame:
    r"""Return what two trainings of one cell agree on at the end, and what that leaves for any score.

    Returns
    -------
    DataFrame
        A row for each pair of seeds: ``one``, ``other``; ``kendall`` and ``spearman`` of their ends;
        ``bound``, the :math:`\sqrt\rho` up to which a score of the cell can correlate with one training,
        if what seeds add is noise of one size; ``top``, Kendall's τ over the best 5 % of a third seed, which
        has no part in it (NaN for too few cells); ``deviation``, the standard deviation of one training, in
        points; ``n``, cells.
    """
    last = curves[curves["epoch"] == curves["epoch"].max()]
    seeds = sorted(int(seed) for seed in last["seed"].unique())
    ends = {seed: last[last["seed"] == seed].set_index("arch")["test_accuracy"] for seed in seeds}
    rows = []
    for one, other in combinations(seeds, 2):
        thirds = [ends[seed] for seed in seeds if seed not in (one, other)]
        rows.append({"one": one, "other": other} | _agreement(ends[one], ends[other], thirds))
    return pd.DataFrame(rows)


def _agreement(
    one: pd.Series[float], other: pd.Series[float], thirds: Sequence[pd.Series[float]]
) -> dict[str, float]:
    both = pd.DataFrame({"one": one, "other": other}).dropna()
    rho = spearman(both["one"], both["other"])
    judge = thirds[0].reindex(both.index).dropna() if thirds else pd.Series(dtype=float)
    top = both.loc[judge.index[judge >= judge.quantile(0.95)]]
    return {
        "kendall": kendall(both["one"], both["other"]),
        "spearman": rho,
        "bound": float(np.sqrt(max(rho, 0.0))),
        "top": kendall(top["one"], top["other"]) if len(top) >= ENOUGH else np.nan,
        "deviation": float(np.sqrt((both["one"] - both["other"]).pow(2).mean() / 2)),
        "n": len(both),
    }


def agreements(pairs: pd.DataFrame, name: str) -> str:
    """Write what :func:`ceiling` found as a table, named as for :func:`zsnas.book.tables.numbered`."""
    rows = pairs[["kendall", "spearman", "bound", "top", "deviation"]].map(tables.number)
    rows.columns = ["Kendall's τ", "Spearman's ρ", "bound of ρ", "τ, top 5 %", "± points"]
    rows["cells"] = pairs["n"].map("{:,}".format)
    rows.index = pd.Index(pairs["one"].astype(str) + " and " + pairs["other"].astype(str), name="Seeds")
    words = (
        "What trainings from two seeds agree on at the end, and the bound that this sets to any score of the "
        "cell alone."
    )
    legend = (
        "Bound of ρ: up to which a score of the cell alone can correlate with one training. Top: the best of "
        "the third seed. ±: standard deviation of one training."
    )
    return tables.numbered(rows, words, name, legend=legend)


def compared(archs: Sequence[str], accuracies: Sequence[float], seed: int) -> str:
    """Say how far accuracies of trainings just done are from those that are kept with the project.

    Parameters
    ----------
    archs
        The cells.
    accuracies
        What they ended with, in %.
    seed
        They were trained with.
    """
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
    minutes, count = 60 * nb201_digits.hours(), sum(seeds.values())
    whole = 3 * nb201_digits.CELLS
    rest = "" if count >= whole else f"; all {whole:,} would take about {minutes * whole / count:.0f}"
    sample = "all there are" if len(bench.table) == nb201_digits.CELLS else "a random sample"
    return (
        f"Of the {nb201_digits.CELLS:,} cells {', '.join(parts)} are trained: {count:,} networks in "
        f"{minutes:.0f} minutes of one core{rest}. The {len(bench.table):,} cells of the table are {sample}."
    )


def saved() -> str:
    """Say how much time training together saves."""
    table = pd.read_csv(speed.TABLE).set_index("together")["cpu_seconds"]
    most = int(table.index.max())
    return (
        f"One by one a network takes {table[0]:.2f} seconds of one core, in a stack of {most} "
        f"{table[most]:.3f}: {table[0] / table[most]:.1f} times less."
    )

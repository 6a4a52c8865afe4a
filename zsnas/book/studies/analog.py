"""Analog hardware: what becomes of an accuracy on memory that computes, and which proxies foresee it.

The truths are those of AnalogNAS-Bench, for every cell of NAS-Bench-201: the accuracy on digital hardware,
the one with the same weights on noisy memory, that after training with noise, and what is *kept* of the
digital one, analog minus digital: hardly ever above 0, and higher is better.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from zsnas import figures, statistics
from zsnas.benchmarks import benchmark
from zsnas.book import materials, tables
from zsnas.book.comparison import Pool, drawn
from zsnas.book.verdicts import ENOUGH, Verdict, is_above, labels, listed
from zsnas.proxies import label_of
from zsnas.scores.table import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark
    from zsnas.book import Comparison

__all__ = ["TRUTHS", "falls", "firsts", "is_positive", "kept", "stand_in", "truths"]

TRUTHS = {
    "digital": "test_accuracy",
    "noisy": "noisy_accuracy",
    "analog": "analog_accuracy",
    "analog, 30 days": "analog_30d_accuracy",
    "kept, noisy": "kept_noisy",
    "kept, analog": "kept_analog",
}
"""Columns of the benchmark, and the two that are kept, by what a page calls them."""


def truths(scored: Benchmark) -> dict[str, Benchmark]:
    """Return a benchmark for each of :data:`TRUTHS`, under the name of the one that the scores are of."""
    bench = benchmark("nb201-analog/cifar10")
    rows = bench.table
    kept = {f"kept_{on}": rows[f"{on}_accuracy"] - rows["test_accuracy"] for on in ("noisy", "analog")}
    of = replace(bench, name=scored.name, table=rows.assign(**kept), unit="%")
    return {label: replace(of, metric=metric) for label, metric in TRUTHS.items()}


def kept(study: Comparison, of_best: Comparison) -> tuple[object, str]:
    """Draw what foresees the accuracy that is kept, over all and among the best on digital hardware.

    Parameters
    ----------
    study, of_best : Comparison
        With a pool "kept, analog" each.

    Returns
    -------
    figure : HTML or str
        In words where too few networks are scored.
    caption : str
    """
    name = "kept, analog"
    if not (study.labels and of_best.labels):
        return "Too few networks of the top are scored here.", ""
    of_all, of_top = (part.correlations[name].query("subset == 'all'") for part in (study, of_best))
    table = pd.concat([of_all, of_top.assign(subset="top")])
    truth, table_of_best = study.truth(name), of_best.pools[name].scores
    figure = drawn(
        figures.correlation_dumbbells(table, truth=truth),
        figures.correlation_dumbbells_alt(table, truth=truth),
    )
    size = int(table_of_best["batch_size"].iloc[0])
    caption = figures.caption(table, batch_size=size, resamples=study.resamples)
    return figure, f"{caption} {materials.made_with(table_of_best)}"


def firsts(study: Comparison, names: Sequence[str]) -> str:
    """Name the proxy that ranks best by each truth, with its Kendall's τ; empty where too few are scored."""
    found: dict[str, list[str]] = {}
    for name in names:
        rows = study.kendall(name)
        rows = rows[rows["n"] >= ENOUGH]
        if len(rows):
            found.setdefault(str(rows.index[0]), []).append(f"{name} {tables.number(rows['value'].iloc[0])}")
    return listed(f"{label_of(proxy)} ({', '.join(values)})" for proxy, values in found.items())


def stand_in(study: Comparison, truth: Benchmark, name: str) -> tuple[str, str]:
    """Compare scores with images of CIFAR-10, published for a small sample, with those of CIFAR-100.

    Parameters
    ----------
    study : Comparison
        Has the proxies and the resamples.
    truth : Benchmark
        What both are correlated with.
    name : str
        Of the table, see :func:`zsnas.book.tables.numbered`.

    Returns
    -------
    table : str
    sentence : str
        Whose orders are least alike, and how far a correlation moves at most.
    """
    ten, hundred = (scores(f"nb201/{data}", 64).query("seed == 0") for data in ("cifar10", "cifar100"))
    shared = set(ten["arch"]) & set(hundred["arch"])
    pair = {
        label: table[table["arch"].isin(shared)]
        for label, table in (("CIFAR-10", ten), ("CIFAR-100", hundred))
    }
    alike = statistics.agreement(pair["CIFAR-10"], pair["CIFAR-100"], study.proxies, study.resamples)
    images = replace(study, pools={label: Pool(truth, table) for label, table in pair.items()})
    moved = (images.kendall("CIFAR-10")["value"] - images.kendall("CIFAR-100")["value"]).abs().max()
    caption = (
        "Kendall's τ between the scores of CIFAR-10 and of CIFAR-100, and of both with "
        f"{study.truth('analog')} [95 % interval] (n = {len(shared):,}; seed 0; batch size 64)."
    )
    return tables.images_table(alike, images.correlations, caption, name), (
        f"The orders of {len(shared):,} networks are least alike for "
        f"{label_of(str(alike['value'].idxmin()))}, and no correlation moves by more than "
        f"{tables.number(moved)}."
    )


def falls(statement: str, place: str, better: pd.DataFrame, worse: pd.DataFrame) -> Verdict:
    """Judge whether every proxy ranks worse by one truth than by another, beyond both intervals.

    Parameters
    ----------
    statement, place : str
        What is said, and where.
    better, worse : DataFrame
        ``low``, ``high`` and ``n`` of Kendall's τ, by proxy.
    """
    worse = worse.loc[better.index]
    smallest, largest = better["low"] - worse["high"], better["high"] - worse["low"]
    because = (
        "Read as: over all, the interval of its KT is below that on digital hardware. It is for "
        f"{labels(better.index[smallest > 0]) or 'none'}."
    )
    return _judged(statement, place, smallest, largest, because, better["n"])


def is_positive(statement: str, place: str, rows: pd.DataFrame) -> Verdict:
    """Judge whether every proxy has a Kendall's τ above 0 beyond its interval.

    Parameters
    ----------
    statement, place : str
        What is said, and where.
    rows : DataFrame
        ``low``, ``high`` and ``n`` of Kendall's τ, by proxy.
    """
    above, below = (labels(rows.index[side]) or "none" for side in (rows["low"] > 0, rows["high"] < 0))
    because = f"Read as: its KT is above 0 beyond the interval. It is for {above}; it is below 0 for {below}."
    return _judged(statement, place, rows["low"], rows["high"], because, rows["n"])


def _judged(
    statement: str, place: str, low: pd.Series[float], high: pd.Series[float], because: str, n: pd.Series[int]
) -> Verdict:
    verdict = Verdict.counted(
        statement, place, because, (("", is_above(*ends)) for ends in zip(low, high, strict=True))
    )
    if n.empty or n.min() < ENOUGH:
        return verdict.without_judgement("Too few networks decide nothing.")
    return verdict

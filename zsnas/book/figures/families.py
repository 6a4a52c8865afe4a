"""The figure of scores against accuracy in a family of networks, one panel a proxy.

The style is that of :mod:`zsnas.figures`.
"""

from __future__ import annotations

from math import ceil, log10
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import zsnas.proxies
import zsnas.statistics
from zsnas.book.tables import number
from zsnas.figures import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, _styled
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from zsnas.benchmarks import Benchmark

__all__ = ["score_panels", "score_panels_alt"]

COLUMNS = 2
WIDTH = 4.6  # inches; narrow, so that a phone need not shrink the text much
MARKS = ((BLUE, "o"), (ORANGE, "s"), (VERMILION, "^"), (GREEN, "D"), (PURPLE, "v"), (SKY, "P"))
WIDE_RANGE = 30
"""Positive scores whose largest is so many times the smallest are drawn on a logarithmic axis."""
SHORTENED = 1e4
"""From here on a tick is written with k or M."""


@_styled
def score_panels(
    bench: Benchmark,
    scores: pd.DataFrame,
    proxies: Sequence[str],
    groups: Mapping[str, str],
    joined: Mapping[str, object] | None = None,
) -> Figure:
    """Draw accuracy against each proxy's score; a mark says which group of the family a network is in.

    What a proxy prefers is on the right.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        ``arch`` and the columns of the proxies, one row an architecture; NaN is left out.
    proxies : sequence of str
    groups : mapping
        The group of each architecture, at most six different ones.
    joined : mapping, optional
        What networks have in common that a grey line joins in the order of their accuracies, such as a width.
    """
    points = _points(bench, scores).assign(group=lambda rows: rows["arch"].map(groups))
    marks = dict(zip(points["group"].unique(), MARKS, strict=False))
    rows = ceil(len(proxies) / COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.8 + 1.75 * rows), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).flat)
    handles, labels = [], []
    for axes, proxy in zip(panels, proxies, strict=False):
        along = points.assign(place=_places(points[proxy]))
        _join(axes, along, joined or {})
        sns.scatterplot(
            along,
            x="place",
            y="accuracy",
            hue="group",
            style="group",
            palette={name: colour for name, (colour, _) in marks.items()},
            markers={name: marker for name, (_, marker) in marks.items()},
            s=24,
            edgecolor=INK,
            linewidth=0.4,
            ax=axes,
        )
        if legend := axes.get_legend():  # none where the proxy is undefined for every network
            handles, labels = axes.get_legend_handles_labels()
            legend.remove()
        axes.set(xlabel="", ylabel="")
        _finish(axes, proxy, points[proxy])
    for axes in panels[len(proxies) :]:
        axes.remove()
    figure.legend(handles, labels, loc="outside upper center", ncols=COLUMNS)
    figure.supylabel(f"{bench.metric.replace('_', ' ').capitalize()} ({bench.unit})", fontsize=11)
    return figure


def score_panels_alt(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str]) -> str:
    """Say what :func:`score_panels` shows: how closely accuracy follows each score.

    Parameters
    ----------
    bench, scores, proxies
        As for :func:`score_panels`.
    """
    points = _points(bench, scores)
    follows = ", ".join(f"{label_of(name)} {number(_correlation(points, name))}" for name in proxies)
    return (
        f"Scatter plots of {len(points)} networks, one panel a proxy: {bench.metric.replace('_', ' ')} "
        f"against the score. Spearman’s ρ: {follows}."
    )


def _points(bench: Benchmark, scores: pd.DataFrame) -> pd.DataFrame:
    accuracy = bench.table.set_index("arch")[bench.metric]
    return scores.assign(accuracy=scores["arch"].map(accuracy)).dropna(subset="accuracy")


def _is_wide(values: pd.Series[float]) -> bool:
    return bool(values.min() > 0 and values.max() > WIDE_RANGE * values.min())


def _places(values: pd.Series[float]) -> pd.Series[float]:
    """Return logarithms where values are wide apart: a logarithmic axis itself ends at 1.8e308."""
    return values.map(log10) if _is_wide(values) else values


def _join(axes: Axes, points: pd.DataFrame, joined: Mapping[str, object]) -> None:
    for _, line in points.sort_values("accuracy").groupby(points["arch"].map(joined)):
        axes.plot(line["place"], line["accuracy"], color=INK, alpha=0.4, linewidth=0.9, zorder=1)


def _correlation(points: pd.DataFrame, proxy: str) -> float:
    known = points.dropna(subset=proxy)
    toward_better = zsnas.statistics.orientation(proxy)
    return zsnas.statistics.spearman(toward_better * known[proxy], known["accuracy"])


def _finish(axes: Axes, proxy: str, values: pd.Series[float]) -> None:
    found = zsnas.proxies.proxy(proxy)
    axes.set_title(found.label)
    axes.grid()
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=_is_wide(values)))
    if _is_wide(values):
        axes.xaxis.set_major_formatter(lambda power, _: f"$10^{{{power:.0f}}}$")
    else:
        axes.xaxis.set_major_formatter(_short)
    if not found.higher_is_better:
        axes.invert_xaxis()


def _short(value: float, _: float) -> str:
    """Write a tick with k or M instead of many zeros."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, SHORTENED):
            return f"{value / size:g}{letter}".replace("-", "−")
    return f"{value:.6g}".replace("-", "−")

"""The figures of hardware-aware search: Pareto fronts, and what proxies pick under every budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zsnas.figures import INK, PAPER, VERMILION, WIDTH, _styled
from zsnas.pareto import costed, front
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from zsnas.benchmarks import Benchmark

__all__ = ["cost_label", "floor", "front_panels", "front_panels_alt"]

COLUMNS = 3
CANDIDATES = "#8c8c8c"
PIXELS = (90, 100)
"""Rows and columns of the picture of the candidates; a pixel is about as large as a dot would be."""
MANY = 40
"""Picks above which a panel draws them finer, so that they stay apart."""
DEVICES = {
    "edgegpu": "the edge GPU (Jetson TX2)",
    "edgetpu": "the Edge TPU",
    "raspi4": "the Raspberry Pi 4",
    "pixel3": "the Pixel 3",
    "eyeriss": "Eyeriss",
    "fpga": "the FPGA",
    "cpu": "one core of a processor",
}
UNITS = {"ms": "ms", "mj": "mJ", "macs": "million MACs"}


def cost_label(cost: str) -> str:
    """Write a column of costs for an axis.

    >>> cost_label("edgegpu_energy_mj")
    'Energy on the edge GPU (Jetson TX2), mJ'
    """
    if cost == "million_macs":
        return "Multiply-accumulates, millions"
    *device, quantity, unit = cost.split("_")
    name = "_".join(device)
    return f"{quantity.capitalize()} on {DEVICES.get(name, name)}, {UNITS[unit]}"


def floor(accuracies: pd.Series[float], cut: float = 0.05) -> float:
    """Return where the axis of accuracy starts: at a multiple of 5, below all but the part `cut` of these."""
    return 5.0 * math.floor(accuracies.quantile(cut) / 5)


@_styled
def front_panels(
    bench: Benchmark,
    cost: str,
    candidates: pd.Series[str],
    selected: Mapping[str, pd.DataFrame],
    cut: float = 0.05,
) -> Figure:
    """Draw a panel per proxy: candidates in grey, the Pareto front of the benchmark, what the proxy picks.

    A line goes along the accuracy that each budget buys: black for the best of the benchmark, vermilion with
    circles for the picks, the finer the more there are. Where the axis cuts a pick off, a triangle points
    down to it. The candidates are one small picture, and so are many circles, which keeps a page with many
    panels small; everything else is vector.

    Parameters
    ----------
    bench : Benchmark
    cost : str
        As for :func:`zsnas.pareto.costed`.
    candidates : Series of str
        Architectures drawn in grey.
    selected : mapping of DataFrame
        By proxy, its rows of :func:`zsnas.pareto.selections` for one seed.
    cut : float
        The axis of accuracy leaves this part of the candidates out, at the bottom.
    """
    table = costed(bench, cost)
    best = table.iloc[front(table[cost], table[bench.metric])]
    grey = table[table["arch"].isin(candidates)]
    bottom, ceiling = floor(grey[bench.metric], cut), float(table[bench.metric].max())
    left, end, top = 0.0, float(table[cost].max()), ceiling + 0.06 * (ceiling - bottom)
    rows = math.ceil(len(selected) / COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.75 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (proxy, picked) in zip(panels, selected.items(), strict=False):
        _draw_candidates(axes, grey[cost], grey[bench.metric], (left, end, bottom, top))
        _staircase(axes, best[cost], best[bench.metric], end, color=INK, linewidth=1.2)
        _draw_picks(axes, picked[cost], picked[bench.metric], end, bottom)
        axes.set_title(label_of(proxy), fontsize=10)
        axes.tick_params(labelsize=10)
        axes.grid()
    for axes in panels[len(selected) :]:
        axes.remove()
    panels[0].set(xlim=(left, 1.03 * end), ylim=(bottom, top))
    figure.supxlabel(cost_label(cost), fontsize=11)
    figure.supylabel(f"Test accuracy ({bench.unit})", fontsize=11)
    figure.legend(handles=_handles(), loc="outside upper center", ncols=3, fontsize=10)
    return figure


def front_panels_alt(bench: Benchmark, cost: str, selected: Mapping[str, pd.DataFrame]) -> str:
    """Say what :func:`front_panels` shows: how many networks are on the front, and each proxy's last pick.

    Parameters
    ----------
    bench, cost, selected
        As for :func:`front_panels`.
    """
    table = costed(bench, cost)
    best = table.iloc[front(table[cost], table[bench.metric])]
    ends = "; ".join(
        f"{label_of(name)} {picked[bench.metric].iloc[-1]:.1f}\N{NO-BREAK SPACE}%"
        for name, picked in selected.items()
    )
    return (
        f"{len(selected)} panels of test accuracy against cost. The Pareto front has {len(best)} networks "
        f"and rises to {best[bench.metric].iloc[-1]:.1f}\N{NO-BREAK SPACE}%. Without a budget the proxies "
        f"pick: {ends}."
    )


def _draw_candidates(
    axes: Axes,
    cost: pd.Series[float],
    accuracy: pd.Series[float],
    extent: tuple[float, float, float, float],
) -> None:
    left, right, bottom, top = extent
    counts, _, _ = np.histogram2d(accuracy, cost, bins=PIXELS, range=[(bottom, top), (left, right)])
    axes.imshow(
        np.ma.masked_equal(counts > 0, 0),
        cmap=ListedColormap([CANDIDATES]),
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="none",
    )


def _staircase(
    axes: Axes,
    cost: pd.Series[float],
    accuracy: pd.Series[float],
    end: float,
    *,
    color: str,
    linewidth: float,
) -> None:
    axes.plot(
        np.append(cost, end),
        np.append(accuracy, accuracy.iloc[-1]),
        drawstyle="steps-post",
        color=color,
        linewidth=linewidth,
    )


def _draw_picks(
    axes: Axes, cost: pd.Series[float], accuracy: pd.Series[float], end: float, bottom: float
) -> None:
    fine = min(1.0, math.sqrt(MANY / len(cost)))
    _staircase(axes, cost, accuracy, end, color=VERMILION, linewidth=1.2 * fine)
    is_shown = accuracy >= bottom
    style: dict[str, Any] = {"linestyle": "none", "markeredgecolor": PAPER, "color": VERMILION, "zorder": 4}
    style |= {"markersize": 5.5 * fine, "markeredgewidth": 0.8 * fine}
    axes.plot(cost[is_shown], accuracy[is_shown], marker="o", rasterized=len(cost) > MANY, **style)
    below = cost[~is_shown]
    if len(below):  # an empty line that is not clipped has an infinite extent, which upsets the layout
        axes.plot(below, [bottom] * len(below), marker="v", clip_on=False, **style)


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=VERMILION, marker="o", markeredgecolor=PAPER, markersize=5.5, label="picked"),
        Line2D([], [], color=INK, linewidth=1.2, label="Pareto front"),
        Line2D([], [], color=CANDIDATES, marker="s", markersize=3, linestyle="none", label="scored"),
    ]

"""The figure of what each proxy costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import zsnas
from zsnas.cost import TOGETHER
from zsnas.figures import BLUE, GREEN, INK, STYLE, VERMILION, WIDTH

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cost_dots", "cost_dots_alt"]

MARKS = {"naive": (GREEN, "s"), "gradient-free": (BLUE, "o"), "gradient-based": (VERMILION, "^")}
TICKS = (0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


def cost_dots(table: pd.DataFrame) -> Figure:
    """Draw what each proxy costs on a logarithmic axis, cheapest first, with the range of the rounds.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.cost.costs`.
    """
    rows = _ranked(table)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.1 + 0.28 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.hlines(range(len(rows)), rows["low"], rows["high"], colors=INK, linewidth=1.5)
        kinds = np.array([zsnas.proxy(name).kind for name in rows["proxy"]])
        for kind, (colour, marker) in MARKS.items():
            places = np.flatnonzero(kinds == kind)
            axes.plot(
                rows["cost"].iloc[places],
                places,
                linestyle="none",
                marker=marker,
                markersize=7,
                color=colour,
                markeredgecolor=INK,
                label=kind,
            )
        axes.axvline(1, color=INK, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), [zsnas.proxy(name).label for name in rows["proxy"]])
        axes.invert_yaxis()
        axes.set_xscale("log")
        low, high = rows["low"].min(), rows["high"].max()
        axes.set_xticks([tick for tick in TICKS if low / 2 < tick < high * 2])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.grid(axis="x")
        axes.set_xlabel("Cost (forward + backward passes)")
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def cost_dots_alt(table: pd.DataFrame) -> str:
    """Say what :func:`cost_dots` shows: the cheapest, the most expensive, and how many are below one pass."""
    rows = _ranked(table)
    named = [
        f"{zsnas.proxy(name).label} ({cost:.2g})"
        for name, cost in zip(rows["proxy"], rows["cost"], strict=True)
    ]
    below = int((rows["cost"] < 1).sum())
    return (
        f"Dot chart of the cost of {len(rows)} proxies in bare forward and backward passes, "
        f"from {named[0]} to {named[-1]}; {below} cost less than one pass."
    )


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["proxy"] != TOGETHER].sort_values("cost", kind="stable").reset_index(drop=True)

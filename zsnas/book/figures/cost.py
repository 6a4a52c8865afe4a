"""The figure of what each proxy costs.

The style is that of :mod:`zsnas.figures`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

import zsnas.proxies
from zsnas.book.studies.cost import TOGETHER, label
from zsnas.figures import BLUE, GREEN, INK, PAPER, VERMILION, WIDTH, _styled
from zsnas.proxies import label_of

__all__ = ["cost_dots", "cost_dots_alt"]

SET = "several together"
MARKS = {
    "naive": (GREEN, "s"),
    "gradient-free": (BLUE, "o"),
    "gradient-based": (VERMILION, "^"),
    SET: (PAPER, "D"),
}
TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


@_styled
def cost_dots(table: pd.DataFrame) -> Figure:
    """Draw what each proxy costs on a logarithmic axis, cheapest first, and below them the sets.

    Marks, not bars: a logarithmic axis has no zero that a bar could start from. Lines are the range of the
    rounds.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.book.studies.cost.costs`.
    """
    rows = _ranked(table)
    kinds = np.array([SET if name in TOGETHER else zsnas.proxies.proxy(name).kind for name in rows["proxy"]])
    figure = Figure(figsize=(WIDTH, 1.3 + 0.29 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.hlines(range(len(rows)), rows["low"], rows["high"], colors=INK, linewidth=1.5)
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
    axes.set_yticks(range(len(rows)), list(map(_short, rows["proxy"])), fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xscale("log")
    low, high = rows["low"].min(), rows["high"].max()
    axes.set_xticks([tick for tick in TICKS if low / 2 < tick < high * 2])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.set_xlabel("Cost (forward + backward passes)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def cost_dots_alt(table: pd.DataFrame) -> str:
    """Say what :func:`cost_dots` shows: the cheapest, the most expensive, and how many are below one pass."""
    rows = _ranked(table)
    singles = rows[~rows["proxy"].isin(list(TOGETHER))]
    named = [
        f"{label_of(name)} ({cost:.2g})" for name, cost in zip(singles["proxy"], singles["cost"], strict=True)
    ]
    below = int((singles["cost"] < 1).sum())
    sets = "".join(
        f"; {label(name)} cost {cost:.2g}"
        for name, cost in zip(rows["proxy"], rows["cost"], strict=True)
        if name in TOGETHER
    )
    return (
        f"Dot chart of the cost of {len(singles)} proxies in bare forward and backward passes, "
        f"from {named[0]} to {named[-1]}; {below} cost less than one pass{sets}."
    )


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Cheapest first, the sets after the proxies."""
    is_set = table["proxy"].isin(list(TOGETHER))
    return table.assign(is_set=is_set).sort_values(["is_set", "cost"], kind="stable", ignore_index=True)


def _short(name: str) -> str:
    """Label a row, in two lines where one would be long."""
    return label(name).replace(", with", ",\nwith")

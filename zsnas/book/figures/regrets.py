"""The figure of first places: how far below the best what each proxy takes home is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zsnas.book.tables import number
from zsnas.figures import BLUE, INK, PAPER, WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["panels", "panels_alt"]

TITLE = 48
"""Characters of the titles of all panels together."""


@_styled
def panels(found: Mapping[str, pd.DataFrame], unit: str = "") -> Figure:
    """Draw a panel for each data set or budget: a row per proxy, a dot for its distance from the best.

    A line is the 95 % interval, a hollow diamond what the survey prints.

    Parameters
    ----------
    found : mapping of DataFrame
        By the title of the panel; ``regret``, ``low``, ``high`` and ``survey``, NaN where there is none. The
        index names the rows, in the order of the first panel.
    unit : str
        Of the distance, where the titles do not say it.
    """
    rows = list(dict.fromkeys(name for table in found.values() for name in table.index))
    figure = Figure((WIDTH, 1.2 + 0.24 * len(rows)), layout="constrained")
    each = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axes, (title, table) in zip(each, found.items(), strict=True):
        _draw(axes, table.reindex(rows))
        axes.set_title(textwrap.fill(title, TITLE // len(found)))
    each[0].set_yticks(range(len(rows)), rows, fontsize=10)
    each[0].invert_yaxis()
    figure.supxlabel(_below(unit), fontsize=11)
    if any(table["survey"].notna().any() for table in found.values()):
        figure.legend(handles=_handles(), loc="outside upper center", ncols=3, fontsize=10)
    return figure


def panels_alt(found: Mapping[str, pd.DataFrame], unit: str = "") -> str:
    """Say what :func:`panels` shows: which row is nearest to the best, and which furthest."""
    sentences = []
    for title, table in found.items():
        regret = table["regret"].dropna()
        if regret.empty:
            continue
        near, far = str(regret.idxmin()), str(regret.idxmax())
        sentences.append(
            f"{title}: nearest {near}, {number(regret[near])}; furthest {far}, {number(regret[far])}."
        )
    return f"Dots by proxy. {_below(unit)}: {' '.join(sentences)}"


def _below(unit: str) -> str:
    return f"Below the best ({unit})" if unit else "Below the best"


def _draw(axes: Axes, table: pd.DataFrame) -> None:
    places = range(len(table))
    axes.hlines(places, table["low"], table["high"], colors=BLUE, linewidth=1.6)
    axes.plot(table["regret"], places, "o", color=BLUE, markersize=5, zorder=3)
    axes.plot(table["survey"], places, "D", color=PAPER, markeredgecolor=INK, markersize=8, zorder=2)
    for line in axes.lines:
        line.set_clip_on(False)  # a pick that is the best stands on the axis
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=10)
    axes.grid(axis="both")


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=BLUE, marker="o", linestyle="none", markersize=5, label="here"),
        Line2D([], [], color=BLUE, linewidth=1.6, label="other samples (95 %)"),
        Line2D(
            [],
            [],
            color=PAPER,
            marker="D",
            linestyle="none",
            markersize=8,
            markeredgecolor=INK,
            label="survey",
        ),
    ]

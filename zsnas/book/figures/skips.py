"""A drawing of a cell: its values in a row, their channels, and the connections that skip layers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from zsnas import figures
from zsnas.figures import BLUE, INK, PAPER, PHONE_WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["drawing", "drawing_alt", "picture", "possible"]

FAINT = "#8a8a8a"


def picture(channels: Sequence[int], skips: Collection[tuple[int, int]]) -> HTML:
    """Return the drawing of a cell as a page shows it, with its alternative text.

    Parameters
    ----------
    channels : sequence of int
        Of each value, that which enters the cell first.
    skips : collection of pairs of int
        From which value to which, counted from 0.
    """
    return HTML(figures.svg(drawing(channels, skips), drawing_alt(channels, skips)))


def possible(channels: Sequence[int]) -> list[tuple[int, int]]:
    """Return all pairs of values that a skip connection could join: they are two steps apart, or more."""
    return [(i, j) for i, j in itertools.combinations(range(len(channels)), 2) if j - i > 1]


@_styled
def drawing(channels: Sequence[int], skips: Collection[tuple[int, int]]) -> Figure:
    """Draw layers as arrows, skip connections as arcs, and those that could be as dotted arcs."""
    figure = Figure(figsize=(PHONE_WIDTH, 2.2), layout="constrained")
    axes = figure.subplots()
    for start in range(len(channels) - 1):
        axes.add_patch(_arrow(start, start + 1, 0, INK, "-"))
    for start, end in possible(channels):
        there = (start, end) in skips
        axes.add_patch(_arrow(start, end, -0.45, BLUE if there else FAINT, "-" if there else ":"))
    for place, count in enumerate(channels):
        axes.add_patch(Circle((place, 0), 0.2, facecolor=PAPER, edgecolor=INK, zorder=3))
        axes.text(place, 0, f"{count}", ha="center", va="center", zorder=4)
    axes.set(xlim=(-0.3, len(channels) - 0.7), ylim=(-0.3, 0.26 * len(channels)), aspect="equal")
    axes.set_axis_off()
    return figure


def drawing_alt(channels: Sequence[int], skips: Collection[tuple[int, int]]) -> str:
    """Say what `drawing` shows: the channels, and how many pairs of values are joined."""
    row = ", ".join(map(str, channels))
    return (
        f"Diagram of a cell whose values have {row} channels. Of {len(possible(channels))} pairs of values "
        f"that a skip connection could join, {len(skips)} are joined."
    )


def _arrow(start: int, end: int, bend: float, colour: str, dash: str) -> FancyArrowPatch:
    return FancyArrowPatch(
        (start, 0),
        (end, 0),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=12,
        shrinkA=14,
        shrinkB=14,
        color=colour,
        linestyle=dash,
        linewidth=1.6,
    )

"""A few curves over one axis, each named at its end, and points of the same quantity to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import HTML
from matplotlib.figure import Figure

from zsnas import figures
from zsnas.figures import BLUE, PHONE_WIDTH, VERMILION, _styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Curves = Mapping[str, Sequence[float]]

__all__ = ["drawing", "drawing_alt", "picture"]

STROKES = ((BLUE, "-", "o"), (VERMILION, "--", "s"))
"""Colour, dash and marker, curve by curve."""


def picture(
    x: Sequence[float], curves: Curves, labels: tuple[str, str], points: Curves | None = None
) -> HTML:
    """Return a figure of curves as a page shows it, with its alternative text.

    Parameters
    ----------
    x : sequence of float
    curves : mapping
        By name, a value for each of `x`; two at most.
    labels : pair of str
        What stands along the axes.
    points : mapping, optional
        By the name of a curve, other values of the same quantity, drawn as twenty markers.

    Raises
    ------
    ValueError
        For more than two curves.
    """
    if len(curves) > len(STROKES):
        raise ValueError(f"{len(curves)} curves are too many; a picture has {len(STROKES)} at most")
    return HTML(figures.svg(drawing(x, curves, labels, points or {}), drawing_alt(x, curves, labels)))


@_styled
def drawing(x: Sequence[float], curves: Curves, labels: tuple[str, str], points: Curves) -> Figure:
    """Draw the figure of `picture`.

    Parameters
    ----------
    x, curves, labels, points
        As there.
    """
    figure = Figure(figsize=(PHONE_WIDTH, 3), layout="constrained")
    axes = figure.subplots()
    for (name, values), (colour, dash, marker) in zip(curves.items(), STROKES, strict=False):
        axes.plot(x, values, color=colour, linestyle=dash, label=name)
        if name in points:
            every = max(1, len(x) // 20)
            axes.plot(x[::every], points[name][::every], marker, color=colour, markersize=5)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.grid(visible=True)
    if len(curves) > 1:
        figure.legend(loc="outside upper left", ncols=len(curves), frameon=False)
    return figure


def drawing_alt(x: Sequence[float], curves: Curves, labels: tuple[str, str]) -> str:
    """Say where each curve of `picture` begins and ends.

    Parameters
    ----------
    x, curves, labels
        As there.
    """
    told = "; ".join(
        f"{name} from {float(values[0]):.2g} to {float(values[-1]):.2g}" for name, values in curves.items()
    )
    return f"{labels[1]} against {labels[0].lower()}, {float(x[0]):g} to {float(x[-1]):g}: {told}."

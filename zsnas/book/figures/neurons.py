"""A drawing of a small network of linear layers: what an image makes of each neuron, and every weight."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import torch
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import nn

from zsnas import figures
from zsnas.figures import BLUE, GRID, INK, PAPER, PHONE_WIDTH, VERMILION, _styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["Column", "columns", "drawing", "drawing_alt", "picture"]

APART = 2.6
"""From one layer to the next, where neurons of a layer are 1 apart."""

RADIUS = 0.34

UNIT = 0.7  # inches, or less where a phone would have to shrink the drawing


class Column(NamedTuple):
    """The neurons of a layer."""

    values: list[float]
    """What each has for the image, after a ReLU if one follows."""
    shut: list[bool]
    """Whether its ReLU is shut."""
    weights: list[list[float]]
    """By neuron, one for each of the column before; none for the pixels."""


def picture(network: nn.Sequential, image: Sequence[float]) -> HTML:
    """Return the drawing of a network and an image as a page shows it, with its alternative text.

    Parameters
    ----------
    network : Sequential
        Of linear layers and ReLUs; what flattens is passed over.
    image : sequence of float
        Its pixels.

    Raises
    ------
    TypeError
        For a layer of another kind.
    """
    found = columns(network, image)
    return HTML(figures.svg(drawing(found), drawing_alt(found)))


def columns(network: nn.Sequential, image: Sequence[float]) -> list[Column]:
    """Follow an image through a network of linear layers and ReLUs, see `picture`."""
    x = torch.tensor(image, dtype=torch.float32)
    found = [Column(x.tolist(), [False] * len(x), [])]
    for module in network:
        if isinstance(module, nn.Linear):
            x = module(x).detach()
            found.append(Column(x.tolist(), [False] * len(x), module.weight.tolist()))
        elif isinstance(module, nn.ReLU):
            found[-1] = Column(x.relu().tolist(), (x <= 0).tolist(), found[-1].weights)
            x = x.relu()
        elif not isinstance(module, nn.Flatten):
            raise TypeError(
                f"a {type(module).__name__} cannot be drawn; a picture has nn.Flatten, nn.Linear and nn.ReLU"
            )
    return found


@_styled
def drawing(found: Sequence[Column]) -> Figure:
    """Draw `columns` from left to right, a line for each weight that is not 0; negative ones are dashed."""
    tallest = max(len(column.values) for column in found)
    width = APART * (len(found) - 1) + 1
    unit = min(UNIT, PHONE_WIDTH / width)
    figure = Figure(figsize=(unit * width, unit * (tallest + 0.1)), layout="constrained")
    axes = figure.subplots()
    for place, (before, after) in enumerate(itertools.pairwise(found)):
        _draw_weights(axes, place, before, after)
    for place, column in enumerate(found):
        for row, (value, shut) in enumerate(zip(column.values, column.shut, strict=True)):
            middle = APART * place, _height(column, row)
            face = GRID if shut else PAPER
            axes.add_patch(Circle(middle, RADIUS, facecolor=face, edgecolor=INK, zorder=3))
            axes.text(*middle, _written(value), ha="center", va="center", fontsize=10, zorder=4)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(-tallest / 2 - 0.05, tallest / 2 + 0.05), aspect="equal")
    axes.set_axis_off()
    return figure


def drawing_alt(found: Sequence[Column]) -> str:
    """Say what `drawing` shows: the values of each layer, and which ReLUs are shut."""
    layers = "; ".join(", ".join(map(_written, column.values)) for column in found)
    shut = sum(sum(column.shut) for column in found)
    tail = f" ReLUs that are shut: {shut}." if shut else ""
    return f"Diagram of a network from left to right, with the values of its neurons: {layers}.{tail}"


def _draw_weights(axes: Axes, place: int, before: Column, after: Column) -> None:
    for row, weights in enumerate(after.weights):
        for source, weight in enumerate(weights):
            start, end = _height(before, source), _height(after, row)
            x = APART * place, APART * (place + 1)
            if not weight:
                axes.plot(x, (start, end), color=GRID, linewidth=0.8, zorder=1)
                continue
            colour, dash = (BLUE, "-") if weight > 0 else (VERMILION, "--")
            axes.plot(x, (start, end), color=colour, linestyle=dash, linewidth=1.6, zorder=1)
            near = 0.66  # of the way, where the lines to one neuron are still apart
            box = {"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}
            middle = x[0] + near * APART, start + near * (end - start)
            axes.text(
                *middle, _written(weight), ha="center", va="center", color=colour, fontsize=10, bbox=box
            )


def _height(column: Column, row: int) -> float:
    return (len(column.values) - 1) / 2 - row


def _written(value: float) -> str:
    return f"{value + 0.0:.3g}".replace("-", "−")

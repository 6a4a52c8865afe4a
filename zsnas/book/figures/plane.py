"""Drawings of a ReLU network of the plane: its neurons, and the square cut into linear regions (Figure 4)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Polygon

from zsnas.book.studies.plane import NEURONS, Region
from zsnas.figures import INK, PAPER, WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zsnas.batches import Batch

    Floats = NDArray[np.float64]

__all__ = ["neuron_drawing", "neuron_drawing_alt", "region_map", "region_map_alt"]

NAMES = tuple(itertools.chain(*NEURONS))
LAYERS = (("x₁", "x₂"), *NEURONS, ("y₁", "y₂"))
LINES = {"A": ("-", 2.4), "B": ((0.0, (4.0, 1.5)), 1.8)}
ROOM = 0.09  # half of the height of a code, in units of the square
MARKER = 0.04
SAME = 1e-9
TICKS = (-1, -0.5, 0, 0.5, 1)


@_styled
def region_map(found: Sequence[Region], batch: Batch) -> Figure:
    """Draw the square cut into linear regions, with their codes, and the sample points.

    A region is coloured by how many of its neurons are on, and has its code written in it when there is room.
    Lines are where a neuron switches.

    Parameters
    ----------
    found : sequence of Region
        Of :func:`zsnas.book.studies.plane.regions`.
    batch : Batch
        Of :func:`zsnas.book.studies.plane.points`.
    """
    places = batch.images.flatten(1).double().numpy()
    figure = Figure(figsize=(WIDTH, WIDTH), layout="constrained")
    axes = figure.subplots()
    colours = ListedColormap(mpl.colormaps["cividis"](np.linspace(0.35, 1, len(NAMES) + 1)))
    for region in found:
        axes.add_patch(Polygon(region.corners, facecolor=colours(sum(region.code)), edgecolor="none"))
    named = _draw_switches(axes, found)
    _draw_points(axes, places)
    _write_codes(axes, found, np.concatenate([places, named]))
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="x₁", ylabel="x₂", xticks=TICKS, yticks=TICKS)
    norm = BoundaryNorm(np.arange(len(NAMES) + 2) - 0.5, colours.N)
    figure.colorbar(
        mpl.cm.ScalarMappable(norm, colours),
        ax=axes,
        location="top",
        ticks=range(len(NAMES) + 1),
        label="Neurons that are on",
        aspect=40,
    )
    return figure


def region_map_alt(found: Sequence[Region], batch: Batch) -> str:
    """Say what :func:`region_map` shows: how many regions, and the codes of the largest."""
    largest = "; ".join(f"{region.word} covers {region.area:.0%}" for region in found[:3])
    return (
        f"Map of a square that the switching lines of {len(NAMES)} neurons cut into {len(found)} convex "
        f"regions, each with a binary code of {len(NAMES)} digits, and {len(batch.images)} sample points. "
        f"The largest: {largest}."
    )


def _draw_switches(axes: Axes, found: Sequence[Region]) -> Floats:
    """Draw where each neuron switches, its name in the middle of the longest piece; return those places."""
    named = []
    for neuron, name in enumerate(NAMES):
        pieces = list(_switches(found, neuron))
        dash, width = LINES[name[0]]
        for piece in pieces:
            axes.plot(*piece.T, color=INK, linestyle=dash, linewidth=width, solid_capstyle="round")
        if pieces:
            longest = max(pieces, key=lambda piece: float(np.hypot(*(piece[1] - piece[0]))))
            named.append(longest.mean(axis=0))
            box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": INK, "linewidth": 0.8}
            axes.text(named[-1][0], named[-1][1], name, ha="center", va="center", fontsize=10, bbox=box)
    return np.array(named).reshape(-1, 2)


def _switches(found: Sequence[Region], neuron: int) -> Iterator[Floats]:
    """Yield the ends of the edges that two regions share whose codes differ in one neuron only."""
    by_code = {region.code: region.corners for region in found}
    for code, corners in by_code.items():
        other = by_code.get((*code[:neuron], 1 - code[neuron], *code[neuron + 1 :]))
        if other is not None and not code[neuron]:
            distances = np.hypot(*(corners[:, None] - other).T).T
            shared = corners[distances.min(axis=1) < SAME]
            if len(shared) > 1:
                yield shared[[0, -1]]


def _draw_points(axes: Axes, places: Floats) -> None:
    axes.plot(
        *places.T, linestyle="none", marker="o", markersize=15, color=INK, markeredgecolor=PAPER, zorder=4
    )
    bold = FontProperties(weight="bold", size=10)
    for number, (x, y) in enumerate(places, start=1):
        axes.text(x, y, f"{number}", ha="center", va="center", color=PAPER, fontproperties=bold, zorder=5)


def _write_codes(axes: Axes, found: Sequence[Region], obstacles: Floats) -> None:
    for region in found:
        (x, y), room = _roomiest(region.corners, obstacles)
        if room > ROOM:
            word = region.word.replace(" ", "\n")
            axes.text(x, y, word, ha="center", va="center", fontsize=10, family="monospace")


def _roomiest(corners: Floats, obstacles: Floats) -> tuple[Floats, float]:
    """Return the place in a convex polygon that is farthest from its edges and the obstacles, and how far."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    grid = low + (high - low) * np.stack(np.meshgrid(*[np.linspace(0, 1, 50)] * 2), -1).reshape(-1, 2)
    along = np.roll(corners, -1, 0) - corners
    lengths = np.maximum(np.hypot(*along.T), SAME)
    normals = np.column_stack([-along[:, 1], along[:, 0]]) / lengths[:, None]
    room = ((grid[:, None] - corners) * normals).sum(-1).min(1)
    if len(obstacles):
        room = np.minimum(room, np.hypot(*(grid[:, None] - obstacles).T).T.min(1) - MARKER)
    best = int(room.argmax())
    return grid[best], float(room[best])


@_styled
def neuron_drawing() -> Figure:
    """Draw the network of the plane: two inputs, two layers of three ReLU neurons, two outputs."""
    figure = Figure(figsize=(WIDTH, 2.3), layout="constrained")
    axes = figure.subplots()
    columns = [_column(2.2 * column, layer) for column, layer in enumerate(LAYERS)]
    for left, right in itertools.pairwise(columns):
        for start, end in itertools.product(left.values(), right.values()):
            axes.plot(*zip(start, end, strict=True), color=INK, linewidth=0.8, zorder=1)
    for name, place in itertools.chain(*(column.items() for column in columns)):
        dash, width = LINES.get(name[0], ("-", 0.8))
        axes.add_patch(
            Circle(place, 0.36, facecolor=PAPER, edgecolor=INK, linestyle=dash, linewidth=width, zorder=2)
        )
        axes.text(place[0], place[1], name, ha="center", va="center", zorder=3)
    axes.set(xlim=(-0.5, 7.1), ylim=(-1.5, 1.5), aspect="equal")
    axes.set_axis_off()
    return figure


def neuron_drawing_alt() -> str:
    """Say what :func:`neuron_drawing` shows."""
    layers = ", then ".join(" ".join(layer) for layer in LAYERS)
    return f"Diagram of a fully connected network in four layers, from left to right {layers}."


def _column(x: float, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    return {name: (x, (len(names) - 1) / 2 - row) for row, name in enumerate(names)}

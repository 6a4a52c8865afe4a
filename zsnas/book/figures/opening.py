"""Figures of the front page and the opening chapter."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zsnas.figures import BLUE, CURVES, INK, ORANGE, VERMILION, WIDTH, _styled

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["kernel", "mixing_weights", "search_costs", "top_slopes"]

KINDS = {"multi-shot": (BLUE, "s"), "one-shot": (ORANGE, "o"), "zero-shot": (VERMILION, "D")}
"""Colour and marker of each kind of search."""

COUNTS = ("params", "flops")

SMALLEST, LARGEST = 25, 400  # area of a marker, square points


@_styled
def search_costs(points: pd.DataFrame) -> Figure:
    """Draw the accuracy of found networks against what their search emitted.

    Parameters
    ----------
    points : DataFrame
        One row a network: ``kind``, ``search_kg_co2`` (kg), ``imagenet1k_top1`` (%), ``gmacs`` (10⁹
        multiply-accumulates, the size of its marker on a logarithmic scale).
    """
    size = np.log(points["gmacs"])
    share = (size - size.min()) / ((size.max() - size.min()) or 1.0)
    figure = Figure((WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    for kind, (colour, marker) in KINDS.items():
        chosen = points["kind"] == kind
        axes.scatter(
            points.loc[chosen, "search_kg_co2"],
            points.loc[chosen, "imagenet1k_top1"],
            s=SMALLEST + (LARGEST - SMALLEST) * share[chosen],
            c=colour,
            marker=marker,
            alpha=0.6,
            edgecolors=INK,
            linewidths=0.6,
        )
        axes.scatter([], [], s=60, c=colour, marker=marker, edgecolors=INK, linewidths=0.6, label=kind)
    axes.set_xscale("log")
    axes.set_xlabel("CO₂ emitted by the search (kg)")
    axes.set_ylabel("Top-1 accuracy on ImageNet-1K (%)")
    axes.grid()
    figure.legend(loc="outside upper left", ncols=3)
    return figure


@_styled
def mixing_weights(weights: pd.DataFrame) -> Figure:
    """Draw the mixing weight of every operation of a supernet over its training.

    Parameters
    ----------
    weights : DataFrame
        One row an epoch, one column an operation; a row sums to 1.
    """
    figure = Figure((WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for (name, course), line in zip(weights.items(), cycle(CURVES), strict=False):
        axes.plot(course.index, course, **line.stroke, label=name)
    axes.set_ylim(0, 1)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Mixing weight")
    axes.grid()
    figure.legend(loc="outside upper left", ncols=3)
    return figure


@_styled
def kernel(sizes: NDArray[np.floating], inner: int) -> Figure:
    """Draw a square kernel with the smaller kernel that is cut from its middle.

    Parameters
    ----------
    sizes : array of shape (side, side)
        The magnitude of each weight.
    inner : int
        The side of the smaller kernel.
    """
    side = len(sizes)
    start = (side - inner) / 2 - 0.5
    figure = Figure((0.75 * WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(sizes, cmap="Blues", vmin=0)
    axes.add_patch(Rectangle((start, start), inner, inner, fill=False, edgecolor=VERMILION, linewidth=3))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(f"{side}×{side} kernel; framed: its {inner}×{inner} kernel")
    figure.colorbar(image, label="mean magnitude of a weight")
    return figure


@_styled
def top_slopes(pairs: pd.DataFrame, titles: dict[str, str]) -> Figure:
    """Draw what becomes of Kendall's τ when only the best networks are left, a line a proxy.

    Parameters
    ----------
    pairs : DataFrame
        Indexed by ``benchmark`` and ``proxy``: τ over ``all`` and over the ``top``.
    titles : dict of str
        What each benchmark is called above its panel, in the order of the panels.
    """
    here = [name for name in titles if name in pairs.index.get_level_values("benchmark")]
    figure = Figure((0.85 * WIDTH, 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, max(len(here), 1), sharey=True))
    for axes, name in zip(panels, here, strict=False):
        rows = pairs.loc[name]
        for proxy, row in rows.iterrows():
            is_count = proxy in COUNTS
            axes.plot(
                [0, 1],
                [row["all"], row["top"]],
                color=VERMILION if is_count else BLUE,
                linewidth=2.5 if is_count else 1.2,
                alpha=1 if is_count else 0.7,
                marker="o",
                markersize=4,
                zorder=3 if is_count else 2,
            )
        axes.set_title(titles[name])
        axes.set_xticks([0, 1], ["all", "top 5 %"])
        axes.set_xlim(-0.2, 1.25)
        axes.axhline(0, color=INK, linewidth=1)
        axes.grid(axis="y")
    panels[0].set_ylabel("Kendall’s τ with accuracy")
    for label, colour in (("#Params, #FLOPs", VERMILION), ("other proxies", BLUE)):
        panels[0].plot([], [], color=colour, linewidth=2.5, label=label)
    figure.legend(loc="outside upper left", ncols=2)
    return figure

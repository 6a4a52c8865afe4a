"""The figure of what pruning and searches find, a row for each objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from zsnas.book import tables
from zsnas.figures import BLUE, GRID, INK, VERMILION, WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["find_rows", "find_rows_alt"]

_METHODS = {"pruning": (BLUE, "o", 0.12), "evolution": (VERMILION, "D", -0.12)}


@_styled
def find_rows(found: pd.DataFrame, random: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw the accuracy of every find, a marker a seed, on a bar with the middle half of random searches.

    Parameters
    ----------
    found : DataFrame
        One row a find: ``label``, ``method``, ``accuracy`` in %.
    random : mapping of ndarray
        By label, the accuracies that random searches find.
    """
    labels = list(random)
    figure = Figure(figsize=(WIDTH, 1.2 + 0.6 * len(labels)), layout="constrained")
    axes = figure.subplots()
    for row, values in enumerate(random.values()):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axes.barh(row, high - low, left=low, height=0.6, color=GRID, label="random search")
        axes.vlines(middle, row - 0.3, row + 0.3, colors=INK, linewidth=1)
    for method, (colour, marker, shift) in _METHODS.items():
        part = found[found["method"] == method]
        rows = [labels.index(label) + shift for label in part["label"]]
        axes.plot(part["accuracy"], rows, marker, color=colour, markersize=7, label=method)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("Test accuracy of the find (%)")
    axes.grid(axis="x")
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper center", ncols=3)
    return figure


def find_rows_alt(found: pd.DataFrame, random: Mapping[str, NDArray[np.float64]]) -> str:
    """Say what :func:`find_rows` shows."""
    texts = []
    for label, values in random.items():
        parts = [f"random search {tables.number(float(np.median(values)), 1)} in the median"]
        for method in _METHODS:
            part = found[(found["label"] == label) & (found["method"] == method)]["accuracy"]
            if len(part):
                parts.append(f"{method} {', '.join(tables.number(one, 1) for one in part)}")
        texts.append(f"{label}: {'; '.join(parts)}")
    return f"Rows of markers, test accuracy in % of what is found. {'. '.join(texts)}."

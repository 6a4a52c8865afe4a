"""The figure of correlation against the strength of an attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from zsnas.figures import CURVES, INK, WIDTH, _styled
from zsnas.proxies import label_of

if TYPE_CHECKING:
    import pandas as pd


@_styled
def strength_curves(table: pd.DataFrame, ylabel: str) -> Figure:
    """Draw a curve for each row, over the columns.

    Parameters
    ----------
    table : DataFrame
        At most six proxies, or ``clean_accuracy``, by strength.
    ylabel : str
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    for (name, values), line in zip(table.iterrows(), CURVES, strict=False):
        axes.plot(range(len(values)), values, **line.style, label=label(str(name)))
    axes.axhline(0, color=INK, linewidth=1)
    axes.set(xticks=range(table.shape[1]), xlabel="Strength of the attack (1/255 of the range of a pixel)")
    axes.set_xticklabels(table.columns)
    axes.set_ylabel(ylabel)
    axes.grid()
    figure.legend(loc="outside upper center", ncols=3, handlelength=3)
    return figure


def strength_curves_alt(table: pd.DataFrame) -> str:
    """Say where each curve of :func:`strength_curves` begins and ends."""
    courses = "; ".join(
        f"{label(str(name))} from {values.iloc[0]:.2f} to {values.iloc[-1]:.2f}"
        for name, values in table.iterrows()
    )
    return f"Line chart: Kendall’s τ from {table.columns[0]} to {table.columns[-1]}. {courses}."


def label(name: str) -> str:
    """Return what a row is called."""
    return "clean accuracy" if name == "clean_accuracy" else label_of(name)

"""The figure of the formula audit: what each variant of a formula does to the correlation with accuracy."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import zsnas
from zsnas.figures import BLUE, INK, PAPER, STYLE, VERMILION, WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["dumbbells", "dumbbells_alt"]

LABEL_WIDTH = 20  # characters
WEIGHTS = {"matters": 3.5, "undecided": 1.6, "does not matter": 1.6}  # points


def dumbbells(table: pd.DataFrame, *, top: float = 0.05) -> Figure:
    """Draw each variant beside its original: two panels, all architectures and the top ones.

    A circle is the original's Kendall's τ with accuracy, a diamond the variant's, and the line between them
    the difference; it is thick when the difference matters. The whisker is the difference's 95 % interval,
    laid off from the circle.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.audit.agreements`.
    top : float
        The fraction that the subset "top" stands for.
    """
    proxies = list(dict.fromkeys(table["proxy"]))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.4 + 0.42 * len(proxies)), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for axes, subset in zip(panels, ("all", "top"), strict=True):
            rows = table[table["subset"] == subset].set_index("proxy").reindex(proxies)
            _draw_panel(axes, rows)
            words = "All architectures" if subset == "all" else f"Top {100 * top:g}\N{NO-BREAK SPACE}%"
            axes.set_title(words)
        panels[0].invert_yaxis()
        _label_rows(panels[0], proxies)
        figure.supxlabel("Kendall’s τ with test accuracy", fontsize=11)
        figure.legend(handles=_handles(), loc="outside upper center", ncols=2)
    return figure


def dumbbells_alt(table: pd.DataFrame, *, top: float = 0.05) -> str:
    """Say what :func:`dumbbells` shows: how many differences matter, and the largest of each panel."""
    sentences = []
    for subset, words in (("all", "all architectures"), ("top", f"the top {100 * top:g} %")):
        rows = table[table["subset"] == subset].dropna(subset="difference")
        matter = int((rows["judgement"] == "matters").sum())
        sentence = f"Over {words} {matter} of {len(rows)} differences matter"
        if len(rows):
            largest = rows.iloc[int(rows["difference"].abs().to_numpy().argmax())]
            change = f"{largest['difference']:+.2f}".replace("-", "−")
            sentence += f"; the largest is {change} ({zsnas.proxy(largest['proxy']).label})"
        sentences.append(f"{sentence}.")
    return "Dumbbell chart of Kendall’s τ, original formula against variant. " + " ".join(sentences)


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        start, end = row["original_kt"], row["kt"]
        matters = row["judgement"] == "matters"
        axes.plot(
            [start, end],
            [place, place],
            color=VERMILION if matters else BLUE,
            linewidth=WEIGHTS[row["judgement"]],
            linestyle=":" if row["judgement"] == "undecided" else "-",
            zorder=2,
        )
        axes.hlines(place + 0.28, start + row["low"], start + row["high"], colors=INK, linewidth=1)
        axes.plot(start, place, marker="o", markersize=7, color=PAPER, markeredgecolor=INK, zorder=3)
        axes.plot(end, place, marker="D", markersize=5.5, color=INK, zorder=4)
    axes.axvline(0, color=INK, linewidth=1)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def _label_rows(axes: Axes, proxies: Sequence[str]) -> None:
    labels = ["\n".join(textwrap.wrap(zsnas.proxy(name).label, LABEL_WIDTH)) for name in proxies]
    axes.set_yticks(range(len(proxies)), labels, fontsize=10)
    axes.tick_params(axis="y", length=0)


def _handles() -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=7,
            color=PAPER,
            markeredgecolor=INK,
            label="original",
        ),
        Line2D([], [], linestyle="none", marker="D", markersize=5.5, color=INK, label="variant"),
        Line2D([], [], color=VERMILION, linewidth=WEIGHTS["matters"], label="matters"),
        Line2D([], [], color=BLUE, linewidth=WEIGHTS["does not matter"], label="does not matter"),
        Line2D([], [], color=BLUE, linestyle=":", linewidth=WEIGHTS["undecided"], label="undecided"),
        Line2D([], [], color=INK, linewidth=1, label="interval of the difference"),
    ]

"""The figure of the formula audit: what each variant of a formula does to the correlation with accuracy.

The style is that of :mod:`zsnas.figures`.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zsnas.book.studies.audit import label, words
from zsnas.book.tables import number
from zsnas.figures import BLUE, INK, PAPER, VERMILION, WIDTH, _styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["dumbbells", "dumbbells_alt"]

LABEL_WIDTH = 20  # characters
WEIGHTS = {"matters": 3.5, "undecided": 1.6, "does not matter": 1.6}  # points


@_styled
def dumbbells(table: pd.DataFrame) -> Figure:
    """Draw each variant beside its reference: two panels, all architectures and the top ones.

    A circle is the Kendall's τ with accuracy of the reference, usually the original, a diamond that of the
    variant, and the line between them the difference; it is thick when the difference matters. The whisker is
    the difference's 95 % interval, laid off from the circle.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.book.studies.audit.agreements`.
    """
    proxies = table.drop_duplicates("proxy").set_index("proxy")["reference"]
    figure = Figure(figsize=(WIDTH, 1.6 + 0.45 * len(proxies)), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, subset in zip(panels, ("all", "top"), strict=True):
        rows = table[table["subset"] == subset].set_index("proxy").reindex(proxies.index)
        _draw_panel(axes, rows)
        n = rows["n"].dropna().astype(int)
        counts = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,} to {n.max():,}"
        axes.set_title(f"{words(subset).removeprefix('the ').capitalize()}\n(n = {counts})")
    panels[0].invert_yaxis()
    labels = [textwrap.fill(words_of, LABEL_WIDTH) for words_of in map(label, proxies.index, proxies)]
    panels[0].set_yticks(range(len(labels)), labels, fontsize=10)
    panels[0].tick_params(axis="y", length=0)
    figure.supxlabel("Kendall’s τ with test accuracy", fontsize=11)
    figure.legend(handles=_handles(), loc="outside upper center", ncols=2)
    return figure


def dumbbells_alt(table: pd.DataFrame) -> str:
    """Say what :func:`dumbbells` shows: how many differences matter, and the largest of each panel."""
    sentences = []
    for subset in ("all", "top"):
        rows = table[table["subset"] == subset].dropna(subset="difference")
        matter = int((rows["judgement"] == "matters").sum())
        sentence = f"Over {words(subset)} {matter} of {len(rows)} differences matter"
        if len(rows):
            largest = rows.iloc[int(rows["difference"].abs().to_numpy().argmax())]
            name = label(largest["proxy"], largest["reference"])
            sentence += f"; the largest is {number(largest['difference'])} ({name})"
        sentences.append(f"{sentence}.")
    return "Dumbbell chart of Kendall’s τ with accuracy, reference and variant. " + " ".join(sentences)


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        start, end = row["reference_kt"], row["kt"]
        matters = row["judgement"] == "matters"
        axes.plot(
            [start, end],
            [place, place],
            color=VERMILION if matters else BLUE,
            linewidth=WEIGHTS[row["judgement"]],
            linestyle=":" if row["judgement"] == "undecided" else "-",
            zorder=2,
        )
        axes.hlines(
            place + 0.28,
            start + row["difference_low"],
            start + row["difference_high"],
            colors=INK,
            linewidth=1,
        )
        axes.plot(start, place, marker="o", markersize=7, color=PAPER, markeredgecolor=INK, zorder=3)
        axes.plot(end, place, marker="D", markersize=5.5, color=INK, zorder=4)
    axes.axvline(0, color=INK, linewidth=1)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


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
            label="reference",
        ),
        Line2D([], [], linestyle="none", marker="D", markersize=5.5, color=INK, label="variant"),
        Line2D([], [], color=VERMILION, linewidth=WEIGHTS["matters"], label="matters"),
        Line2D([], [], color=BLUE, linewidth=WEIGHTS["does not matter"], label="does not matter"),
        Line2D([], [], color=BLUE, linestyle=":", linewidth=WEIGHTS["undecided"], label="undecided"),
        Line2D([], [], color=INK, linewidth=1, label="interval of the difference"),
    ]

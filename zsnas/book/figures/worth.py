"""The figure of what is lost against the number of networks trained, a panel for each benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from zsnas.book import tables
from zsnas.figures import CURVES, GRID, INK, WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["regret_panels", "regret_panels_alt"]

_COLUMNS = 2


@_styled
def regret_panels(found: Mapping[str, pd.DataFrame], alone: Mapping[str, float]) -> Figure:
    """Draw the median regret of every method against the networks that are trained.

    A band has the middle half of the draws of the first method.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`zsnas.book.studies.worth.with_trainings`, by benchmark.
    alone : mapping of float
        The median regret of #Params without any training, which is a horizontal line.
    """
    rows = -(-len(found) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 1.1 + 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False).ravel()
    for axes, (title, table) in zip(panels, found.items(), strict=False):
        regrets = table.groupby(["method", "k"], sort=False)["regret"]
        quartiles = regrets.quantile(np.array([0.25, 0.5, 0.75])).unstack()
        methods = list(dict.fromkeys(table["method"]))
        band = quartiles.loc[methods[0]]
        axes.fill_between(band.index, band[0.25], band[0.75], color=GRID, linewidth=0)
        axes.axhline(alone[title], color=INK, linewidth=1, label="#Params, untrained")
        for method, line in zip(methods, CURVES, strict=False):
            medians = quartiles.loc[method, 0.5]
            axes.plot(medians.index, medians, **line.style, label=method)
        axes.set_title(title, fontsize=10)
        axes.set_ylim(bottom=0)
        axes.grid()
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    ticks = sorted({int(k) for table in found.values() for k in table["k"]})
    panels[0].set(xscale="log")
    panels[0].set_xticks(ticks, map(str, ticks))
    panels[0].minorticks_off()
    figure.supxlabel("Networks trained", fontsize=11)
    figure.supylabel("Points behind the best candidate", fontsize=11)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=3)
    return figure


def regret_panels_alt(found: Mapping[str, pd.DataFrame], alone: Mapping[str, float]) -> str:
    """Say where the curves of :func:`regret_panels` begin and end."""
    texts = []
    for title, table in found.items():
        medians = table.groupby(["method", "k"], sort=False)["regret"].median()
        courses = [
            f"{method} from {tables.number(medians[method].iloc[0])} to "
            f"{tables.number(medians[method].iloc[-1])}"
            for method in dict.fromkeys(table["method"])
        ]
        texts.append(f"{title}: {', '.join(courses)}; #Params untrained {tables.number(alone[title])}")
    return (
        f"{len(found)} line charts: median points behind the best candidate against the networks trained. "
        f"{'. '.join(texts)}."
    )

"""The figure of correlation against the share of networks kept, a panel for each benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from zsnas.figures import CURVES, INK, WIDTH, _styled
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_COLUMNS = 2


@_styled
def share_panels(found: Mapping[str, pd.DataFrame], proxies: Sequence[str]) -> Figure:
    """Draw Kendall's τ of some proxies from all networks (left) to the best ones.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`zsnas.statistics.ratio_correlations`, by benchmark.
    proxies : sequence of str
        At most six.
    """
    rows = -(-len(found) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.6 + 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (title, table) in zip(panels, found.items(), strict=False):
        kendall = table[table["statistic"] == "KT"].pivot(index="ratio", columns="proxy", values="value")
        for name, line in zip(proxies, CURVES, strict=False):
            if name in kendall:
                axes.plot(100 * kendall.index, kendall[name], **line.stroke, label=label_of(name))
        axes.axhline(0, color=INK, linewidth=1)
        axes.set_title(title, fontsize=10)
        axes.grid()
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    panels[0].set(xlim=(103, 2), xticks=(100, 80, 60, 40, 20, 5))
    figure.supxlabel("Networks kept, best by accuracy (%)", fontsize=11)
    figure.supylabel("Kendall’s τ", fontsize=11)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=3)
    return figure


def share_panels_alt(found: Mapping[str, pd.DataFrame], proxies: Sequence[str]) -> str:
    """Say where the curves of :func:`share_panels` begin and end."""
    texts = []
    for title, table in found.items():
        kendall = table[table["statistic"] == "KT"].pivot(index="ratio", columns="proxy", values="value")
        courses = [
            f"{label_of(name)} from {kendall[name].iloc[-1]:.2f} to {kendall[name].iloc[0]:.2f}"
            for name in proxies
            if name in kendall
        ]
        texts.append(f"{title}: {', '.join(courses)}")
    return f"{len(found)} line charts: Kendall’s τ from all networks to the best ones. {'; '.join(texts)}."

"""The figure of how well a sweep uses its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from zsnas.figures import CURVES, WIDTH, _styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@_styled
def used(found: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the share of the workers' time in which they score, over the number of workers.

    Parameters
    ----------
    found : mapping of DataFrame
        Simulated sweeps, see `zsnas.book.studies.scaling.runs`, by what is scored; a panel for each size.
    """
    sizes = next(iter(found.values()))["architectures"].unique()
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for panel, size in zip(panels, sizes, strict=True):
        for (name, runs), line in zip(found.items(), CURVES, strict=False):
            some = runs[runs["architectures"] == size]
            panel.plot(some["workers"], 100 * some["used"], **line.style, label=name)
        panel.set(xscale="log", ylim=(0, 105), title=f"{size:,}")
        panel.set_xticks(some["workers"], [f"{count:,}" for count in some["workers"]])
        panel.minorticks_off()
        panel.grid()
    panels[0].set_ylabel("Time spent scoring (%)")
    figure.supxlabel("Workers")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=3)
    return figure


def used_alt(found: Mapping[str, pd.DataFrame]) -> str:
    """Say where each curve of :func:`used` begins and ends in its panel."""
    ends = [
        f"{name}, {size:,} architectures: from {100 * runs['used'].iloc[0]:.0f} to "
        f"{100 * runs['used'].iloc[-1]:.0f} %"
        for name, table in found.items()
        for size, runs in table.groupby("architectures", sort=False)
    ]
    return f"Line charts of the share of time in which workers score, by their number. {'; '.join(ends)}."

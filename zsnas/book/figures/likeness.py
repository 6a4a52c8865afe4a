"""The map of which proxies rank alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zsnas.book.studies.likeness import in_order
from zsnas.figures import WIDTH, _styled
from zsnas.proxies import label_of

_DARK = 0.65  # from here on numbers are white


@_styled
def likeness_map(table: pd.DataFrame) -> Figure:
    """Draw correlations between proxies as squares that are darker the stronger they are.

    Parameters
    ----------
    table : DataFrame
        Square and symmetric, by proxy.
    """
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(table.to_numpy(), vmin=-1, vmax=1, cmap="PuOr")
    labels = [label_of(name) for name in table.index]
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if row != column and np.isfinite(value):
            colour = "white" if abs(value) > _DARK else "black"
            axes.text(
                column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize=9
            )
    figure.colorbar(image, label="Spearman’s ρ", shrink=0.8)
    return figure


def likeness_map_alt(table: pd.DataFrame) -> str:
    """Say which proxies :func:`likeness_map` shows as most and least alike."""
    known = in_order(table)
    if known.empty:
        return f"Map of Spearman’s ρ between {len(table)} proxies, all empty: too few networks are scored."
    (low, high) = (known.index[0], known.index[-1])
    return (
        f"Map of Spearman’s ρ between {len(table)} proxies. Most alike: {label_of(high[0])} and "
        f"{label_of(high[1])}, {known.iloc[-1]:.2f}; least: {label_of(low[0])} and {label_of(low[1])}, "
        f"{known.iloc[0]:.2f}."
    )

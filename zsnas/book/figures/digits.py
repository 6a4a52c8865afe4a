"""The figure of NB201-Digits: how well training so far, and how well each proxy, foresees the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zsnas.book import tables
from zsnas.book.studies import digits
from zsnas.figures import BLUE, INK, ORANGE, STYLE, WIDTH
from zsnas.proxies import label_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["race", "race_alt"]


def race(found: pd.DataFrame) -> Figure:
    """Draw τ of the accuracy after each epoch, with its interval, and that of each proxy as a level line.

    Parameters
    ----------
    found
        Of :func:`zsnas.book.studies.digits.foresight`.
    """
    trained, proxies = _parts(found)
    best = digits.best_proxy(found)
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.fill_between(trained.index, trained["low"], trained["high"], color=BLUE, alpha=0.25, linewidth=0)
        axes.plot(
            trained.index, trained["value"], color=BLUE, linewidth=3, marker="o", label="accuracy so far"
        )
        others = [name for name in proxies.index if name != best]
        for name in others:
            label = "other proxies" if name == others[0] else None
            axes.axhline(proxies.loc[name, "value"], color=INK, linewidth=0.8, dashes=(1, 2), label=label)
        if best is not None:
            row = proxies.loc[best]
            axes.axhspan(row["low"], row["high"], color=ORANGE, alpha=0.2, linewidth=0)
            axes.axhline(row["value"], color=ORANGE, linewidth=2, linestyle="--", label=label_of(best))
        axes.axhline(0, color=INK, linewidth=1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Epochs of training")
        axes.set_ylabel("Kendall’s τ with the end of other seeds")
        axes.grid()
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def race_alt(found: pd.DataFrame) -> str:
    """Say what :func:`race` shows: from where to where the curve goes, and where it passes the best proxy."""
    trained, proxies = _parts(found)
    best, first = digits.best_proxy(found), digits.soonest(found, clearly=False)
    ends = [tables.number(float(trained["value"].iloc[place])) for place in (0, -1)]
    text = (
        f"Line chart with intervals: Kendall’s τ of the accuracy after each of {len(trained)} epochs goes "
        f"from {ends[0]} to {ends[1]}."
    )
    if best is None:
        return text
    passes = "never passes it" if first is None else f"passes it at epoch {first}"
    return (
        f"{text} {len(proxies)} level lines are proxies, the highest {label_of(best)} at "
        f"{tables.number(float(proxies.loc[best, 'value']))}; the curve {passes}."
    )


def _parts(found: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the ways to rank into epochs and proxies, as numbers."""
    is_proxy = [isinstance(way, str) for way in found.index]
    numbers = found.astype(float)
    return numbers[[not proxy for proxy in is_proxy]], numbers[is_proxy].dropna(subset="value")

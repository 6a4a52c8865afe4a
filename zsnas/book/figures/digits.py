"""The figure of NB201-Digits: how well training so far, and how well each proxy, foresees the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zsnas.book import tables
from zsnas.book.studies import digits
from zsnas.figures import BLUE, INK, ORANGE, WIDTH, _styled
from zsnas.proxies import label_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["race", "race_alt"]


@_styled
def race(found: pd.DataFrame) -> Figure:
    """Draw τ of the accuracy after each epoch, with its interval, and that of each proxy as a level line.

    Parameters
    ----------
    found
        Of :func:`zsnas.book.studies.digits.foresight`.
    """
    trained, proxies = found[found["epoch"] > 0], found[found["epoch"] == 0]
    best = digits.best_proxy(found)
    figure = Figure((WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(trained["epoch"], trained["low"], trained["high"], color=BLUE, alpha=0.25, lw=0)
    axes.plot(
        trained["epoch"], trained["value"], color=BLUE, linewidth=3, marker="o", label="accuracy so far"
    )
    label = "other proxies"
    for proxy, value, low, high in proxies[["proxy", "value", "low", "high"]].dropna().to_numpy().tolist():
        if proxy == best:
            axes.axhspan(low, high, color=ORANGE, alpha=0.25, linewidth=0)
            axes.axhline(value, color=ORANGE, linewidth=2, linestyle="--", label=label_of(best))
        else:
            axes.axhline(value, color=INK, linewidth=0.8, dashes=(1, 2), label=label)
            label = "_"  # which a legend leaves out
    axes.axhline(0, color=INK, linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epochs of training")
    axes.set_ylabel("Kendall’s τ")
    axes.grid()
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def race_alt(found: pd.DataFrame) -> str:
    """Say what :func:`race` shows: from where to where the curve goes, and where it passes the best proxy."""
    trained, proxies = found[found["epoch"] > 0], found[found["epoch"] == 0].dropna(subset="value")
    best, first = digits.best_proxy(found), digits.soonest(found, clearly=False)
    start, *_, end = map(tables.number, trained["value"].tolist())
    text = (
        f"Line chart with intervals: Kendall’s τ of the accuracy after each of {len(trained)} epochs goes "
        f"from {start} to {end}."
    )
    if not best:
        return text
    passes = f"passes it at epoch {first}" if first else "never passes it"
    return (
        f"{text} {len(proxies)} level lines are proxies, the highest {label_of(best)} at "
        f"{tables.number(float(proxies['value'].max()))}; the curve {passes}."
    )

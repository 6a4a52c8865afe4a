"""The figure of a search by evolution: how soon each proxy is near what it finds in the end."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from zsnas.book.studies import evolution
from zsnas.book.verdicts import listed
from zsnas.figures import CURVES, INK, WIDTH, Line, _styled
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["trajectories", "trajectories_alt"]

RANDOM = 100
"""Steps, at the beginning, whose networks are drawn at random."""


@_styled
def trajectories(found: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the best score until each step, from 0 for the first network to 1 for the find.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`zsnas.book.studies.evolution.histories`.
    """
    figure = Figure((WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    for (name, history), style in zip(found.items(), cycle([*CURVES, Line(INK, "--", 1.0)]), strict=False):
        path = evolution.reached(history, name).dropna()
        gained = path[path.ne(path.shift()) | (path.index == path.index[-1])]
        share = (gained - path.iloc[0]) / ((path.iloc[-1] - path.iloc[0]) or 1.0)
        [line] = axes.step(share.index + 1, share, where="post", label=label_of(name))
        line.set(**style.stroke)
    axes.axvline(RANDOM, color=INK, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([10**k for k in range(5)], [f"{10**k:,}" for k in range(5)])
    axes.set_xlabel("Step")
    axes.set_ylabel("Share of the whole gain")
    axes.grid()
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def trajectories_alt(found: Mapping[str, pd.DataFrame]) -> str:
    """Say what :func:`trajectories` shows: at which step each search comes upon its find."""
    steps = listed(f"{step:,} ({label_of(name)})" for name, step in evolution.late(found).items())
    return f"Rising steps, one line a proxy. The find comes at step {steps}."

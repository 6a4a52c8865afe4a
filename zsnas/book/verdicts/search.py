"""Verdicts on search by proxy beside one-shot search, which only the survey's own table can speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas import statistics
from zsnas.book.tables import number
from zsnas.book.verdicts.rankings import listed
from zsnas.book.verdicts.verdict import Verdict
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["comes_closest", "costs_less", "is_close"]

ONE_SHOT = "one_shot"


def is_close(statement: str, place: str, top: pd.Series[float]) -> Verdict:
    """Say how far the survey's finds are behind its one-shot search.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    top : Series
        Its top-1 accuracies, by proxy and for one-shot search.
    """
    behind = _behind(top)
    gaps = listed(f"{label_of(str(name))} {number(gap)}" for name, gap in behind.items())
    return Verdict(
        statement,
        place,
        "cannot be compared",
        f"There is no one-shot search here. The survey's own table has {(behind < 1).sum()} of {len(behind)} "
        f"proxies less than one point behind it. They are behind by: {gaps}.",
    )


def comes_closest(
    statement: str, place: str, top: pd.Series[float], proxy: str, regrets: pd.Series[float], budget: str
) -> Verdict:
    """Say which rank a proxy has among the survey's finds, and how its order compares with that of our picks.

    Parameters
    ----------
    statement, place, top
        As for :func:`is_close`.
    proxy : str
        The one that is said to come closest.
    regrets : Series
        How far our picks are below the best, by proxy, the nearest first.
    budget : str
        Below which they are picked, in words.
    """
    behind = _behind(top)
    shared = [name for name in regrets.index if name in behind.index]
    own = listed(f"{label_of(name)} {number(regrets[name])}" for name in shared)
    tau = statistics.kendall(top[shared], -regrets[shared]) if len(shared) > 1 else float("nan")
    return Verdict(
        statement,
        place,
        "cannot be compared",
        "The networks here are those of another MobileNet space. In the survey's own table "
        f"{label_of(proxy)} has rank {1 + (behind < behind[proxy]).sum()} of {len(behind)}. Here the picks "
        f"below {budget} are behind the best by: {own or 'nothing is scored'}. Kendall's τ between the "
        f"survey's accuracies and those of the picks, over these {len(shared)} proxies, is {number(tau)}.",
    )


def costs_less(statement: str, place: str, hours: pd.Series[float], minutes: Mapping[str, str]) -> Verdict:
    """Say by which factor the survey's searches cost less than its one-shot search, and what ours cost.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    hours : Series
        Its GPU hours, by proxy and for one-shot search.
    minutes : mapping of str
        Minutes of one core for a thousand steps here, by proxy.
    """
    saved = hours[ONE_SHOT] / hours.drop(ONE_SHOT)
    here = listed(f"{label_of(name)} {cost}" for name, cost in minutes.items())
    return Verdict(
        statement,
        place,
        "cannot be compared",
        "The survey counts GPU hours and no one-shot search is run here. By its own numbers the factor is at "
        f"least 10 for {(saved >= 10).sum()} of {len(saved)} proxies and at least 100 for "
        f"{(saved >= 100).sum()}; it is smallest for {label_of(str(saved.idxmin()))}, {saved.min():.0f}. "
        f"Minutes of one core for 1,000 steps here: {here or 'no search is stored'}.",
    )


def _behind(top: pd.Series[float]) -> pd.Series[float]:
    return (top[ONE_SHOT] - top.drop(ONE_SHOT)).dropna().sort_values()

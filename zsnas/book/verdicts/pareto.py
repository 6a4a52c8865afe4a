"""Verdicts on what the survey says about Pareto fronts: which proxies are near, under which budgets.

The survey gives no threshold. Where it says of proxies that they are near the front, they are read as near
when their picks are, on average over the budgets of a band, at most :data:`NEAR` points less accurate than
the best candidates, and the verdict also says whom half and twice the threshold would call near. Where it
says that only some are near, they are read as nearer than all others, which needs no threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas.book.tables import number
from zsnas.book.verdicts import ENOUGH, Verdict, labels, listed, outcome_of
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["NEAR", "loses_more_when_relaxed", "most_are_near", "these_are_nearest"]

NEAR = 2.0
"""Points of accuracy."""


def most_are_near(
    statement: str, place: str, losses: pd.DataFrame, band: str, exception: str, n: int
) -> Verdict:
    """Judge whether more than half of the proxies are near the front in a band, and one is not.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    losses : DataFrame
        Of :func:`zsnas.pareto.avoidable`.
    band : str
        One of its columns.
    exception : str
        The proxy that is said not to be near.
    n : int
        The number of candidates.
    """
    lost = losses[band]
    others = lost.drop(index=exception)
    near = others <= NEAR
    because = (
        f"Read as: more than half of the others lose at most {NEAR:g} points, and "
        f"{label_of(exception)} loses more. {near.sum()} of the {len(others)} others do: "
        f"{_losses(others[near]) or 'none'}. Not near: {_losses(others[~near]) or 'none'}. "
        f"{_losses(lost[[exception]])}. {_sensitivity(lost)}"
    )
    holds = [bool(near.mean() > 0.5), bool(lost[exception] > NEAR)]
    return _judged(Verdict(statement, place, outcome_of(holds), because), losses[[band]], n)


def these_are_nearest(
    statement: str, place: str, losses: pd.DataFrame, band: str, named: Sequence[str], n: int
) -> Verdict:
    """Judge whether each of the named proxies is nearer to the front in a band than every other.

    Parameters
    ----------
    statement, place, losses, band, n
        As for :func:`most_are_near`.
    named : sequence of str
        The proxies that are said to be near, when no other is.
    """
    lost = losses[band]
    ours, others = lost[list(named)], lost.drop(index=list(named)).sort_values()
    because = (
        f"Read as: each of these loses less than every other proxy. {_losses(ours)}; the others: "
        f"{_losses(others)}."
    )
    holds = [bool(points < others.min()) for points in ours]
    return _judged(Verdict(statement, place, outcome_of(holds), because), losses[[band]], n)


def loses_more_when_relaxed(
    statement: str, place: str, losses: pd.DataFrame, tight: str, relaxed: str, n: int
) -> Verdict:
    """Judge whether every proxy loses more accuracy under relaxed budgets than under tight ones.

    Parameters
    ----------
    statement, place, losses, n
        As for :func:`most_are_near`.
    tight, relaxed : str
        Two of the columns of the losses.
    """
    more = losses[relaxed] > losses[tight]
    courses = listed(
        f"{label_of(name)} from {number(row[tight], 1)} to {number(row[relaxed], 1)}"
        for name, row in losses.iterrows()
    )
    because = f"Read as: every proxy loses more in the last band than in the first. {courses}."
    return _judged(Verdict(statement, place, outcome_of(more), because), losses[[tight, relaxed]], n)


def _judged(verdict: Verdict, used: pd.DataFrame, n: int) -> Verdict:
    """Take the judgement back when there are too few candidates, or a loss that it needs is missing."""
    if n < ENOUGH:
        return verdict.without_judgement(f"A pick out of {n} decides nothing.")
    if used.isna().to_numpy().any():
        return verdict.without_judgement("A band has no budget at which every proxy has a candidate.")
    return verdict


def _losses(lost: pd.Series[float]) -> str:
    return listed(f"{label_of(name)} ({number(points, 1)})" for name, points in lost.items())


def _sensitivity(lost: pd.Series[float]) -> str:
    half, twice = (labels(lost.index[lost <= factor * NEAR]) or "none" for factor in (0.5, 2))
    return f"With half the threshold, near: {half}; with twice: {twice}."

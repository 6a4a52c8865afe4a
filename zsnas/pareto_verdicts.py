"""Verdicts on what the survey says about Pareto fronts: which proxies are near, under which budgets.

The survey gives no threshold. A proxy is read as near the front in a band of budgets when its picks are, on
average over the budgets, at most some points less accurate than the best candidates: :data:`VERY_CLOSE` for
the stronger of the survey's two claims, which is on small budgets, and :data:`CLOSE` for the weaker, on large
ones. Their verdicts also say whom half and twice the threshold would call near.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import zsnas
from zsnas.tables import number
from zsnas.verdicts import ENOUGH, Verdict, labels, listed, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["CLOSE", "VERY_CLOSE", "loses_more_when_relaxed", "most_are_near", "only_these_are_near"]

VERY_CLOSE, CLOSE = 2.0, 4.0
"""Points of accuracy."""


def most_are_near(
    statement: str, place: str, losses: pd.DataFrame, band: str, exception: str, n: int
) -> Verdict:
    """Judge whether more than half of the proxies are very close to the front in a band, and one is not.

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
    near = others <= VERY_CLOSE
    because = (
        f"Read as: more than half of the others lose at most {VERY_CLOSE:g} points, and "
        f"{zsnas.proxy(exception).label} loses more. {near.sum()} of the {len(others)} others do: "
        f"{_losses(others[near]) or 'none'}. Not near: {_losses(others[~near]) or 'none'}. "
        f"{_losses(lost[[exception]])}. {_sensitivity(lost, VERY_CLOSE)}"
    )
    holds = [bool(near.mean() > 0.5), bool(lost[exception] > VERY_CLOSE)]
    return _judged(Verdict(statement, place, outcome_of(holds), because), losses[[band]], n)


def only_these_are_near(
    statement: str, place: str, losses: pd.DataFrame, band: str, named: Sequence[str], n: int
) -> Verdict:
    """Judge whether the named proxies are close to the front in a band, and no other of the survey's is.

    Parameters
    ----------
    statement, place, losses, band, n
        As for :func:`most_are_near`.
    named : sequence of str
        The proxies that are said to be near.
    """
    lost = losses[band]
    others = lost.drop(index=list(named))
    near = others <= CLOSE
    because = (
        f"Read as: these lose at most {CLOSE:g} points, and all others lose more. "
        f"{_losses(lost[list(named)])}. Of the others, near: {_losses(others[near]) or 'none'}; not near: "
        f"{_losses(others[~near]) or 'none'}. {_sensitivity(lost, CLOSE)}"
    )
    holds = [*(lost[list(named)] <= CLOSE), *~near]
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
        f"{zsnas.proxy(str(name)).label} from {number(row[tight], 1)} to {number(row[relaxed], 1)}"
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
    return listed(f"{zsnas.proxy(str(name)).label} ({number(points, 1)})" for name, points in lost.items())


def _sensitivity(lost: pd.Series[float], threshold: float) -> str:
    half, twice = (labels(lost.index[lost <= factor * threshold]) or "none" for factor in (0.5, 2))
    return f"With half the threshold, near: {half}; with twice: {twice}."

"""Verdicts on what the survey says about Pareto fronts: which proxies are near, under which budgets.

The survey gives no threshold. Where it says of proxies that they are near the front, they are read as near
when their picks are, on average over the budgets of a band, less than :data:`NEAR` points less accurate than
the best candidates, and the verdict also says whom half and twice the threshold would call near. Where it
says that only some are near, they are read as nearer than all others, which needs no threshold.

What a proxy loses among a sample of candidates has an interval, over other samples; two proxies are compared
over the same ones. What a proxy loses that chooses among all architectures is known without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsnas.book.tables import interval, number
from zsnas.book.verdicts import ENOUGH, Check, Part, Verdict, labels, listed
from zsnas.proxies import label_of
from zsnas.statistics import percentile_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    _Lost = tuple[str, str]  # a proxy, and a band

__all__ = ["NEAR", "Losses", "loses_more_when_relaxed", "most_are_near", "these_are_nearest"]

NEAR = 2.0
"""Points of accuracy."""


@dataclass(frozen=True)
class Losses:
    """Accuracy lost beyond what the candidates allow, in points.

    Attributes
    ----------
    values : DataFrame
        Of :func:`zsnas.pareto.avoidable`: a row per proxy and a column per band.
    resampled : DataFrame
        Of :func:`zsnas.pareto.avoidable_of_resamples`; without the proxies that choose among all
        architectures.
    n : int
        The number of candidates.
    """

    values: pd.DataFrame
    resampled: pd.DataFrame
    n: int

    def above(self, what: str, more: _Lost | float, less: _Lost | float) -> Check:
        """Compare two losses, or one with a number of points, of which the first is claimed to be higher.

        Parameters
        ----------
        what : str
        more, less : tuple of str, or float
            A proxy and a band, or points.
        """
        value = self._value(more) - self._value(less)
        if more not in self.resampled and less not in self.resampled:
            return Check(what, bool(value > 0), value, n=self.n)
        resampled = self._resampled(more) - self._resampled(less)
        return Check.above(what, value, **percentile_interval(value, resampled), n=self.n)

    def written(self, proxies: Iterable[str], band: str) -> str:
        """List proxies with what they lose in a band, and its interval; empty for none."""
        lost = {name: self.above(name, (name, band), 0.0) for name in proxies}
        return listed(f"{label_of(name)} ({_points(check)})" for name, check in lost.items())

    def _value(self, lost: _Lost | float) -> float:
        return float(self.values.T[lost[0]][lost[1]]) if isinstance(lost, tuple) else lost

    def _resampled(self, lost: _Lost | float) -> NDArray[np.float64]:
        drawn = self.resampled[lost] if lost in self.resampled else self._value(lost)
        return np.asarray(drawn, dtype=np.float64)


def most_are_near(statement: str, place: str, losses: Losses, band: str, exception: str) -> Verdict:
    """Judge whether more than half of the proxies are near the front in a band, and one is not.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    losses : Losses
    band : str
        One of its columns.
    exception : str
        The proxy that is said not to be near.
    """
    others = losses.values.index.drop(exception)
    checks = tuple(losses.above(label_of(name), NEAR, (name, band)) for name in others)
    alone = losses.above(label_of(exception), (exception, band), NEAR)
    named = {
        words: [name for name, check in zip(others, checks, strict=True) if check.holds is state]
        for words, state in {"Near": True, "Open": None, "Not near": False}.items()
    }
    sides = " ".join(f"{words}: {losses.written(names, band) or 'none'}." for words, names in named.items())
    because = (
        f"Read as: more than half of the others lose less than {NEAR:g} points, and "
        f"{label_of(exception)} loses more. {len(named['Near'])} of the {len(others)} others do. {sides} "
        f"{losses.written([exception], band)}. {_sensitivity(losses.values[band])}"
    )
    parts = [Part("the others", checks, most=True), Part(label_of(exception), (alone,))]
    return _judged(Verdict.of(statement, place, because, parts), losses, [band])


def these_are_nearest(statement: str, place: str, losses: Losses, band: str, named: Sequence[str]) -> Verdict:
    """Judge whether each of the named proxies is nearer to the front in a band than every other.

    Parameters
    ----------
    statement, place, losses, band
        As for :func:`most_are_near`.
    named : sequence of str
        The proxies that are said to be near, when no other is.
    """
    others = losses.values[band].drop(index=list(named)).sort_values().index
    because = (
        f"Read as: each of these loses less than every other proxy. {losses.written(named, band)}; the "
        f"others: {losses.written(others, band)}."
    )
    parts = [
        Part(label_of(one), tuple(losses.above(label_of(name), (name, band), (one, band)) for name in others))
        for one in named
    ]
    return _judged(Verdict.of(statement, place, because, parts), losses, [band])


def loses_more_when_relaxed(statement: str, place: str, losses: Losses, tight: str, relaxed: str) -> Verdict:
    """Judge whether every proxy loses more accuracy under relaxed budgets than under tight ones.

    Parameters
    ----------
    statement, place, losses
        As for :func:`most_are_near`.
    tight, relaxed : str
        Two of the columns of the losses.
    """
    more = {
        name: losses.above(label_of(name), (name, relaxed), (name, tight)) for name in losses.values.index
    }
    courses = listed(
        f"{label_of(name)} from {number(losses.values.loc[name, tight], 1)} to "
        f"{number(losses.values.loc[name, relaxed], 1)} (by {_points(check)})"
        for name, check in more.items()
    )
    because = f"Read as: every proxy loses more in the last band than in the first. {courses}."
    parts = [Part(check.what, (check,)) for check in more.values()]
    return _judged(Verdict.of(statement, place, because, parts), losses, [tight, relaxed])


def _judged(verdict: Verdict, losses: Losses, used: list[str]) -> Verdict:
    """Take the judgement back when there are too few candidates, or a loss that it needs is missing."""
    if losses.n < ENOUGH:
        return verdict.without_judgement(f"A pick out of {losses.n} decides nothing.")
    if losses.values[used].isna().to_numpy().any():
        return verdict.without_judgement("A band has no budget at which every proxy has a candidate.")
    return verdict


def _points(check: Check) -> str:
    return interval(check.value, check.low, check.high, 1)


def _sensitivity(lost: pd.Series[float]) -> str:
    half, twice = (labels(lost.index[lost < factor * NEAR]) or "none" for factor in (0.5, 2))
    return f"By the values, with half the threshold, near: {half}; with twice: {twice}."

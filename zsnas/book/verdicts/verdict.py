"""What a verdict is: a sentence of the survey, the comparisons that test it, and their sum.

A comparison holds where its whole 95 % interval is on the claimed side (:func:`is_above`), fails where it is
on the other, and is left open where it reaches over both. The comparisons of one data set, or of one proxy,
are a part of the statement: it holds when every one of them does, or most. :func:`outcome_of` sums the parts.

A page shows a verdict as Markdown, and :func:`read` finds it there again: the book's ledger of claims is
collected from the executed pages.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from scipy.stats import norm

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ENOUGH",
    "LEVEL",
    "OUTCOMES",
    "OWN",
    "Check",
    "Outcome",
    "Part",
    "Verdict",
    "corrected",
    "every",
    "is_above",
    "outcome_of",
    "read",
]

Outcome = Literal[
    "agrees",
    "agrees in part",
    "differs",
    "contradicted by the survey's own table",
    "left open",
    "cannot be compared",
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Held = Literal["holds", "holds in part", "does not hold"]

HELD: dict[str, Held] = {
    "agrees": "holds",
    "agrees in part": "holds in part",
    "differs": "does not hold",
}
"""How an outcome is called when the statement is a claim of the page's own."""

ENOUGH = 30
"""Architectures that a subset needs before its correlation decides anything."""

OWN = "a claim of this page"
"""The place of a statement that is not the survey's."""

LEVEL = 0.05
"""How often a comparison may be decided, one way or the other, when there is nothing to decide."""

_SHOWN = re.compile(
    r"^> (?P<statement>.+) \((?P<place>[^()]+)\)\n\n"
    r"\*\*(?P<outcome>[^*:]+?)(?:: \d+ of \d+ comparisons)?\.\*\* (?P<because>.*)$"
    r"(?:\n\n<!-- verdict (?P<parts>.*) -->$)?",
    re.MULTILINE,
)


class Check(NamedTuple):
    """One comparison.

    Attributes
    ----------
    what : str
        What is compared, such as a proxy.
    holds : bool or None
        None when it is open.
    value, low, high : float
        How far on the claimed side, and the 95 % interval; NaN when nothing is sampled.
    n : int
        Architectures; 0 when none are counted.
    """

    what: str
    holds: bool | None
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0

    @classmethod
    def above(cls, what: str, value: float, low: float, high: float, n: float = 0) -> Check:
        """Return a comparison that holds when a difference is above 0 with its whole interval.

        Parameters
        ----------
        what : str
        value, low, high : float
            The difference and its interval.
        n : int
            Architectures.
        """
        return cls(what, is_above(low, high), float(value), float(low), float(high), int(n))

    @property
    def p(self) -> float | None:
        """The chance of so large a difference, either way, when there is none; None when nothing is sampled.

        It is read off the interval as if the estimate were normal.
        """
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            return None
        error = (self.high - self.low) / (2 * norm.ppf(1 - LEVEL / 2))
        if error:
            return float(2 * norm.sf(abs(self.value) / error))
        return 0.0 if self.value else 1.0


class Part(NamedTuple):
    """The comparisons of one part of a statement: of a data set, or of a proxy.

    Attributes
    ----------
    name : str
    checks : tuple of Check
    most : bool
        Whether the part holds when most of its comparisons do, where otherwise all have to.
    """

    name: str
    checks: tuple[Check, ...]
    most: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the part holds; None when it is open."""
        if not self.most:
            return every(check.holds for check in self.checks)
        held, failed = (sum(check.holds is state for check in self.checks) for state in (True, False))
        half = len(self.checks) / 2
        return True if held > half else False if failed >= half else None


@dataclass(frozen=True)
class Verdict:
    """A statement of the survey, what our numbers say about it, and why.

    Attributes
    ----------
    statement : str
        What the survey says, in words of our own.
    place : str
        Where it says so.
    outcome : str
        One of `OUTCOMES`, or of `HELD` for a claim of the page's own.
    because : str
        The reading of the statement, and the numbers that decide.
    parts : tuple of Part
        The comparisons that the outcome sums up.
    """

    statement: str
    place: str
    outcome: Outcome | Held
    because: str
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, statement: str, place: str, because: str, parts: Iterable[Part]) -> Verdict:
        """Return the verdict that sums up these parts.

        Parameters
        ----------
        statement, place, because, parts
            See the attributes.
        """
        known = tuple(parts)
        return cls(statement, place, outcome_of(part.holds for part in known), because, known)

    @classmethod
    def counted(
        cls, statement: str, place: str, because: str, holds: Iterable[tuple[str, bool | None]]
    ) -> Verdict:
        """Return the verdict on comparisons of which no more is told than what each is and whether it holds.

        Parameters
        ----------
        statement, place, because
            See the attributes.
        holds
            None where a comparison is open.
        """
        known = ((name, None if held is None else bool(held)) for name, held in holds)
        return cls.of(statement, place, because, (Part(name, (Check(name, held),)) for name, held in known))

    @property
    def count(self) -> str:
        """How many parts hold, such as "1 of 4 comparisons"; empty when there is but one, or no judgement."""
        if len(self.parts) < 2 or self.outcome == "cannot be compared":
            return ""
        return f"{sum(part.holds is True for part in self.parts)} of {len(self.parts)} comparisons"

    def without_judgement(self, reason: str) -> Verdict:
        """Return the same numbers, but say why they cannot be compared with the statement."""
        return replace(self, outcome="cannot be compared", because=f"{reason} {self.because}")

    def of_a_claim(self) -> Verdict:
        """Return the verdict for a claim of the page's own, which nobody else's statement agrees with."""
        return replace(self, outcome=HELD.get(self.outcome, self.outcome))

    def from_its_own_table(self) -> Verdict:
        """Return the verdict on a statement that was compared with numbers which the survey itself prints.

        Where it differs, or agrees in part only, the survey contradicts itself.
        """
        contradicted = self.outcome in ("differs", "agrees in part")
        return replace(self, outcome="contradicted by the survey's own table") if contradicted else self

    def markdown(self) -> str:
        """Write statement, verdict and reason as Markdown paragraphs, and the comparisons as a comment."""
        outcome = self.outcome[:1].upper() + self.outcome[1:]
        count = f": {self.count}" if self.count else ""
        shown = f"> {self.statement} ({self.place})\n\n**{outcome}{count}.** {self.because}\n"
        return f"{shown}\n<!-- verdict {_written(self.parts)} -->\n" if self.parts else shown


def read(markdown: str) -> list[Verdict]:
    """Return the verdicts that a Markdown text shows, as :meth:`Verdict.markdown` wrote them.

    What a page claims itself, in the place `OWN`, is left out.
    """
    known = {outcome.casefold(): outcome for outcome in OUTCOMES}
    return [
        Verdict(found["statement"], found["place"], outcome, found["because"], _parts(found["parts"]))
        for found in _SHOWN.finditer(markdown)
        if found["place"] != OWN and (outcome := known.get(found["outcome"].casefold()))
    ]


def _written(parts: Iterable[Part]) -> str:
    """Write parts as JSON that is allowed in a comment, in which two hyphens are not."""
    rows = [[part.name, part.most, [list(map(_plain, check)) for check in part.checks]] for part in parts]
    return json.dumps(rows, ensure_ascii=False).replace("--", "-\\u002d")


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _parts(text: str | None) -> tuple[Part, ...]:
    rows: list[Any] = json.loads(text or "[]")
    return tuple(Part(name, tuple(map(_check, checks)), most) for name, most, checks in rows)


def _check(row: list[Any]) -> Check:
    what, holds, *numbers, n = row
    value, low, high = (math.nan if number is None else number for number in numbers)
    return Check(what, holds, value, low, high, n)


def corrected(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts on one sentence with as many comparisons left open as chance may have decided.

    Holm's rule: the smallest p of m comparisons has to be at most `LEVEL` / m, the next `LEVEL` / (m − 1),
    and so on; from the first that is not, all are open. Then a sentence about which there is nothing to find
    has one comparison or more decided in at most 5 % of the cases. Comparisons without an interval keep what
    they are, and a verdict that is no judgement, or has no comparisons, stays as it is.

    Parameters
    ----------
    verdicts : iterable of Verdict
        All on one sentence, whose comparisons are corrected together.

    References
    ----------
    Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    given = list(verdicts)
    judged = [verdict for verdict in given if verdict.outcome != "cannot be compared"]
    checks = [check for verdict in judged for part in verdict.parts for check in part.checks]
    tests = sorted(p for check in checks if (p := check.p) is not None)
    standing = takewhile(lambda ranked: ranked[1] <= LEVEL / (len(tests) - ranked[0]), enumerate(tests))
    limit = max((p for _, p in standing), default=-1.0)  # the largest p that stands
    return [_opened(verdict, limit) if verdict in judged else verdict for verdict in given]


def _opened(verdict: Verdict, limit: float) -> Verdict:
    parts = tuple(
        part._replace(
            checks=tuple(
                check._replace(holds=None) if (p := check.p) is not None and p > limit else check
                for check in part.checks
            )
        )
        for part in verdict.parts
    )
    if parts == verdict.parts:
        return verdict
    return replace(verdict, parts=parts, outcome=outcome_of(part.holds for part in parts))


def is_above(low: float, high: float, threshold: float = 0.0) -> bool | None:
    """Return whether an interval is above a threshold as a whole; None when it has values on both sides.

    Parameters
    ----------
    low, high
        Ends of the interval.
    threshold
        In the units of the interval.
    """
    if low > threshold:
        return True
    return False if high < threshold else None


def every(comparisons: Iterable[bool | None]) -> bool | None:
    """Return whether all comparisons hold: False when one fails, else None when one is open or none made."""
    held = list(comparisons)
    if False in held:
        return False
    return True if held and all(held) else None


def outcome_of(comparisons: Iterable[bool | None]) -> Outcome:
    """Sum up what a statement says of several data sets or proxies; None is a comparison that is open.

    It "agrees" when all hold, "agrees in part" when some do, "differs" when none does and some fail, and is
    "left open" when all are open.
    """
    held = list(comparisons)
    if all(holds is None for holds in held):
        return "left open"
    if all(held):
        return "agrees"
    return "agrees in part" if any(held) else "differs"

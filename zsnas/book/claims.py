"""What the survey claims, sentence by sentence, and what the pages of the book found.

The sentences are in ``data/published/claims.toml``. What became of them is collected from the executed pages,
which show their verdicts; nothing is computed here but how many verdicts chance would give.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from zsnas.book import pages
from zsnas.book.verdicts import OUTCOMES, Verdict, corrected, outcome_of, read
from zsnas.book.verdicts.verdict import LEVEL
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zsnas.book.verdicts import Check

FILE = DATA / "published" / "claims.toml"

UNTESTED = "not tested"
"""The outcome of a claim that no page tests."""


class Found(NamedTuple):
    """A verdict, and the name of the page that shows it."""

    page: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A sentence of the survey.

    Attributes
    ----------
    id : str
    section : str
        Of the survey.
    says : str
        In our own words.
    tests : tuple of dict
        ``page``, and how the ``statement`` begins that it judges.
    found : tuple of Found
        The verdicts of these pages.
    why : str
        Why it is not tested.
    """

    id: str
    section: str
    says: str
    tests: tuple[dict[str, str], ...] = ()
    found: tuple[Found, ...] = ()
    why: str = ""

    @property
    def outcome(self) -> str:
        """What the verdicts say together: one of `OUTCOMES`, or `UNTESTED`."""
        return together([one.verdict for one in self.found])

    @property
    def corrected(self) -> str:
        """What they say together when the number of comparisons is accounted for."""
        return together(corrected(one.verdict for one in self.found))

    @property
    def sampled(self) -> list[bool | None]:
        """Whether each comparison with an interval holds, of the verdicts that judge."""
        return [check.holds for check in self._checks if check.p is not None]

    @property
    def exact(self) -> list[bool | None]:
        """Whether each comparison without an interval holds: of whole spaces, counts and single numbers."""
        return [check.holds for check in self._checks if check.p is None]

    @property
    def _checks(self) -> list[Check]:
        judging = _judging([one.verdict for one in self.found])
        return [check for verdict in judging for part in verdict.parts for check in part.checks]

    @property
    def count(self) -> str:
        """How many comparisons hold, such as "1 of 4 comparisons"; empty for fewer than two."""
        parts = [part for verdict in _judging([one.verdict for one in self.found]) for part in verdict.parts]
        held = sum(part.holds is True for part in parts)
        return f"{held} of {len(parts)} comparisons" if len(parts) > 1 else ""


def together(verdicts: Sequence[Verdict]) -> str:
    """Sum up the verdicts on one sentence.

    A contradiction by the survey's own table outweighs the rest. Where some verdicts judge, those that cannot
    do not count.

    Parameters
    ----------
    verdicts : sequence of Verdict
    """
    if not verdicts:
        return UNTESTED
    judging = _judging(verdicts)
    contradicted = OUTCOMES[3]
    if any(verdict.outcome == contradicted for verdict in verdicts):
        return contradicted
    if not judging:
        return "cannot be compared"
    return str(outcome_of(holds for verdict in judging for holds in _holds(verdict)))


def _judging(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.outcome != "cannot be compared"]


def _holds(verdict: Verdict) -> list[bool | None]:
    """Return whether the parts hold; of a verdict without parts, what its outcome says."""
    if verdict.parts:
        return [part.holds for part in verdict.parts]
    known: dict[str, list[bool | None]] = {
        "agrees": [True],
        "agrees in part": [True, False],
        "differs": [False],
    }
    return known.get(verdict.outcome, [None])


@dataclass(frozen=True)
class Ledger:
    """All claims.

    Attributes
    ----------
    claims : tuple of Claim
    sections : dict of str
        What the sections are about, in the order of the survey.
    source : str
        The survey.
    """

    claims: tuple[Claim, ...]
    sections: dict[str, str]
    source: str

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """How many claims have each outcome; those without a claim are left out."""
        counts = Counter(claim.outcome for claim in self.claims)
        return {outcome: counts[outcome] for outcome in (*OUTCOMES, UNTESTED) if counts[outcome]}

    @property
    def comparisons(self) -> int:
        """How many comparisons with an interval the verdicts rest on."""
        return sum(len(claim.sampled) for claim in self.claims)

    @property
    def exact(self) -> int:
        """How many comparisons have no interval, and no chance that could be corrected for."""
        return sum(len(claim.exact) for claim in self.claims)

    @property
    def decided(self) -> int:
        """How many of these are decided, one way or the other."""
        return sum(holds is not None for claim in self.claims for holds in claim.sampled)

    @property
    def by_chance(self) -> float:
        """How many comparisons would be decided if there were nothing to find anywhere."""
        return LEVEL * self.comparisons

    @property
    def sentences_by_chance(self) -> float:
        """How many sentences would have a decided comparison then, if comparisons were independent."""
        return sum(1 - (1 - LEVEL) ** len(claim.sampled) for claim in self.claims)

    @property
    def changed(self) -> list[Claim]:
        """Those whose outcome is another when it is corrected for the number of comparisons."""
        return [claim for claim in self.claims if claim.corrected != claim.outcome]


def ledger() -> Ledger:
    """Return the claims with what the executed pages found.

    Raises
    ------
    ValueError
        When a claim has neither a test nor a reason for having none, or names a page that does not exist.
    """
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    names = sorted({test["page"] for claim in data["claim"] for test in claim.get("tests", ())})
    shown = {name: verdicts_of(name) for name in names}
    claims = tuple(_claim(entry, shown) for entry in data["claim"])
    return Ledger(claims, data["sections"], data["source"])


def _claim(entry: dict[str, Any], shown: dict[str, list[Verdict]]) -> Claim:
    tests = tuple(entry.get("tests", ()))
    if bool(tests) == bool(entry.get("why")):
        raise ValueError(
            f"claim '{entry['id']}' in {FILE.name} needs either tests or why, which says why it has none"
        )
    found = tuple(
        Found(test["page"], verdict)
        for test in tests
        for verdict in shown[test["page"]]
        if verdict.statement.startswith(test["statement"])
    )
    return Claim(entry["id"], entry["section"], entry["says"], tests, found, entry.get("why", ""))


def verdicts_of(name: str) -> list[Verdict]:
    """Return the verdicts that an executed page shows; none when it has not been executed.

    Parameters
    ----------
    name : str
        Of a page, such as ``fig06``.
    """
    here = pages.page(name)
    if not here.executed.exists():
        return []
    notebook = json.loads(here.executed.read_text(encoding="utf-8"))
    pages.restore(notebook)
    return [verdict for text in _shown(notebook) for verdict in read(text)]


def _shown(notebook: dict[str, Any]) -> Iterator[str]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            yield "".join(output.get("data", {}).get("text/markdown", ""))

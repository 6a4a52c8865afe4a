"""Is an answer right? And if not, what is off: said without giving the answer away."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from zsnas.course.exercises import exercise
from zsnas.proxies import list_proxies, proxy

CLOSE = 0.01
"""How far a number may be off, in its own unit below 1 and as a fraction of it above."""


FACTOR_CLOSE = 0.02
"""How near a number must be to the right one, when a factor is taken away, to speak of the factor."""


@dataclass(frozen=True)
class Feedback:
    """What came of a check; as a condition it is true when the answer is right."""

    right: bool
    text: str

    def __bool__(self) -> bool:
        """Say whether the answer is right."""
        return self.right

    def __repr__(self) -> str:
        """Return the words, for the end of a cell."""
        return self.text


def check(identity: str, answer: object) -> Feedback:
    """Say whether the answer to an exercise is right, or what is off.

    The right answer is computed now, from the published scores, by the solution of the exercise.

    Parameters
    ----------
    identity
        Of the exercise, such as ``"fig06-3"``.
    answer
        As the exercise asks: a number; a name (of a proxy: as in ``zsnas.list_proxies()`` or as printed);
        several names as a set, or as a list where their order counts; or a mapping to such answers.

    Raises
    ------
    ValueError
        For an unknown exercise.
    SourceUnavailable
        When the accuracies that it needs are not here.
    """
    found = exercise(identity).solved
    tolerance = found.get("tolerance")
    problem = compare(answer, found["answer"], tolerance)
    if not problem:
        return Feedback(True, f"{identity}: right.")
    for explanation, value in found.get("wrong", {}).items():
        if not compare(answer, value, tolerance):
            return Feedback(False, f"{identity}: not yet. {explanation}")
    return Feedback(False, f"{identity}: not yet. {problem}")


def compare(given: Any, right: Any, tolerance: float | None = None) -> str:  # noqa: ANN401 - of many types
    """Return what is off, in a sentence; nothing when the answer is right.

    Parameters
    ----------
    given, right
        Answers.
    tolerance : float, optional
        How far a number may be off.
    """
    if given is ... or given is None:
        return "There is no answer yet: put yours in the place of `answer = ...`."
    if hasattr(right, "to_dict"):
        right = right.to_dict()
    if isinstance(right, Mapping):
        return _compare_mappings(given, right, tolerance)
    if isinstance(right, str):
        return _compare_names(given, right)
    if isinstance(right, Real):
        return _compare_numbers(given, right, tolerance)
    return _compare_collections(given, right)


def _compare_mappings(given: Any, right: Mapping[str, Any], tolerance: float | None) -> str:  # noqa: ANN401
    given = given.to_dict() if hasattr(given, "to_dict") else given
    if not isinstance(given, Mapping):
        return f"The answer is a mapping from {_listed(right)} to their values; this is {_kind(given)}."
    mine = {_plain(key): value for key, value in given.items()}
    lacking = [key for key in right if _plain(key) not in mine]
    if lacking:
        return f"There is no entry for {_listed(lacking)}."
    problems = {key: compare(mine[_plain(key)], value, tolerance) for key, value in right.items()}
    off = {key: problem for key, problem in problems.items() if problem}
    if not off:
        return ""
    key, problem = next(iter(off.items()))
    return f"{len(right) - len(off)} of {len(right)} entries are right. {key}: {problem}"


def _compare_names(given: object, right: str) -> str:
    if not isinstance(given, str):
        return f"The answer is a name, as a string; this is {_kind(given)}."
    return "" if _plain(given) == _plain(right) else f"It is not {given!r}."


def _compare_numbers(given: object, right: Real, tolerance: float | None) -> str:
    if isinstance(given, bool) or not isinstance(given, Real):
        item = getattr(given, "item", None)
        if item is None or math.prod(getattr(given, "shape", (2,))) != 1:
            return f"The answer is a number; this is {_kind(given)}."
        return _compare_numbers(item(), right, tolerance)
    mine, value = float(given), float(right)
    if math.isnan(mine):
        return "It is NaN: leave out what has no score or no accuracy before you compute."
    if isinstance(right, Integral) and tolerance is None:
        tolerance = 0
    allowed = CLOSE * max(1.0, abs(value)) if tolerance is None else tolerance
    if abs(mine - value) <= allowed:
        return ""
    return _what_is_off(mine, value, allowed)


def _what_is_off(mine: float, value: float, allowed: float) -> str:
    if abs(mine + value) <= allowed < abs(value):
        return (
            "The size is right, the sign is not: which direction is better, and what is subtracted from what?"
        )
    for factor, why in ((100, "per cent or fraction?"), (1000, "the unit?"), (1e6, "the unit?")):
        for scale in (factor, 1 / factor):
            if abs(mine / scale - value) <= FACTOR_CLOSE * abs(value) and value:
                return f"It is off by a factor of {factor:,.0f}: {why}"
    size = "close, but " if abs(mine - value) <= 5 * max(allowed, CLOSE * abs(value)) else ""
    return f"It is {size}too {'large' if mine > value else 'small'}."


def _compare_collections(given: Any, right: Any) -> str:  # noqa: ANN401
    form = "a set" if isinstance(right, AbstractSet) else "a list"
    if isinstance(given, str | Mapping) or not getattr(given, "shape", hasattr(given, "__iter__")):
        return f"The answer is {form}, even if it has one member only; this is {_kind(given)}."
    mine, wanted = ([_plain(member) for member in members] for members in (given, right))
    if strange := [member for member in mine if not isinstance(member, Hashable)]:
        return f"The members are names or numbers; one of yours is {_kind(strange[0])}."
    extra, lacking = set(mine) - set(wanted), set(wanted) - set(mine)
    if extra or lacking:
        missing = (
            f"{len(lacking)} of the answer {'is' if len(lacking) == 1 else 'are'}" if lacking else "none is"
        )
        return f"{len(set(mine) & set(wanted))} of your {len(mine)} are right; {missing} missing."
    if isinstance(right, AbstractSet) or mine == wanted:
        return ""
    same = next(k for k, pair in enumerate(zip(mine, wanted, strict=False)) if pair[0] != pair[1])
    return f"The members are right, their order is not: it first goes wrong at place {same + 1}."


def _plain(name: Any) -> Any:  # noqa: ANN401 - of many types
    """Return a name as this package writes it: a proxy may be given as it is printed."""
    if not isinstance(name, str):
        return name.item() if hasattr(name, "item") else name
    labels = {proxy(known).label.casefold(): known for known in list_proxies()}
    plain = name.strip().casefold()
    return labels.get(plain, plain)


def _listed(names: Mapping[str, Any] | Sequence[str]) -> str:
    return ", ".join(map(str, names))


def _kind(value: object) -> str:
    return f"of the type {type(value).__name__}"

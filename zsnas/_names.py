"""Names of benchmarks, proxies and batches: wildcards, and what to say about a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase


class UnknownNameError(ValueError):
    """A name that is not in its list; the message suggests the nearest one and says where the list is."""


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that match a shell wildcard, in alphabetical order."""
    return sorted(names if pattern == "*" else (name for name in names if fnmatchcase(name, pattern)))


def as_names(kind: str, given: object) -> tuple[str, ...]:
    """Return one name or several as a tuple; a ValueError for anything that is no text."""
    names = []
    for name in given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]:
        if not isinstance(name, str):
            own = getattr(name, "name", None) or getattr(name, "__name__", None)
            hint = f", here {own!r}" if isinstance(own, str) else ""
            raise ValueError(f"{kind} are asked for by their names{hint}, not by {name!r}")
        names.append(name)
    return tuple(names)


def unknown(kind: str, name: str, names: Iterable[str], listing: str) -> UnknownNameError:
    """Return the error for a `name` of this `kind` that is not among `names`; `listing` names them all."""
    names = list(names)
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    suggestion = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return UnknownNameError(f"unknown {kind} {name!r}{suggestion} {listing} names all {len(names)}")

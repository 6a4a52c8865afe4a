"""Names of benchmarks, proxies and batches: wildcards, and what to say about a name that does not exist."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase


class UnknownNameError(ValueError):
    """A name that is not in its list; the message suggests the nearest one and says where the list is."""


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that match a shell wildcard, in alphabetical order; a ValueError for no text."""
    if not isinstance(pattern, str):
        raise ValueError(f"names are looked for with a wildcard such as '*flow*', not with {pattern!r}")
    return sorted(names if pattern == "*" else (name for name in names if fnmatchcase(name, pattern)))


def check_choice(what: str, given: object, valid: Iterable[str]) -> None:
    """Raise a ValueError for anything that is none of the valid values, which it lists."""
    valid = tuple(valid)
    if not (isinstance(given, str) and given in valid):
        raise ValueError(f"unknown {what} {given!r}; valid are {', '.join(valid)}")


def as_name(kind: str, given: object, listing: str) -> str:
    """Return the name of one thing of this `kind`; an error for anything that is no text.

    `listing` names all that there are.
    """
    if not isinstance(given, str):
        raise UnknownNameError(
            f"a {kind} is asked for by its name{_own_name(given)}, not by {given!r}; {listing} names them all"
        )
    return given


def as_known(kind: str, given: object, names: Collection[str], listing: str) -> str:
    """Return the name of one thing of this `kind`; an error for anything that is not among `names`."""
    name = as_name(kind, given, listing)
    if name not in names:
        raise unknown(kind, name, names, listing)
    return name


def as_names(kind: str, given: object) -> tuple[str, ...]:
    """Return one name or several as a tuple; a ValueError for anything that is no text."""
    names = []
    for name in given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]:
        if not isinstance(name, str):
            raise ValueError(f"{kind} are asked for by their names{_own_name(name)}, not by {name!r}")
        names.append(name)
    return tuple(names)


def _own_name(given: object) -> str:
    own = getattr(given, "name", None) or getattr(given, "__name__", None)
    return f", here {own!r}" if isinstance(own, str) else ""


def unknown(kind: str, name: str, names: Iterable[str], listing: str) -> UnknownNameError:
    """Return the error for a `name` of this `kind` that is not among `names`; `listing` names them all."""
    names = list(names)
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    suggestion = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return UnknownNameError(f"unknown {kind} {name!r}{suggestion} {listing} names all {len(names)}")

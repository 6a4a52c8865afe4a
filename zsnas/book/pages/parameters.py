"""The parameters of a notebook: defaults in the cell tagged ``parameters``, and values given as text."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

PROFILES = ("full", "quick")


def defaults(notebook: NotebookNode, name: str) -> dict[str, Any]:
    """Return the parameters of a notebook with their default values.

    Raises
    ------
    ValueError
        When no cell is tagged ``parameters``, when it assigns anything but literals, or when one of the five
        parameters that every notebook has is absent.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(
            f"notebook '{name}' has {len(cells)} cells tagged 'parameters'; it needs exactly one"
        )
    found = dict(_assignment(statement, name) for statement in ast.parse(cells[0].source).body)
    absent = [key for key in READERS if key not in found]
    if absent:
        raise ValueError(f"notebook '{name}' does not set {', '.join(absent)} in its parameters cell")
    return found


def _assignment(statement: ast.stmt, name: str) -> tuple[str, Any]:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=key)], value=value)
            | ast.AnnAssign(target=ast.Name(id=key), value=ast.expr() as value)
        ):
            default = ast.literal_eval(value)
            return key, list(default) if isinstance(default, tuple) else default
    raise ValueError(
        f"the parameters cell of notebook '{name}' may only hold lines such as 'seeds = [0]', "
        f"not: {ast.unparse(statement)}"
    )


def typed(given: Mapping[str, Any], default: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the parameters that differ from their defaults, each value converted to the type of its default.

    Parameters
    ----------
    given : mapping
        Values by name; text such as ``"7,8"``, ``"true"`` or ``"100"`` is parsed.
    default : mapping
        What `defaults` returned.
    name : str
        The notebook, for messages.

    Raises
    ------
    ValueError
        When a name is not a parameter of this notebook or a value cannot be read.
    """
    unknown = [key for key in given if key not in default]
    if unknown:
        raise ValueError(f"notebook '{name}' has no parameter '{unknown[0]}'; it has {', '.join(default)}")
    values = {key: _value(key, value, default[key]) for key, value in given.items()}
    return {key: value for key, value in values.items() if value != default[key]}


def _value(key: str, value: object, default: object) -> object:
    reader = READERS.get(key) or BY_TYPE[type(default)]
    try:
        parsed = reader.parse(value) if isinstance(value, str) else value
    except ValueError:
        parsed = reader
    parsed = list(parsed) if isinstance(parsed, tuple) else parsed
    if not reader.valid(parsed):
        raise ValueError(f"parameter {key}={value} cannot be read; write {key}={reader.example}")
    return parsed


def _boolean(text: str) -> object:
    return {"true": True, "false": False}.get(text.lower(), text)


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _integer_or_none(text: str) -> int | None:
    return None if text.lower() == "none" else int(text)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and _is_integer(value) and value >= 1


def _are_seeds(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_integer(seed) and seed >= 0 for seed in value)


@dataclass(frozen=True)
class Reader:
    """How the text of a parameter is read, which values are valid, and an example."""

    parse: Callable[[str], object]
    valid: Callable[[object], bool]
    example: str


READERS = {
    "profile": Reader(str, lambda value: value in PROFILES, "full or profile=quick"),
    "seeds": Reader(_integers, _are_seeds, "7,8"),
    "batch_size": Reader(int, _is_count, "64"),
    "limit": Reader(_integer_or_none, lambda value: value is None or _is_count(value), "100 or limit=none"),
    "recompute": Reader(_boolean, _is_bool, "true or recompute=false"),
}

# A notebook's own further parameters are read by the type of their default.
BY_TYPE: dict[type, Reader] = {
    bool: Reader(_boolean, _is_bool, "true or false"),
    int: Reader(int, _is_integer, "1"),
    float: Reader(float, lambda value: isinstance(value, float | int), "0.5"),
    str: Reader(str, lambda value: isinstance(value, str), "a word"),
    list: Reader(_integers, lambda value: isinstance(value, list), "1,2"),
}

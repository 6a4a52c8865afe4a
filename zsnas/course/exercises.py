"""An exercise: question, starting cell, hints, and a solution that runs. One Markdown file holds a sheet.

A sheet is a file of ``zsnas/course/sheets``::

    # What the sheet is about

    ## fig06-3: Are two proxies better than one?

    :page: fig06
    :level: 2
    :answer: a number, to two decimals

    The question.

    ### Start

    (a block of Python)

    ### Hint

    As many as it takes.

    ### Solution

    Words and blocks of Python. The code runs after that of the start, in one namespace, and gives `answer`.
    It may give `tolerance`, how far a number may be off, and `wrong`, a mapping from what to say of a wrong
    answer to that answer. Words show a name of it as ``{{name}}`` or ``{{name:.2f}}``.

A student sees everything but the solution.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from zsnas._names import as_known

SHEETS = Path(__file__).parent / "sheets"
ORDER = ("problem", "spaces", "measure", "proxies", "ranking", "knowledge", "hardware", "instruments")
"""The sheets in the order of the book."""

LEVELS = {1: "warm-up", 2: "takes thought", 3: "a small project"}
"""How difficult an exercise is, in words."""

_FIELD = re.compile(r"^:(\w+): (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"\{\{(\w+)(?::([^{}]*))?\}\}")


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    id : str
        Such as ``fig06-3``: the page that it belongs to, and a number.
    title : str
        The question in short.
    page : str
        The page of the book that it belongs to, such as ``fig06`` or ``book/reading``.
    level : int
        1 to 3, see :data:`LEVELS`.
    form : str
        What kind of answer is wanted, in words.
    question : str
        Markdown.
    start : str
        The code that an answer starts from.
    hints : tuple of str
        Markdown, the vaguest first.
    solution : str
        Markdown with blocks of Python.
    """

    id: str
    title: str
    page: str
    level: int
    form: str
    question: str
    start: str
    hints: tuple[str, ...]
    solution: str

    @property
    def code(self) -> str:
        """The code of the solution, which runs after that of the start."""
        return "\n".join(_BLOCK.findall(self.solution))

    @cached_property
    def solved(self) -> dict[str, Any]:
        """The names that start and solution give, with ``answer`` among them; computed once.

        Raises
        ------
        SourceUnavailable
            When an accuracy that it needs is not here.
        """
        names: dict[str, Any] = {"__name__": self.id}
        for part, code in (("start", self.start), ("solution", self.code)):
            exec(compile(code, f"<{part} of {self.id}>", "exec"), names)  # noqa: S102 - our own files
        return names

    def explained(self) -> str:
        """Return the solution with its numbers in the words."""
        return _SHOWN.sub(lambda found: format(self.solved[found[1]], found[2] or ""), self.solution)


@dataclass(frozen=True)
class Sheet:
    """The exercises of one part of the book.

    Attributes
    ----------
    name : str
        Of its file.
    title, text : str
        Markdown.
    exercises : tuple of Exercise
    """

    name: str
    title: str
    text: str
    exercises: tuple[Exercise, ...]


def list_sheets() -> list[str]:
    """Return the names of all sheets, in the order of the book."""
    return [name for name in ORDER if name in _sheets()] + sorted(set(_sheets()) - set(ORDER))


def sheet(name: str) -> Sheet:
    """Return the sheet called `name`.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    sheets = _sheets()
    return sheets[as_known("sheet", name, sheets, "zsnas.course.list_sheets()")]


def list_exercises() -> list[str]:
    """Return the ids of all exercises, sheet by sheet."""
    return list(_exercises())


def exercise(identity: str) -> Exercise:
    """Return one exercise.

    Raises
    ------
    ValueError
        For an unknown id; the message names the closest one.
    """
    known = _exercises()
    return known[as_known("exercise", identity, known, "zsnas.course.list_exercises()")]


@cache
def _sheets() -> dict[str, Sheet]:
    return {
        path.stem: read(path.stem, path.read_text(encoding="utf-8")) for path in sorted(SHEETS.glob("*.md"))
    }


@cache
def _exercises() -> dict[str, Exercise]:
    return {one.id: one for name in list_sheets() for one in sheet(name).exercises}


def read(name: str, text: str) -> Sheet:
    """Read a sheet.

    Parameters
    ----------
    name : str
    text : str
        The Markdown of its file.
    """
    head, *parts = _divided(text, "## ")
    title, _, words = head.removeprefix("# ").partition("\n")
    return Sheet(name, title.strip(), words.strip(), tuple(_exercise(part) for part in parts))


def _divided(text: str, mark: str) -> list[str]:
    """Cut a text where a line begins with this mark, but not within blocks of code."""
    parts: list[list[str]] = [[]]
    is_code = False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        if line.startswith(mark) and not is_code:
            parts.append([line.removeprefix(mark)])
        else:
            parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def _exercise(text: str) -> Exercise:
    head, *sections = _divided(text, "### ")
    first, _, body = head.partition("\n")
    identity, _, title = first.partition(": ")
    fields = dict(_FIELD.findall(body))
    found: dict[str, list[str]] = {"Start": [], "Hint": [], "Solution": []}
    for section in sections:
        kind, _, words = section.partition("\n")
        if kind.strip() not in found:
            raise ValueError(f"{identity} has a section {kind!r}; valid are {', '.join(found)}")
        found[kind.strip()].append(words.strip())
    if lacking := [*({"page", "level", "answer"} - set(fields)), *(k for k in found if not found[k])]:
        raise ValueError(f"{identity} lacks {', '.join(sorted(lacking))}; see zsnas/course/exercises.py")
    return Exercise(
        identity,
        title.strip(),
        fields["page"],
        int(fields["level"]),
        fields["answer"],
        _FIELD.sub("", body).strip(),
        "\n".join(_BLOCK.findall("\n".join(found["Start"]) + "\n")),
        tuple(found["Hint"]),
        "\n\n".join(found["Solution"]) + "\n",
    )

"""A sheet of exercises as a page of the book and as a notebook, for students or with its solutions."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from zsnas.book.pages.page import PROJECT
from zsnas.course.exercises import LEVELS, list_sheets, sheet
from zsnas.sources import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

    from zsnas.course import Exercise, Sheet

_ROLE = re.compile(r"\{doc\}`([^<`]+?)(?: <([^>]+)>)?`")
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


LAB = PROJECT / "book" / "course" / "lab_template.md"
"""The notebook of the lab, as it is written."""


def sheet_table() -> str:
    """Return the table of all sheets: how many exercises of each level they have."""
    rows = [
        ":::{list-table} The sheets, and how many exercises of each level they have",
        ":header-rows: 1\n:name: tab-course-sheets\n",
        "\n  - ".join(["* - Sheet", *(level.capitalize() for level in LEVELS.values())]),
    ]
    for one in map(sheet, list_sheets()):
        counts = (sum(exercise.level == level for exercise in one.exercises) for level in LEVELS)
        rows.append("\n  - ".join([f"* - [{one.title}](exercises_{one.name}.md)", *map(str, counts)]))
    return "\n".join([*rows, ":::"])


def lab_notebook() -> NotebookNode:
    """Return the notebook of the lab, without outputs."""
    import jupytext

    notebook: NotebookNode = jupytext.reads(LAB.read_text(encoding="utf-8"), "md:myst")
    notebook.metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"lab-{k}"
    return notebook


def exercises(sheet: Sheet, *, solved: bool) -> str:
    """Return the exercises of a sheet as MyST, one section each.

    Parameters
    ----------
    sheet : Sheet
    solved : bool
        With the solutions, which run now.
    """
    return "\n\n".join(_section(one, solved) for one in sheet.exercises)


def _section(one: Exercise, solved: bool) -> str:
    parts = [
        f"(exercise-{one.id})=\n## {one.title}",
        f"`{one.id}`, {LEVELS[one.level]}. For {{doc}}`/{_docname(one)}`.",
        one.question,
        f"Your `answer` is {one.form}. Start from here:",
        _fenced(one.start, "code-block", "python"),
        *(_dropdown(f"Hint {k}", hint) for k, hint in enumerate(one.hints, 1)),
        "Then ask whether it is right:",
        _fenced(f'import zsnas.course\n\nzsnas.course.check("{one.id}", answer)', "code-block", "python"),
    ]
    return "\n\n".join([*parts, *(_solution(one) if solved else ())])


def _solution(one: Exercise) -> Iterator[str]:
    start = time.perf_counter()
    try:
        explained, answer = one.explained(), f"The answer is `{one.solved['answer']!r}`."
    except SourceUnavailable as absent:
        explained, answer = one.solution, f"Its numbers are not here: {absent}."
    seconds = time.perf_counter() - start
    yield _dropdown("Solution", f"{explained}\n\n{answer} It took {seconds:.1f} s.")


def _docname(one: Exercise) -> str:
    return one.page if "/" in one.page else f"notebooks/{one.page}"


def _dropdown(title: str, text: str) -> str:
    return f":::::{{dropdown}} {title}\n{text}\n:::::"


def _fenced(code: str, directive: str, argument: str) -> str:
    return f"```{{{directive}}} {argument}\n{code.strip()}\n```"


def exercises_notebook(sheet: Sheet, *, solved: bool) -> NotebookNode:
    """Return the exercises of a sheet as a notebook, whose cells nbgrader grades.

    Parameters
    ----------
    sheet : Sheet
    solved : bool
        With the solutions between the marks that ``nbgrader generate_assignment`` cuts out.
    """
    from nbformat.v4 import new_markdown_cell, new_notebook

    cells = [new_markdown_cell(f"# {sheet.title}\n\n{_plain(sheet.text)}", id="title")]
    cells += [cell for one in sheet.exercises for cell in _cells(one, solved)]
    made: NotebookNode = new_notebook(
        cells=cells, metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    )
    return made


def _cells(one: Exercise, solved: bool) -> Iterator[NotebookNode]:
    from nbformat.v4 import new_code_cell, new_markdown_cell

    hints = "\n\n".join(
        f"<details><summary>Hint {k}</summary>\n\n{_plain(hint)}\n\n</details>"
        for k, hint in enumerate(one.hints, 1)
    )
    words = f"## {one.title}\n\n{_plain(one.question)}\n\nYour `answer` is {one.form}.\n\n{hints}"
    yield new_markdown_cell(words, id=f"{one.id}-question")
    inside = f"\n### BEGIN SOLUTION\n{one.code.strip()}\n### END SOLUTION" if solved else "\nanswer = ..."
    yield new_code_cell(
        f"{one.start.strip()}\n{inside}", id=f"{one.id}-answer", metadata=graded(f"{one.id}-answer")
    )
    check = f'import zsnas.course\n\nfound = zsnas.course.check("{one.id}", answer)\nassert found, found'
    yield new_code_cell(check, id=f"{one.id}-check", metadata=graded(f"{one.id}-check", one.level))


def graded(identity: str, points: int = 0) -> dict[str, object]:
    """Return what nbgrader keeps in a cell: an answer, or with points a test that is locked.

    Parameters
    ----------
    identity : str
        Unique within the notebook.
    points : int
    """
    is_test = points > 0
    kept = {
        "grade": is_test,
        "grade_id": identity,
        "locked": is_test,
        "schema_version": 3,
        "solution": not is_test,
        "task": False,
    }
    return {"nbgrader": kept | ({"points": points} if is_test else {})}


def _plain(text: str) -> str:
    """Return Markdown without the roles that only the book understands."""
    return _ROLE.sub(lambda found: found[1].removeprefix("/"), text)

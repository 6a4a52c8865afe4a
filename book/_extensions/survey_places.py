"""Sphinx extension: which figure or table of the survey a page computes again, as a badge and as one table.

A page names them in its header, ``zsnas: {survey: Figure 6}``, one or a list.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml
from rereading import read_every_time

from zsnas.book.pages.page import header_of, pages, survey_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

TABLE = "book/survey"
"""The page that all of them are listed on."""

PLACES = [
    *(f"Figure {number}" for number in range(1, 20)),
    *(f"Table {number}" for number in ("I", "II", "III", "IV", "V", "VI")),
]
"""Of the survey."""

TITLE = re.compile(r"^# .+$", re.MULTILINE)
BADGE = "\n\n:::{{div}} survey-badge\nThe survey's {places}\n:::\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    read_every_time(app, TABLE.__eq__)  # it follows from the headers of other pages
    app.connect("source-read", _annotate, priority=600)  # after the MyST of a page is restored
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _annotate(app: Sphinx, docname: str, content: list[str]) -> None:
    project = Path(app.srcdir)
    if docname == TABLE:
        content[0] += "\n".join(_rows(project))
        return
    named = _named(project).get(docname, ())
    if not named:
        return
    if docname.startswith("notebooks/"):
        notebook = json.loads(content[0])
        first = notebook["cells"][0]
        first["source"] = _with_badge("".join(first["source"]), named, docname)
        content[0] = json.dumps(notebook)
    else:
        content[0] = _with_badge(content[0], named, docname)


def _with_badge(text: str, named: tuple[str, ...], docname: str) -> str:
    """Return the text of a page with its places of the survey below its title."""
    unknown = [place for place in named if place not in PLACES]
    if unknown:
        raise ValueError(
            f"{docname} is said to compute {unknown[0]!r}, but the survey has Figures 1 to 19 and Tables I "
            f"to VI; "
            "correct `survey` in its header"
        )
    folder = "" if docname.startswith("book/") else "../book/"
    links = " and ".join(f"[{place}]({folder}survey.md)" for place in named)
    return TITLE.sub(lambda title: title[0] + BADGE.format(places=links), text, count=1)


def _named(project: Path) -> dict[str, tuple[str, ...]]:
    """Return the places of the survey that each document of the book names."""
    prose = {
        f"book/{path.stem}": survey_of(header_of(path.read_text(encoding="utf-8")))
        for path in sorted((project / "book").glob("*.md"))
    }
    return prose | {f"notebooks/{name}": page.survey for name, page in pages(project).items()}


def _chapters(project: Path) -> list[str]:
    toc = yaml.safe_load((project / "_toc.yml").read_text(encoding="utf-8"))
    return [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]


def _rows(project: Path) -> Iterator[str]:
    """Yield the lines of the table: each place of the survey, and the pages that name it."""
    named = _named(project)
    chapters = _chapters(project)
    yield "\n\n:::{list-table} The survey's figures and tables, and the pages that compute them again"
    yield ":header-rows: 1\n:name: tab-survey\n\n* - The survey's\n  - Page"
    for place in PLACES:
        links = [_link(docname) for docname in chapters if place in named.get(docname, ())]
        yield f"* - {place}\n  - {'; '.join(links) or '–'}"
    yield ":::\n"


def _link(docname: str) -> str:
    path = PurePosixPath(docname)
    return f"{{doc}}`{path.name if path.parent.name == 'book' else f'../{docname}'}`"

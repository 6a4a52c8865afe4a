"""Sphinx extension: the pages of the course, for students or for instructors.

``ZSNAS_EDITION=instructors`` asks for the second edition, which has the solutions.

A page of exercises has ``{{exercises}}`` in it, in whose place the sheet of its name stands. The file itself,
which Sphinx copies beside the page, holds no solution. Notebooks and slides are written beside the pages.
Below the questions of a notebook page stands a line that leads to its exercises.

```{quiz}
What is asked?

- ( ) A choice
- (x) The right one

Why it is that one.
```
"""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from rereading import read_every_time
from sphinx.util.docutils import SphinxDirective

from zsnas import course
from zsnas.book import course as pages
from zsnas.book import pages as notebooks

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

FOLDER = "book/course"
NOTEBOOKS = "notebooks"
SHEET = "exercises_"
INSTRUCTORS = "instructors"
EDITIONS = ("students", INSTRUCTORS)
DOWNLOADS = "_static/course"
ONLY_THERE = """:::{note}
Questions for an exam, with answers, and the solutions of all exercises are in the edition for instructors.
`make course` builds it.
:::"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_directive("quiz", Quiz)
    app.connect("config-inited", _name_edition)
    read_every_time(app, lambda name: name.startswith(f"{FOLDER}/"))  # and the edition decides
    app.connect("source-read", _fill)
    app.connect("source-read", _lead_to_exercises, priority=900)  # once the page has its MyST
    app.connect("build-finished", _write_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def edition() -> str:
    """Return which edition is built."""
    wanted = os.environ.get("ZSNAS_EDITION", EDITIONS[0])
    if wanted not in EDITIONS:
        raise ValueError(f"ZSNAS_EDITION is {wanted!r}; valid are {' and '.join(EDITIONS)}")
    return wanted


def _name_edition(app: Sphinx, config: Config) -> None:  # noqa: ARG001 - Sphinx passes it
    if edition() == INSTRUCTORS:
        config.html_title = f"{config.html_title or config.project} (for instructors)"


def _fill(app: Sphinx, docname: str, content: list[str]) -> None:  # noqa: ARG001 - Sphinx passes it
    path = PurePosixPath(docname)
    if str(path.parent) != FOLDER:
        return
    for name, text in _values(path.name).items():
        content[0] = content[0].replace(f"{{{{{name}}}}}", text)


def _lead_to_exercises(app: Sphinx, docname: str, content: list[str]) -> None:
    path = PurePosixPath(docname)
    if str(path.parent) != NOTEBOOKS or f"{FOLDER}/exercises" not in app.env.found_docs:
        return
    notebook, page = json.loads(content[0]), notebooks.page(path.name)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = pages.with_links("".join(cell["source"]), page)
    content[0] = json.dumps(notebook)


def _values(page: str) -> dict[str, str]:
    """Return what stands in a page in the place of a name in double braces."""
    is_solved = edition() == INSTRUCTORS
    if page.startswith(SHEET):
        sheet = course.sheet(page.removeprefix(SHEET))
        link = f'<p><a href="../../{DOWNLOADS}/{page}.ipynb" download>These exercises as a notebook</a></p>'
        return {"about": sheet.text, "notebook": link, "exercises": pages.exercises(sheet, solved=is_solved)}
    if page == "exercises":
        return {"sheets": pages.sheet_table()}
    if page == "notes":
        return {"exam": pages.exam() if is_solved else ONLY_THERE, "measured": pages.measured()}
    return {}


def _write_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Write the notebooks beside the pages."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir, DOWNLOADS)
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        PurePosixPath(docname).name for docname in app.env.found_docs if docname.startswith(f"{FOLDER}/")
    }
    for name in sorted(names):
        if name.startswith(SHEET):
            sheet = course.sheet(name.removeprefix(SHEET))
            notebook = pages.exercises_notebook(sheet, solved=edition() == INSTRUCTORS)
            nbformat.write(notebook, folder / f"{name}.ipynb")
    if "lab" in names:
        nbformat.write(pages.lab_notebook(), folder / "lab.ipynb")
    if "slides" in names:
        (folder / "slides.html").write_text(pages.deck(), encoding="utf-8")


class Quiz(SphinxDirective):
    """A question with choices, which works without scripts: the answer unfolds."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the question as a group of radio buttons, and the answer below it."""
        try:
            asked = pages.question("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        name = f"quiz-{self.env.new_serialno('quiz') + 1}"
        return [
            _html(f'<fieldset class="quiz" data-right="{asked.right}"><legend>'),
            *self._inline(asked.asked),
            _html("</legend>"),
            *(node for k, words in enumerate(asked.choices) for node in self._choice(name, k, words)),
            _html(
                '<p class="quiz-told" role="status"></p><details><summary>The answer, and why</summary><p>'
            ),
            nodes.strong("", "", *self._inline(asked.choices[asked.right])),
            _html("</p>"),
            *self._parsed(asked.explained).children,
            _html("</details></fieldset>"),
        ]

    def _choice(self, name: str, place: int, words: str) -> list[nodes.Node]:
        opened = f'<p><label><input type="radio" name="{name}" value="{place}"> <span>'
        return [_html(opened), *self._inline(words), _html("</span></label></p>")]

    def _inline(self, text: str) -> list[nodes.Node]:
        words = [node for paragraph in self._parsed(text).children for node in paragraph.children]
        return [nodes.inline("", "", *words)]  # a link has to stand in an element of text

    def _parsed(self, text: str) -> nodes.Element:
        parent = nodes.Element()
        lines = StringList(text.splitlines(), source=self.env.doc2path(self.env.docname))
        self.state.nested_parse(lines, self.content_offset, parent)
        return parent


def _html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")

"""An executed page as one HTML file, for reading in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zsnas.book.pages.page import page

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r'href="(?:\.\./)?(?P<page>[\w/-]+)\.(?:ipynb|md)(?P<anchor>#[\w-]+)?"')


def write_html(name: str, executed: Path) -> Path:
    """Write an execution of a notebook as HTML beside it, or below ``_build`` if it is the book's page.

    What the book hides is not shown: cells that only prepare its text, and the code of figures and tables.
    Formulas need a network, from which MathJax comes. Links to other pages lead into the built book.
    """
    here = page(name)
    is_of_book = executed.resolve() == here.executed.resolve()
    target = (here.variant({}) if is_of_book else executed).with_suffix(".html")
    target.parent.mkdir(parents=True, exist_ok=True)
    built = (here.project / "_build" / "html").as_uri()
    target.write_text(_LINK.sub(lambda link: _in(built, link), _converted(executed)), encoding="utf-8")
    return target


def _converted(executed: Path) -> str:
    import nbformat
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    hidden = {"enabled": True, "remove_cell_tags": {"remove-cell"}, "remove_input_tags": {"hide-input"}}
    exporter = HTMLExporter(
        config=Config({"TagRemovePreprocessor": hidden}),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":  # what is glued is in the text by now
            cell.outputs = [shown for shown in cell.outputs if "scrapbook" not in shown.get("metadata", ())]
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": executed.stem}})
    return str(body)


def _in(built: str, link: re.Match[str]) -> str:
    folder = "" if "/" in link["page"] else "notebooks/"
    return f'href="{built}/{folder}{link["page"]}.html{link["anchor"] or ""}"'

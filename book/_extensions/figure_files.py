"""Sphinx extension: every figure of a page as a PDF, for papers and slides, with a link below it.

The SVG of a figure is in the page, and a script offers it beside the link.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import typst
from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "figures"
FONTS = Path(mpl.get_data_path(), "fonts", "ttf")
"""Those that the figures were laid out with."""

PAGES = b"""
#set document(date: none)
#set page(width: auto, height: auto, margin: 0pt)
#for (number, drawing) in json(bytes(sys.inputs.drawings)).enumerate() {
  if number > 0 { pagebreak() }
  image(bytes(drawing), format: "svg")
}
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.name != "html":
        return
    for figure in doctree.findall(nodes.figure):
        drawings = [text for one in figure.findall(nodes.raw) for text in drawings_in(one.astext())]
        if not (drawings and figure["ids"]):
            continue
        target = Path(app.outdir, FOLDER, f"{figure['ids'][0]}.pdf")
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(pdf(drawings))
        address = f"{'../' * docname.count('/')}{FOLDER}/{target.name}"
        link = f'<a class="download" href="{address}" download aria-label="PDF: save {target.name}">PDF</a>'
        place = next(figure.findall(nodes.caption), None)
        if place is not None:
            place.append(nodes.raw("", f'<span class="downloads">{link}</span>', format="html"))


def drawings_in(html: str) -> list[str]:
    """Return the drawings of matplotlib in a piece of HTML, each as a file of its own.

    >>> drawings_in('<p>Left</p><svg version="1.1"><g/></svg>')
    ['<svg xmlns="http://www.w3.org/2000/svg" version="1.1"><g/></svg>']
    """
    found = []
    for part in html.split("<svg ")[1:]:
        drawing, end, _ = part.partition("</svg>")
        if end and 'version="1.1"' in drawing.partition(">")[0]:
            name = "" if "xmlns=" in drawing.partition(">")[0] else 'xmlns="http://www.w3.org/2000/svg" '
            found.append(f"<svg {name}{drawing}{end}")
    return found


def pdf(drawings: list[str]) -> bytes:
    """Return drawings as a PDF, one a page, whose text is text."""
    inputs = {"drawings": json.dumps(drawings)}
    written: bytes = typst.compile(
        PAGES, sys_inputs=inputs, font_paths=[str(FONTS)], ignore_system_fonts=True
    )
    return written

"""Sphinx extension: a page quotes what another one found, so that no number is written down twice.

``{finding}`` with the name of a page, as in ``../notebooks/fig13``, shows those sentences of its opening
paragraph that have a computed part, and leads there.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

COMPUTED = "pasted-text"
"""The class of what code gives to a sentence."""
QUOTES = "quotes"
"""What is noted of a page that quotes."""
SENTENCE = re.compile(r".+?(?:[.?!](?=\s+[A-Z#])|$)", re.DOTALL)


class finding(nodes.General, nodes.Element):  # noqa: N801 - the name of a node
    """The place of a quotation until all pages are read."""


class Finding(Directive):
    """Quote the finding of a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the place."""
        env = self.state.document.settings.env
        document = env.relfn2path(f"{self.arguments[0]}.md")[0]
        env.metadata[env.docname][QUOTES] = "yes"
        place = finding(page=document.removesuffix(".md"))
        place.source, place.line = self.state_machine.get_source_and_line(self.lineno)
        return [place]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_node(finding)
    app.add_directive("finding", Finding)
    app.connect("env-updated", _every_time)
    app.connect("doctree-resolved", _quote)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _every_time(app: Sphinx, env: BuildEnvironment) -> list[str]:  # noqa: ARG001 - Sphinx passes it
    """Write pages that quote in every build: what they quote is on other pages."""
    return [name for name in env.all_docs if QUOTES in env.metadata[name]]


def _quote(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(finding)):
        page = place["page"]
        words = found(app.env.get_doctree(page)) if page in app.env.all_docs else ""
        if not words:
            message = f"{docname} quotes {page}, whose first paragraph has no computed sentence"
            raise ValueError(message)
        leads = nodes.reference(
            "",
            app.env.titles[page].astext(),
            refuri=app.builder.get_relative_uri(docname, page),
            internal=True,
        )
        quotation = nodes.paragraph("", "", nodes.Text(f"{words} → "), nodes.inline("", "", leads))
        place.replace_self(nodes.block_quote("", quotation, classes=["finding"]))


def found(doctree: nodes.document) -> str:
    """Return the sentences of the first paragraph that have a computed part."""
    paragraphs = (one for one in doctree.findall(nodes.paragraph) if isinstance(one.parent, nodes.section))
    opening = next(paragraphs, nodes.paragraph())
    parts = list(_parts(opening))
    text = "".join(words for words, _ in parts)
    ends = accumulate(len(words) for words, _ in parts)
    computed = [
        (end - len(words), end) for (words, is_computed), end in zip(parts, ends, strict=True) if is_computed
    ]
    sentences = [
        one[0]
        for one in SENTENCE.finditer(text)
        if any(start < one.end() and one.start() < end for start, end in computed)
    ]
    return re.sub(r"\s+([,.;:?!])", r"\1", " ".join(" ".join(sentences).split()))


def _parts(paragraph: nodes.Element) -> Iterator[tuple[str, bool]]:
    """Yield the words of a paragraph, and whether code gave them; citations are left out."""
    for text in paragraph.findall(nodes.Text):
        above = []
        node = text.parent
        while node is not paragraph:
            above.append(node)
            node = node.parent
        if any(isinstance(one, addnodes.pending_xref) and one.get("refdomain") == "cite" for one in above):
            continue
        yield text.astext(), any(COMPUTED in one.get("classes", ()) for one in above)

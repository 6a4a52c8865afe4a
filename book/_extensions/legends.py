"""Sphinx extension: how a figure or a table was computed is folded below its caption.

In a figure these are the paragraphs after the first. Below a table stands the directive ``{legend}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

SUMMARY = "How this was computed"


class Legend(SphinxDirective):
    """What belongs to the table above."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the legend."""
        return [nodes.legend("", *self.parse_content_to_nodes())]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_directive("legend", Legend)
    app.add_node(nodes.legend, override=True, html=(_visit, _depart))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _visit(translator: HTML5Translator, legend: nodes.legend) -> None:
    if not legend.astext().strip():  # an execution that has nothing to say
        raise nodes.SkipNode
    translator.body.append(f'<details class="computed"><summary>{SUMMARY}</summary>\n')


def _depart(translator: HTML5Translator, legend: nodes.legend) -> None:  # noqa: ARG001 - Sphinx passes it
    translator.body.append("</details>\n")

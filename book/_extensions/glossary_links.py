"""Sphinx extension: the glossary where a reader needs it.

The first use of a term on a page leads to its meaning. A search for another name of a term looks
for what this book calls it, and pages that have what is asked for in their title come first.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

GLOSSARY = "book/glossary"
_ENTRIES = re.compile(r"```\{glossary\}\n(.*?)\n```", re.DOTALL)
_CLOSED = (
    nodes.reference,
    nodes.title,
    nodes.caption,
    nodes.literal,
    nodes.literal_block,
    nodes.emphasis,
    nodes.raw,
    nodes.table,
    addnodes.pending_xref,
    addnodes.download_reference,
)
"""What a term is left alone in: it is a link already, or no running text."""

SPELLINGS = {
    "license": "licence",
    "dataset": "data set",
    "evolutionary search": "evolution",
    "bibtex": "cite",
    "citation": "cite",
    "object detector": "object detection",
    "BERT": "language models",
    "LLM": "language models",
    "multi-objective": "Pareto front",
    "carbon": "CO₂ of a search",
    "limitation": "limits evidence",
    "threats to validity": "limits evidence",
    "reproduce": "how do I reproduce",
    "hyperparameter": "tuning hyperparameters",
}
"""Words that readers look for and that are no names of a term, and those to look for in their place."""

SCRIPT = """
addEventListener("DOMContentLoaded", () => {  // before the search starts, and after its script is there
  const names = %s;
  const parse = Search._parseQuery;
  const letter = /(?<![\\p{Letter}\\p{Number}])\\p{Letter}(?![\\p{Letter}\\p{Number}])/gu;
  Search._parseQuery = (query) => {
    const named = (asked, [other, here]) => asked.replace(new RegExp(other, "gi"), here);
    const asked = names.reduce(named, query);
    const [, ...terms] = parse(asked.replace(letter, " "));  // the index has no single letters, such as τ
    return [asked, ...terms];
  };
  const perform = Search._performSearch;
  const plain = (text) => ` ${text.toLowerCase().replace(/[^\\p{Letter}\\p{Number}#]+/gu, " ").trim()} `;
  Search._performSearch = (query, ...terms) => {  // what comes last is shown first
    const results = perform(query, ...terms);
    const asked = plain(query);
    const isNamed = ([, title, , description]) => !description && plain(title).includes(asked);
    const has = ([page, , anchor]) => results.some((one) => one[0] === page && one[2] === anchor);
    const { alltitles, titles, docnames, filenames } = Search._index;
    const sections = asked.trim().includes(" ") ? Object.entries(alltitles) : [];  // one word is in too many
    const isHeading = (title) => !title.trim().endsWith(".");  // captions are titles, too
    const named = sections.flatMap(([title, places]) => isHeading(title) && plain(title).includes(asked)
      ? places.filter(([, anchor]) => anchor !== null).map(([file, anchor]) =>
        [docnames[file], `${titles[file]} > ${title}`, `#${anchor}`, null, 0, filenames[file]])
      : []);
    return [
      ...results.filter((one) => !isNamed(one)),
      ...named.filter((one) => !has(one)),
      ...results.filter(isNamed),
    ];
  };
}, { capture: true });
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("doctree-read", _link_first_uses)
    app.connect("html-page-context", _teach_search)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def entries(text: str) -> list[list[str]]:
    """Return the names of each term of a glossary; the first is the one that the book uses."""
    found = _ENTRIES.search(text)
    blocks = found[1].split("\n\n") if found else []
    return [[line for line in block.splitlines() if not line.startswith(" ")] for block in blocks]


def _glossary(app: Sphinx) -> list[list[str]]:
    return entries(Path(app.srcdir, f"{GLOSSARY}.md").read_text(encoding="utf-8"))


def _link_first_uses(app: Sphinx, doctree: nodes.document) -> None:
    if app.env.docname == GLOSSARY:
        return
    wanted = {name: term for term, *others in _glossary(app) for name in (term, *others)}
    pattern = re.compile(
        rf"(?<![\w-])({'|'.join(map(re.escape, sorted(wanted, key=len, reverse=True)))})(s?)(?![\w-])"
    )
    linked: set[str] = set()
    for paragraph in doctree.findall(nodes.paragraph):
        for text in list(paragraph.findall(nodes.Text)):
            if not _is_closed(text):
                _link(text, pattern, wanted, linked)


def _is_closed(node: nodes.Node) -> bool:
    while node := node.parent:
        if isinstance(node, _CLOSED):
            return True
    return False


def _link(text: nodes.Text, pattern: re.Pattern[str], wanted: dict[str, str], linked: set[str]) -> None:
    """Replace a text by itself with the terms that were not linked before as links."""
    parts: list[nodes.Node] = []
    end = 0
    for found in pattern.finditer(text):
        term = wanted[found[1]]
        if term in linked:
            continue
        linked.add(term)
        link = addnodes.pending_xref(
            "",
            nodes.inline("", found[0]),
            refdomain="std",
            reftype="term",
            reftarget=found[1],
            refexplicit=True,
            refwarn=True,
            classes=["term"],
        )
        parts += [nodes.Text(text[end : found.start()]), link]
        end = found.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def _teach_search(
    app: Sphinx,
    pagename: str,
    templatename: str,  # noqa: ARG001 - Sphinx passes these
    context: dict[str, Any],  # noqa: ARG001
    doctree: nodes.document | None,  # noqa: ARG001
) -> None:
    if pagename == "search":
        names = [
            [rf"(?<![\w-]){re.escape(other)}s?(?![\w-])", here]
            for other, here in [
                *((other, term) for term, *others in _glossary(app) for other in others),
                *SPELLINGS.items(),
            ]
        ]
        app.add_js_file(None, body=SCRIPT % json.dumps(names), priority=900)

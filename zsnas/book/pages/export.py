"""An executed page that is worth opening by itself, without the book, in Jupyter, on Colab or on GitHub.

A page is written in MyST. Its roles and directives mean something to Sphinx and nothing to Jupyter, so the
file that `zsnas notebooks run` writes has what they stand for: numbers, citations and references as text,
tables as tables, captions below their figures. Its first cell installs this project where it is missing, as
on Colab. What each piece of text replaced is kept in the metadata of its cell or output, and `restore` puts
it back; the book is built from that.
"""

from __future__ import annotations

import ast
import copy
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from zsnas._version import __version__

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from zsnas.book.pages.references import References

KEPT = "zsnas"
"""The key of the metadata that hold what was replaced."""

UNKNOWN = "(not computed here)"
"""What stands for a value that no code has glued; building the book fails for it."""

_CAPTION, _INSTALL = "caption", "install"

INSTALL = f"""\
try:
    import zsnas
except ImportError:  # as on Colab
    %pip install --quiet "zsnas[book]=={__version__}"\
"""
"""What the first cell of an exported page runs."""

_MARKUP = re.compile(
    r"\{(?P<role>[a-z:]+)\}`(?P<content>[^`]+)`"
    r"|(?P<table>^:::\{table\} )(?=[^\n]*\n:name: (?P<name>\S+)\n)"
    r"|^:::\{glue:figure\} (?P<figure>\S+)\n:name: (?P<figure_name>\S+)\n\n"
    r"|^:::\{glue:md\} (?P<block>\S+)\n:format: myst\n:::$"
    r"|(?P<legend>^:::\{legend\}\n)"
    r"|^:name: \S+\n"
    r"|\n:::$"
    r"|^```\{math\}\n:label: (?P<label>\S+)\n(?P<formula>.*?)\n```$"
    r"|^\((?P<anchor>[\w-]+)\)=[ \t]*$"
    r"|(?<=\]\()#?(?P<address>[\w-]+(?:\.md)?)(?=[)#])",
    re.MULTILINE | re.DOTALL,
)
"""A role; beginning, name and end of a table, and what it was computed from; a figure or a text that code has
glued; a numbered equation; an anchor; a link in the book."""


def export(notebook: NotebookNode, name: str, references: References) -> NotebookNode:
    """Return a page with text in place of its MyST.

    Parameters
    ----------
    notebook : NotebookNode
        As it was executed.
    name : str
        The page's.
    references : References
        Of the book that it belongs to.

    Raises
    ------
    ValueError
        When the page has a role, or the label of an equation or a source, that is not known.
    """
    exported = copy.deepcopy(notebook)
    words = _Words(exported, name, references)
    cells = (written for cell in exported.cells for written in _exported(cell, words))
    exported.cells = [_installing(), *cells]
    return exported


def restore(notebook: dict[str, Any]) -> None:
    """Put the MyST of an exported page back in its place."""
    added = (_CAPTION, _INSTALL)
    notebook["cells"] = [
        cell for cell in notebook["cells"] if cell.get("metadata", {}).get(KEPT) not in added
    ]
    for cell in notebook["cells"]:
        _restore(cell, "source", cell.get("metadata", {}))
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                _restore(output["data"], "text/markdown", output["metadata"])


def _exported(cell: NotebookNode, words: _Words) -> Iterator[NotebookNode]:
    if cell.cell_type == "markdown":
        _replace(cell, "source", cell.metadata, words)
    yield cell
    for output in cell.get("outputs", ()):
        if "text/markdown" in output.get("data", ()):
            _replace(output.data, "text/markdown", output.metadata, words)
    if caption := _caption(cell):
        text, _ = words.written(f"**{words.number(_figure(cell))}.** {caption}")
        yield _markdown(f"{cell.id}-{_CAPTION}", text)


def _replace(holder: NotebookNode, key: str, metadata: NotebookNode, words: _Words) -> None:
    holder[key], replaced = words.written(holder[key])
    if replaced:
        metadata[KEPT] = replaced


def _restore(holder: dict[str, Any], key: str, metadata: dict[str, Any]) -> None:
    text = "".join(holder.get(key, ""))
    for kept in reversed(metadata.pop(KEPT, [])):
        start, length, before = kept.split(":", 2)
        text = text[: int(start)] + before + text[int(start) + int(length) :]
        holder[key] = text


def _installing() -> NotebookNode:
    from nbformat.v4 import new_code_cell

    # Without the tag the page as HTML, which cannot be run, would begin with it.
    metadata = {KEPT: _INSTALL, "tags": ["remove-cell"]}
    cell: NotebookNode = new_code_cell(INSTALL, id=_INSTALL, metadata=metadata)
    return cell


def _markdown(identity: str, text: str) -> NotebookNode:
    from nbformat.v4 import new_markdown_cell

    cell: NotebookNode = new_markdown_cell(text, id=identity, metadata={KEPT: _CAPTION})
    return cell


def _caption(cell: NotebookNode) -> str:
    return str(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")).strip()


def _figure(cell: NotebookNode) -> str:
    return str(cell.metadata["mystnb"]["figure"].get("name", cell.id))


class _Words:
    """What the markup of one page stands for."""

    def __init__(self, notebook: NotebookNode, name: str, references: References) -> None:
        self.name = name
        self.references = references
        self._numbers = {
            label: f"{what} {references.numbered(name, number)}" for label, what, number in _numbers(notebook)
        }
        self._glued = glued = dict(_glued(notebook))
        self._roles: dict[str, Callable[[str], str]] = {
            "glue:text": lambda key: _escaped(glued.get(key, UNKNOWN)),
            "eq": lambda label: references.equation_link(label, name),
            "numref": self.number,
            "cite:p": references.cited_aside,
            "cite:t": references.cited,
        }

    def number(self, label: str) -> str:
        """Return the number of a figure or table, or where it is when that is another page."""
        return self._numbers.get(label) or self.references.elsewhere(label)

    def written(self, text: str) -> tuple[str, list[str]]:
        """Return a text without markup, and for each piece of it ``start:length:what was there``."""
        new, replaced, end = "", [], 0
        for found in _MARKUP.finditer(text):
            new += text[end : found.start()]
            words = self._stands_for(found)
            if words != found[0]:
                replaced.append(f"{len(new)}:{len(words)}:{found[0]}")
            new += words
            end = found.end()
        return new + text[end:], replaced

    def _stands_for(self, found: re.Match[str]) -> str:
        try:
            return self._meaning(found)
        except KeyError as unknown:
            raise ValueError(
                f"notebook '{self.name}' has {found[0]!r}, but {unknown} is neither a role that can be "
                "written as text nor a label that the book or its bibliography has"
            ) from None

    def _meaning(self, found: re.Match[str]) -> str:
        meanings: dict[str, Callable[[re.Match[str]], str]] = {
            "role": lambda found: self._roles[found["role"]](found["content"]),
            "table": lambda found: f"**{self.number(found['name'])}.** ",
            "figure": self._drawing,
            "block": lambda found: self.written(self._glued.get(found["block"], UNKNOWN))[0],
            "legend": lambda _: "*How this was computed.* ",
            "label": self._equation,
            "anchor": lambda found: f'<a id="{found["anchor"]}"></a>\n',
            "address": lambda found: self.references.link(found["address"], self.name) or found[0],
        }
        for group, meaning in meanings.items():
            if found[group]:
                return meaning(found)
        return ""  # the name and the end of a table

    def _drawing(self, found: re.Match[str]) -> str:
        shown = _image(self._glued.get(found["figure"], UNKNOWN))
        return f"{shown}\n\n**{self.number(found['figure_name'])}.** "

    def _equation(self, found: re.Match[str]) -> str:
        number = self.references.equation(found["label"])
        return f"$$\n{found['formula']}\n\\tag{{{number}}}\n$$"


def _numbers(notebook: NotebookNode) -> Iterator[tuple[str, str, int]]:
    """Yield the labels of figures and tables, what they are and their numbers, counted through the page."""
    figures, tables = count(1), count(1)
    for cell in notebook.cells:
        if _caption(cell):
            yield _figure(cell), "Fig.", next(figures)
        texts = [cell.source] if cell.cell_type == "markdown" else map(_shown, cell.outputs)
        for text in texts:
            for found in _MARKUP.finditer(text):
                if found["table"]:
                    yield found["name"], "Table", next(tables)
                if found["figure"]:
                    yield found["figure_name"], "Fig.", next(figures)


def _shown(output: NotebookNode) -> str:
    return str(output.get("data", {}).get("text/markdown", ""))


def _glued(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield the values that code has glued, by name."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    for output in outputs:
        if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
            kinds = ("html", "markdown", "plain")
            texts = [output.data.get(f"application/papermill.record/text/{kind}") for kind in kinds]
            yield name, texts[0] or texts[1] or _literal(texts[2] or "")


def _image(shown: str) -> str:
    """Return a drawing as an image, which Jupyter shows where it would not show the drawing's own element."""
    label = re.match(r'<svg [^>]*?aria-label="([^"]*)"', shown)
    if not shown.startswith("<svg "):
        return shown
    address = b64encode(shown.encode()).decode()
    return f'<img alt="{label[1] if label else ""}" src="data:image/svg+xml;base64,{address}">'


def _literal(text: str) -> str:
    """Return the text of a value whose representation is given."""
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        return text


def _escaped(value: str) -> str:
    """Return a value so that Markdown shows it as it is."""
    return re.sub(r"([\\`*<$|]|\b_|_\b|(?<!\w)_(?!\w))", r"\\\1", value)

"""Sphinx extension: every notebook page says what it was made from, and warns when that has changed.

The file of a page has text in place of its MyST, so that it is worth opening by itself. The book is
made from the MyST.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rereading import read_every_time

from zsnas.book import pages as notebooks

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "notebooks"
LINK = re.compile(r"(?<=\]\()([\w-]+)\.md(?=[)#])")
EXAMPLES = {"seeds": "7", "recompute": "true", "limit": "100"}
"""Values of parameters to try, offered on the pages that do something with them."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    read_every_time(app, lambda name: name.startswith(f"{FOLDER}/"))  # any of them may turn stale
    app.connect("source-read", _annotate)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _annotate(app: Sphinx, docname: str, content: list[str]) -> None:  # noqa: ARG001 - Sphinx passes it
    path = PurePosixPath(docname)
    if str(path.parent) != FOLDER:
        return
    notebook = json.loads(content[0])
    notebooks.restore(notebook)
    _lead_to_pages(notebook)
    if reasons := notebooks.stale(path.name):
        notebook["cells"].insert(1, _markdown("kept", _kept(reasons)))
    if record := notebook["metadata"].get("zsnas"):
        notebook["cells"].append(
            _markdown("provenance", _made_from(path.name, record, _command(path.name, notebook)))
        )
    content[0] = json.dumps(notebook)


def _lead_to_pages(notebook: dict[str, Any]) -> None:
    """Let links to the source of a page lead to the page; one source can be several pages."""
    names = set(notebooks.list_notebooks())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = LINK.sub(
                lambda found: f"{found[1]}.ipynb" if found[1] in names else found[0], "".join(cell["source"])
            )


def _markdown(identity: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": text}


def _kept(reasons: list[str]) -> str:
    return (
        ":::{warning}\n"
        "The results on this page were computed earlier and are shown as they were. "
        f"Since then, {'; '.join(reasons)}.\n:::"
    )


def _command(name: str, notebook: dict[str, Any]) -> str:
    """Return a command that runs a page with other parameters: some of those that its code uses."""
    code = " ".join(
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    )
    used = set(re.findall(r"\w+", code))
    options = (f"-p {key}={value}" for key, value in EXAMPLES.items() if key in used)
    return " ".join([f"zsnas notebooks run {name}", *options])


def _made_from(name: str, record: dict[str, Any], command: str) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
    parameters = ", ".join(f"`{key} = {value}`" for key, value in record["parameters"].items())
    inputs = record.get("files", {}) | record.get("sources", {})
    items = "".join(f"  - `{entry}` ({_hash(digest)})\n" for entry, digest in inputs.items())
    return (
        ":::{admonition} How this page was made\n:class: dropdown\n\n"
        f"- Parameters: {parameters}\n"
        f"- Versions: {versions}\n"
        f"- Source: `notebooks/{notebooks.page(name).source.name}` (SHA-256 `{record['source'][:12]}`)\n"
        f"- Code: {len(record.get('code', ()))} modules of `zsnas`\n"
        f"- Inputs:{'' if items else ' none'}\n{items}\n"
        f"Run it again with other parameters:\n\n```bash\n{command}\n```\n:::"
    )


def _hash(digest: str) -> str:
    return "missing" if digest == "missing" else f"SHA-256 `{digest[:12]}`"

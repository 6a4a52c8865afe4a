"""What an executed notebook was made from, and whether that has changed since.

A page rests on its source, on the files that it asked for while it ran, and on the code that it ran: on that
of proxies and spaces when it scores live, and not when it reads the scores from a table. All of this is
recorded by the page's kernel, see `recorder`; nothing is declared. Code counts without its comments and
docstrings. Versions are recorded and make nothing stale.
"""

from __future__ import annotations

import ast
import hashlib
import json
from copy import deepcopy
from functools import cache
from graphlib import TopologicalSorter
from importlib import metadata
from typing import TYPE_CHECKING, Any

from zsnas.book.pages.export import export, restore
from zsnas.book.pages.page import Page, list_notebooks, page
from zsnas.book.pages.reach import Package
from zsnas.book.pages.references import References
from zsnas.book.pages.syntax import digest, hashed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RECORDED_VERSIONS = ("zsnas", "torch", "numpy", "pandas", "scipy", "matplotlib")
LARGEST_PAGE = 1_000_000  # bytes
ABSENT = "missing"

OUTDATED_TEXT = "its text no longer follows from the book's labels and bibliography"
"""A reason why a page is stale for which it need not be executed again."""

_REGISTER = "proxies/_registry.py"


class StaleNotebooks(RuntimeError):
    """Executed pages that no longer follow from their sources and inputs."""


def provenance(
    name: str, source: str, code: str, parameters: dict[str, Any], recorded: dict[str, Any]
) -> dict[str, Any]:
    """Return what an execution of a notebook is made from: hashes, values and versions.

    Parameters
    ----------
    name : str
    source : str
        The hash of the notebook's source as it was executed.
    code : str
        The page's own code.
    parameters : dict
    recorded : dict
        What the `recorder` in its kernel wrote.
    """
    here = page(name)
    reach = _package(here).reach(recorded["ran"], code)
    return {
        "source": source,
        "parameters": parameters,
        "files": {path: _file_digest(here, path) for path in recorded["opened"] if path != _own(here)},
        "sources": {
            entry: _source_digest(entry) if had else ABSENT
            for entry, had in sorted(recorded["sources"].items())
        },
        "code": {file: _code_digest(here, file) for file in reach.files},
        "names": reach.names,
        "proxies": _registered_proxies(here) if _REGISTER in reach.files else None,
        "versions": {package: metadata.version(package) for package in RECORDED_VERSIONS},
    }


def record_of(name: str) -> dict[str, Any] | None:
    """Return what the executed page of a notebook says it was made from; None when it does not say."""
    here = page(name)
    if not here.executed.exists():
        return None
    record: dict[str, Any] | None = json.loads(here.executed.read_text(encoding="utf-8"))["metadata"].get(
        "zsnas"
    )
    return record


def in_order(names: Iterable[str]) -> list[str]:
    """Return the notebooks with those that quote the results of others after these, as far as is recorded.

    Parameters
    ----------
    names : iterable of str
    """
    places = {_own(page(name)): name for name in names}
    quoted = {
        name: [places[path] for path in (record_of(name) or {}).get("files", ()) if path in places]
        for name in places.values()
    }
    return list(TopologicalSorter(quoted).static_order())


def _own(here: Page) -> str:
    return here.executed.relative_to(here.project).as_posix()


def missing(name: str) -> list[str]:
    """Return, in words, what a notebook was made from that this machine neither has nor can fetch."""
    here = page(name)
    record = record_of(name) or {}
    had = [path for path, was in record.get("files", {}).items() if was != ABSENT]
    gone = [f"{path} does not exist" for path in had if not (here.project / path).exists()]
    return gone + [reason for entry in record.get("sources", ()) if (reason := _absence(entry))]


def stale(name: str) -> list[str]:
    """Return, in words, why the executed page of a notebook has to be made again; empty when it need not."""
    here = page(name)
    if not here.executed.exists():
        return ["it has never been executed"]
    record = record_of(name)
    if record is None:
        return ["it does not say what it was made from"]
    if "code" not in record:
        return ["it was made by an earlier version of this project, which recorded less"]
    return [*_changes(here, record), *_changes_of_text(here)]


def check() -> None:
    """Check that every page follows from what it was made from, and that it is small.

    Raises
    ------
    StaleNotebooks
        Naming every page that is not, why, and what to do.
    """
    problems = [
        f"{name}: {reason}" for name in list_notebooks() for reason in (*stale(name), *_oversize(name))
    ]
    if problems:
        raise StaleNotebooks("\n".join(["these pages have to be made again with `make book`:", *problems]))


def _changes(here: Page, record: dict[str, Any]) -> Iterator[str]:
    if record["source"] != source_digest(here):
        yield f"its source notebooks/{here.source.name} has changed"
    for path, was in record["files"].items():
        if was != _file_digest(here, path):
            yield f"{path} has changed"
    for entry, was in record["sources"].items():
        if was == ABSENT:
            yield f"it was made without {entry}"
        elif was != _source_digest(entry):
            yield f"its source {entry} has changed"
    yield from _changes_of_code(here, record)


def _changes_of_code(here: Page, record: dict[str, Any]) -> Iterator[str]:
    for file, was in record["code"].items():
        if was != _code_digest(here, file):
            yield f"zsnas/{file} has changed"
    if record["proxies"] not in (None, _registered_proxies(here)):
        yield "what the proxies are registered as has changed"
    package = _package(here)
    for name, led_to in record["names"].items():
        place = package.place(name)
        if place is None or place.reference != led_to:
            yield f"{name.replace(':', '.')} is something else now"


def _changes_of_text(here: Page) -> Iterator[str]:
    written = here.read_executed()
    notebook = deepcopy(written)
    restore(notebook)
    try:
        if export(notebook, here.name, References(here.project)) != written:
            yield OUTDATED_TEXT
    except ValueError as unknown:  # a label that the book no longer has
        yield str(unknown)


def _oversize(name: str) -> Iterator[str]:
    executed = page(name).executed
    size = executed.stat().st_size if executed.exists() else 0
    if size > LARGEST_PAGE:
        yield f"it has {size / 1e6:.1f} MB, more than 1 MB; rasterise the points of its largest figure"


def source_digest(here: Page) -> str:
    """Return the hash of a notebook's source."""
    return _digest(here.source.read_bytes() + (here.part.read_bytes() if here.part else b""))


def _file_digest(here: Page, path: str) -> str:
    """Return the hash of a file, of the names in a folder, or of what an executed page says."""
    full = here.project / path
    if full.suffix == ".ipynb" and full.exists():
        return _digest(_said(full).encode())
    if full.is_dir():
        return _digest("\n".join(sorted(entry.name for entry in full.iterdir())).encode())
    return _digest(full.read_bytes()) if full.exists() else ABSENT


def _said(executed: Path) -> str:
    """Return the words and tables of an executed page; what quotes it does not rest on its pictures."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    words = [[data[kind] for kind in sorted(data) if kind.startswith("text/")] for data in shown]
    return json.dumps([said for said in words if said])


def _source_digest(entry: str) -> str:
    from zsnas import sources

    return sources.source(entry).sha256 if entry in sources.list_sources() else ABSENT


def _absence(entry: str) -> str:
    from zsnas import sources

    try:
        sources.fetch(entry)
    except (sources.SourceUnavailable, ValueError) as reason:
        return str(reason)
    return ""


def _code_digest(here: Page, file: str) -> str:
    path = here.project / "zsnas" / file
    return digest(path.read_text(encoding="utf-8")) if path.exists() else ABSENT


def _registered_proxies(here: Page) -> str:
    """Return the hash of what the files of proxies register: names, labels, kinds, and the like.

    A page that asks the register for a label rests on this, but not on how the scores are computed.
    """
    files = sorted((here.project / "zsnas" / "proxies").glob("*.py"))
    return hashed(*(call for file in files for call in _registrations(file.read_text(encoding="utf-8"))))


@cache
def _registrations(text: str) -> list[ast.AST]:
    return [
        part
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and "register" in call.func.id
        for part in (ast.Name(node.name), call)
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _package(here: Page) -> Package:
    return Package(here.project / "zsnas")

"""What an executed notebook was made from, and whether that has changed since.

A page is stale when its source, one of its inputs, or a module that it computes with has changed: those that
turn tables into numbers, pictures and words. Spaces, proxies and sweeps do not count, because a page sees
them only through the score tables, which are inputs. Versions are recorded and make nothing stale.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ._pages import Page, list_notebooks, page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARED = ("counting", "statistics", "verdicts", "figures", "tables")
"""Modules that every page computes with."""

OF_SOME = (
    *("families_drawing", "families_pairs", "families_verdicts"),
    *("audit", "audit_drawing", "cost", "cost_drawing", "evaluate", "plane", "plane_drawing"),
    *("pareto", "pareto_drawing", "pareto_explorer", "pareto_explorer.js"),
    *("pareto_tables", "pareto_verdicts", "processor_drawing"),
)
"""Modules that a page computes with if it names them."""

RECORDED_VERSIONS = ("zsnas", "torch", "numpy", "pandas", "scipy", "matplotlib")
LARGEST_PAGE = 1_000_000  # bytes


class StaleNotebooks(RuntimeError):
    """Executed pages that no longer follow from their sources and inputs."""


def provenance(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what an execution of a notebook with `parameters` is made from: hashes, values and versions."""
    here = page(name)
    return {
        "source": _digest(here.source),
        "parameters": parameters,
        "inputs": {declared: _input_digest(here, declared) for declared in inputs(here)},
        "modules": _modules(here),
        "versions": {package: metadata.version(package) for package in RECORDED_VERSIONS},
    }


def inputs(here: Page) -> list[str]:
    """Return the inputs in the header of a notebook's source (``zsnas: {inputs: […]}``).

    An input is a file below ``data/``, such as ``scores/nb201/cifar100.parquet``, or the name of a source.
    """
    declared = here.read().metadata.get("zsnas", {}).get("inputs", [])
    if not (isinstance(declared, list) and all(isinstance(entry, str) for entry in declared)):
        raise ValueError(
            f"the header of {here.source} needs 'inputs' to be a list of names, not {declared!r}"
        )
    return declared


def missing(name: str) -> list[str]:
    """Return, in words, the inputs of a notebook that this machine does not have and cannot fetch."""
    here = page(name)
    return [reason for declared in inputs(here) if (reason := _absence(here, declared))]


def stale(name: str) -> list[str]:
    """Return, in words, why the executed page of a notebook has to be made again; empty when it need not."""
    here = page(name)
    if not here.executed.exists():
        return ["it has never been executed"]
    record = json.loads(here.executed.read_text(encoding="utf-8"))["metadata"].get("zsnas")
    if record is None:
        return ["it does not say what it was made from"]
    return list(_changes(here, record))


def check() -> None:
    """Check that every page follows from its source and inputs, and that it is small.

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
    if record["source"] != _digest(here.source):
        yield f"its source notebooks/{here.source.name} has changed"
    declared = inputs(here)
    for gone in sorted(set(record["inputs"]) - set(declared)):
        yield f"it was made from {gone}, which is no longer an input"
    for entry in declared:
        if entry not in record["inputs"]:
            yield f"its input {entry} is new"
        elif record["inputs"][entry] != _input_digest(here, entry):
            yield f"its input {entry} has changed"
    for file, digest in _modules(here).items():
        if record["modules"].get(file) != digest:
            yield f"zsnas/{file} has changed"


def _oversize(name: str) -> Iterator[str]:
    executed = page(name).executed
    size = executed.stat().st_size if executed.exists() else 0
    if size > LARGEST_PAGE:
        yield f"it has {size / 1e6:.1f} MB, more than 1 MB; rasterise the points of its largest figure"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _modules(here: Page) -> dict[str, str]:
    """Return the digest of every file that a page computes with, by its path below the package."""
    words = set(re.findall(r"\w+", here.source.read_text(encoding="utf-8")))
    modules = [*SHARED, *(module for module in OF_SOME if module.removesuffix(".js") in words)]
    package = here.project / "zsnas"
    files = [file for module in modules for file in _files(package, module)]
    return {file.relative_to(package).as_posix(): _digest(file) for file in files}


def _files(package: Path, module: str) -> list[Path]:
    """Return the file of a module, or those of a package, sorted."""
    file = package / (module if module.endswith(".js") else f"{module}.py")
    return [file] if file.exists() else sorted((package / module).glob("*.py"))


def _is_file(declared: str) -> bool:
    return declared.endswith((".parquet", ".csv", ".json", ".toml"))


def _input_digest(here: Page, declared: str) -> str:
    if _is_file(declared):
        path = here.project / "data" / declared
        return _digest(path) if path.exists() else "missing"
    from zsnas import sources

    return sources.source(declared).sha256


def _absence(here: Page, declared: str) -> str:
    if _is_file(declared):
        return "" if (here.project / "data" / declared).exists() else f"data/{declared} does not exist"
    from zsnas import sources

    try:
        sources.fetch(declared)
    except sources.SourceUnavailable as reason:
        return str(reason)
    return ""

"""In the kernel of a page: note which functions of the package run and which files are asked for.

IPython loads this module as an extension before the first cell. From then on a module of the package is
compiled with one more line in every function, which notes that the function ran. A trace function of Python
would see as much but slows all code of all libraries several times; the extra line costs some tens of
nanoseconds a call, in this package alone. What runs while a module is imported, such as the registration of
the proxies, does not count: it happens whether the page needs the module or not.

Files are seen by audit hooks, which Python calls whenever it opens one. Two events are the package's own:
``zsnas.fetch`` with the name of a source and whether it was had, and ``zsnas.looks_for`` with a path.

Processes that a page starts are not watched. Only pages with other than their default parameters start some.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

    from IPython.core.interactiveshell import InteractiveShell

RECORD = "ZSNAS_RECORD"
"""The environment variable that says where the record goes."""

PACKAGE = Path(__file__).resolve().parents[2]
_NOTE = "__zsnas_ran__"
_Node = TypeVar("_Node", bound=ast.AST)
_WRITING = os.O_WRONLY | os.O_RDWR


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Start recording; the record is written again after every cell."""
    recorder = Recorder([PACKAGE.parent, Path.cwd().parent])
    sys.meta_path.insert(0, recorder)
    sys.addaudithook(recorder.hear)
    shell.events.register("post_run_cell", lambda _: recorder.write(Path(os.environ[RECORD])))


@dataclass
class Recorder(importlib.abc.MetaPathFinder):
    """What a page did so far.

    Attributes
    ----------
    roots
        Folders whose files count, each a project or a part of one.
    ran
        Module and line of every function that ran, the module by its path below the package.
    texts
        SHA-256 of the modules as they were imported.
    opened
        Files and folders below a root that were asked for, by their path below it.
    sources
        Third-party files that were asked for, and whether they were had.
    """

    roots: Sequence[Path]
    ran: set[tuple[str, int]] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    sources: dict[str, bool] = field(default_factory=dict)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module of the package as Python does, and have it compiled by this recorder.

        Parameters
        ----------
        fullname
            Name of the module.
        path, target
            As the import system gives them; what Python's own finder makes of them.
        """
        if not fullname.startswith(f"{PACKAGE.name}."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self)
        return spec

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and not (flags or 0) & _WRITING:
                self._ask_for(os.fsdecode(path))
        elif event == "zsnas.fetch":
            name, had = arguments
            self.sources[name] = had
        elif event in ("os.listdir", "os.scandir") and isinstance(arguments[0], str):
            self._ask_for(arguments[0], "/")
        elif event in ("zsnas.looks_for", "sqlite3.connect"):
            self._ask_for(os.fsdecode(arguments[0]))

    def _ask_for(self, path: str, suffix: str = "") -> None:
        full = os.path.abspath(path)  # noqa: PTH100 - a link keeps its own name
        for root in map(str, self.roots):
            if full.startswith(root + os.sep):
                below = full[len(root) + 1 :].replace(os.sep, "/") + suffix
                if _counts(below):
                    self.opened.add(below)
                return

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        files = {file for file, _ in self.ran}
        record = {
            "ran": {file: sorted(line for where, line in self.ran if where == file) for file in files},
            "texts": {file: self.texts[file] for file in files},
            "opened": sorted(self.opened),
            "sources": self.sources,
        }
        path.write_text(json.dumps(record), encoding="utf-8")


def _counts(below: str) -> bool:
    """Tell whether a page rests on the content of a file; code counts when it runs instead."""
    if below.startswith("zsnas/"):
        return not (below.endswith("/") or "__pycache__" in below or Path(below).suffix.startswith(".py"))
    if below.startswith("notebooks/"):
        return below.endswith(".ipynb")  # a page that quotes what another one found
    # Each source and each file counts by its own hash, and not with all the others in their list.
    return below.startswith("data/") and below not in ("data/sources.toml", "data/SHA256SUMS")


class _Loader(importlib.machinery.SourceFileLoader):
    """Compile a module with a note in every function."""

    def __init__(self, fullname: str, path: str, recorder: Recorder) -> None:
        super().__init__(fullname, path)
        self.recorder = recorder
        below = "/".join(fullname.split(".")[1:])
        self.file = f"{below}/__init__.py" if path.endswith("__init__.py") else f"{below}.py"

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - Python's importing passes it
        """Return the module's code; it is never cached, because it is not the plain one."""
        text = self.get_data(self.path)
        self.recorder.texts[self.file] = hashlib.sha256(text).hexdigest()
        code: CodeType = compile(
            _Noting(self.file).visit(ast.parse(text)), self.path, "exec", dont_inherit=True
        )
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, and forget what ran meanwhile."""
        before = set(self.recorder.ran)
        vars(module)[_NOTE] = self.recorder.ran.add
        super().exec_module(module)
        self.recorder.ran.intersection_update(before)


class _Noting(ast.NodeTransformer):
    """Let every function of a module note that it runs."""

    def __init__(self, file: str) -> None:
        self.file = file

    def _note(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> ast.Call:
        place: Any = (self.file, node.lineno)
        return ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(place)], [])

    def _in_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        first = 0 if ast.get_docstring(node, clean=False) is None else 1
        node.body.insert(first, _placed(ast.Expr(self._note(node)), node.body[0]))
        return node

    visit_FunctionDef = _in_function  # noqa: N815 - the names that ast looks for
    visit_AsyncFunctionDef = _in_function  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Let a lambda note that it runs; the note is None."""
        self.generic_visit(node)
        node.body = _placed(ast.BoolOp(ast.Or(), [self._note(node), node.body]), node.body)
        return node


def _placed(new: _Node, old: ast.AST) -> _Node:
    return ast.fix_missing_locations(ast.copy_location(new, old))

"""From the functions that ran to the modules that a page rests on.

A module counts when one of its functions ran. It also counts when code that ran uses something of it that is
no function: a constant, or a class, of which fields and bases may be all that is used. A constant is followed
to what it was made from. A register, a table annotated as one of ``Callable``, is not: it only leads to
functions, and these count when they run.

A room such as ``zsnas.statistics`` hands on names of its modules. Where its names lead is kept name by name,
so that a page is stale when one of them leads elsewhere, and not when a room has one more.

What is looked up by a text, as with ``getattr`` or ``importlib``, cannot be followed; it counts when it runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = "__main__"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Reach(NamedTuple):
    """What a page rests on: modules, by their path below the package, and where names of rooms lead."""

    files: list[str]
    names: dict[str, str]


@dataclass(frozen=True, eq=False)
class Module:
    """What the names of a module are bound to: by its own statements, or by importing from elsewhere."""

    name: str
    file: str
    room: str
    tree: ast.Module
    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)

    @classmethod
    @cache
    def parsed(cls, name: str, file: str, room: str, text: str) -> Module:
        """Return the module that has this text, in a room of the package."""
        module = cls(name, file, room, ast.parse(text))
        module.imports.update(_imports(_at_import(module.tree.body), room))
        for statement in _at_import(module.tree.body):
            for bound in _binds(statement):
                module.bound.setdefault(bound, []).append(statement)
        return module


class Place(NamedTuple):
    """Where a name leads: a module of the package, and a name that its own statements bind."""

    module: Module
    name: str

    @property
    def reference(self) -> str:
        """The place in one word, such as ``zsnas.statistics._correlations:correlations``."""
        return f"{self.module.name}:{self.name}"


@dataclass(frozen=True)
class Package:
    """The modules of a package, in a folder of its name. They are read, never imported."""

    folder: Path
    _modules: dict[str, Module | None] = field(default_factory=dict, repr=False)

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None when there is none."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        top, *parts = name.split(".")
        path = self.folder.joinpath(*parts)
        is_room = (path / "__init__.py").is_file()
        path = path / "__init__.py" if is_room else path.with_suffix(".py")
        if top != self.folder.name or not path.is_file():
            return None
        # The names that a room loads late are in its stub.
        texts = [
            file.read_text(encoding="utf-8") for file in (path, path.with_suffix(".pyi")) if file.is_file()
        ]
        room = name if is_room else name.rpartition(".")[0]
        return Module.parsed(name, path.relative_to(self.folder).as_posix(), room, "\n".join(texts))

    def place(self, reference: str) -> Place | None:
        """Return where a reference leads, such as ``zsnas:statistics.correlations``.

        None when it is outside the package, or a module.
        """
        name, _, attributes = reference.partition(":")
        module = self.module(name)
        first, *rest = attributes.split(".")
        if module is None or not first:
            return None
        if first in module.bound:
            return Place(module, first)
        submodule = f"{module.name}.{first}"
        target = module.imports.get(first, submodule)
        if target in (submodule, f"{module.name}:{first}"):
            return self.place(f"{submodule}:{'.'.join(rest)}")
        return self.place(_attribute(target, rest))

    def reach(self, ran: Mapping[str, Iterable[int]], code: str) -> Reach:
        """Return what a page rests on.

        Parameters
        ----------
        ran : mapping
            The lines of the functions that ran, by the path of their module below the package.
        code : str
            The page's own.
        """
        search = _Search(self)
        page = Module.parsed(PAGE, "", "", code)
        for statement in page.tree.body:
            search.use(page, statement)
        for file, lines in ran.items():
            search.files.add(file)
            if module := self.module(_dotted(self.folder.name, file)):
                search.functions(module, set(lines))
        search.follow()
        return Reach(sorted(search.files), dict(sorted(search.names.items())))


class _Search:
    """Code whose names are to be followed, and what was found by following."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.files: set[str] = set()
        self.names: dict[str, str] = {}
        self._todo: list[tuple[Module, ast.AST, bool]] = []
        self._seen: set[tuple[ast.AST, bool]] = set()

    def use(self, module: Module, code: ast.AST, *, at_import: bool = False) -> None:
        """Follow the names of some code, which runs when it is called or when its module is imported."""
        if (code, at_import) not in self._seen:
            self._seen.add((code, at_import))
            self._todo.append((module, code, at_import))

    def functions(self, module: Module, lines: set[int]) -> None:
        """Follow the functions of a module that begin in these lines, and the classes that they are in."""
        for node in ast.walk(module.tree):
            if isinstance(node, FUNCTIONS) and node.lineno in lines:
                self.use(module, node)
            elif isinstance(node, ast.ClassDef) and lines & {*range(node.lineno, (node.end_lineno or 0) + 1)}:
                self._head(module, node)

    def follow(self) -> None:
        """Follow names until there are no new ones."""
        while self._todo:
            module, code, at_import = self._todo.pop()
            for chain, is_called in _used(code):
                reference = _reference(module, code, chain)
                place = self.package.place(reference)
                if place is not None:
                    if not _is_within(reference, place.reference):
                        self.names[reference] = place.reference
                    self._reached(place, at_import=at_import, is_called=is_called)

    def _reached(self, place: Place, *, at_import: bool, is_called: bool) -> None:
        module = place.module
        for statement in module.bound[place.name]:
            if isinstance(statement, FUNCTIONS):
                # One that ran has been noted, unless it ran while its module was imported.
                if at_import and is_called:
                    self.files.add(module.file)
                    self.use(module, statement, at_import=True)
            elif isinstance(statement, ast.ClassDef):
                if is_called or not at_import:
                    self.files.add(module.file)
                    self._head(module, statement)
            elif not _is_register(statement):
                self.files.add(module.file)
                self.use(module, statement, at_import=True)

    def _head(self, module: Module, node: ast.ClassDef) -> None:
        """Follow all of a class but its methods."""
        for code in (*node.bases, *node.keywords, *node.decorator_list):
            self.use(module, code)
        for statement in node.body:
            if not isinstance(statement, FUNCTIONS):
                self.use(module, statement, at_import=True)


def _used(code: ast.AST) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the names that code reads, with their attributes, and whether it calls them."""
    todo = [(code, False)]
    while todo:
        node, is_called = todo.pop()
        if chain := _chain(node):
            yield chain, is_called
            continue
        for name, content in ast.iter_fields(node):
            if name not in ("annotation", "returns"):
                children = content if isinstance(content, list) else [content]
                todo += [(child, name == "func") for child in children if isinstance(child, ast.AST)]


def _chain(node: ast.AST) -> tuple[str, ...]:
    """Return a name with its attributes, such as ``("figures", "svg")``; empty for all other code."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return (name,)
        case ast.Attribute(value=value, attr=attribute) if chain := _chain(value):
            return (*chain, attribute)
    return ()


def _reference(module: Module, code: ast.AST, chain: tuple[str, ...]) -> str:
    """Return what a name in some code of a module refers to; empty for a variable of the code's own."""
    first, *rest = chain
    imports, variables = _own(code, module.room)
    if first in variables and first not in imports:
        return ""
    return _attribute((module.imports | imports).get(first, f"{module.name}:{first}"), rest)


def _is_within(reference: str, place: str) -> bool:
    """Tell whether a reference says itself where it leads."""
    return f"{reference}.".replace(":", ".").startswith(f"{place}.".replace(":", "."))


def _attribute(reference: str, attributes: Iterable[str]) -> str:
    """Return a reference to an attribute of what a reference, or the name of a module, stands for."""
    name, _, before = reference.partition(":")
    return f"{name}:{'.'.join([*filter(None, [before]), *attributes])}"


@cache
def _own(code: ast.AST, room: str) -> tuple[dict[str, str], set[str]]:
    """Return what code imports by itself, and the variables that it sets."""
    nodes = list(ast.walk(code))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return dict(_imports(nodes, room)), stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _imports(nodes: Iterable[ast.AST], room: str) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported, and the module or the reference that it stands for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            above = room.split(".")[: room.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((alias.asname or alias.name, f"{base}:{alias.name}") for alias in node.names)


def _at_import(statements: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, also those under ``if`` and the like."""
    for statement in statements:
        if isinstance(statement, ast.stmt):
            yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.ExceptHandler):
            yield from _at_import(ast.iter_child_nodes(statement))


def _binds(statement: ast.stmt) -> set[str]:
    """Return the names that a statement itself gives something to."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.AnnAssign(value=None):
            return set()
        case ast.Assign(targets=targets):
            return _names(targets)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            return _names([target])
    return set()


def _names(targets: Iterable[ast.AST]) -> set[str]:
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_register(statement: ast.stmt) -> bool:
    """Tell whether a statement makes a table of functions, from its annotation."""
    if not isinstance(statement, ast.AnnAssign):
        return False
    names = {node.id for node in ast.walk(statement.annotation) if isinstance(node, ast.Name)}
    return bool(names & {"Callable", "type"})


def _dotted(package: str, file: str) -> str:
    parts = [package, *Path(file).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

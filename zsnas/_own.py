"""What users bring along: the names under which it is found, and the files that it is in."""

from __future__ import annotations

import inspect
import re
import sys
import time
import traceback
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from zsnas._files import as_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)*", re.ASCII)
"""Names become those of files, and wildcards choose among them."""


@dataclass(frozen=True)
class Added(Generic[T]):
    """Something that was registered from outside this package.

    Attributes
    ----------
    thing
    module
        Name of the module that registered it; ``"__main__"`` in a script and in a notebook.
    edition
        Differs where the module does: the text of its file, or without one when it was registered.
    """

    thing: T
    module: str
    edition: str


class Register(Generic[T]):
    """Spaces, batches or benchmarks from outside this package, by name.

    Parameters
    ----------
    kind
        What they are, in the singular, for errors.
    of_the_package
        Returns the names that are taken.
    """

    def __init__(self, kind: str, of_the_package: Callable[[], Iterable[str]]) -> None:
        self.kind = kind
        self.of_the_package = of_the_package
        self.added: dict[str, Added[T]] = {}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.added

    def __getitem__(self, name: str) -> T:
        return self.added[name].thing

    def __iter__(self) -> Iterator[str]:
        return iter(self.added)

    def add(self, name: str, thing: T) -> None:
        """Keep a thing for the module that called the caller; the same module may replace it.

        Raises
        ------
        ValueError
            When the name is none, or taken by this package or by another module.
        """
        self._check(name)
        module = _registering_module()
        owner = self.added[name].module if name in self.added else module
        if name in self.of_the_package() or owner != module:
            whose = f"the module {owner!r}" if owner != module else "zsnas"
            raise ValueError(
                f"a {self.kind} named {name!r} is registered by {whose}; give yours another name"
            )
        self.added[name] = Added(thing, module, _edition(module))

    def _check(self, name: object) -> None:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ValueError(
                f"{name!r} is no name of a {self.kind}: it may have letters, digits, '-', '_' and '.', with "
                "'/' between parts, as in 'widths/noise'"
            )

    def edition(self, name: str) -> str | None:
        """Return what differs when the code of something from outside has changed; None for the package's."""
        return self.added[name].edition if name in self.added else None

    def module(self, name: str) -> str | None:
        """Return the module that registered something from outside; None for the package's."""
        return self.added[name].module if name in self.added else None


def _registering_module() -> str:
    """Return the name of the module whose line called the public function behind `Register.add`."""
    frame = inspect.currentframe()
    for _ in range(3):
        frame = frame and frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")) if frame else "__main__"


def _edition(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:  # a cell of a notebook may say anything the next time
        return f"registered at {time.time_ns()}"
    return Path(file).read_text(encoding="utf-8", errors="replace")


def can_be_imported(module: str) -> bool:
    """Tell whether a new process can import a module of this one: a script can be, a notebook cannot."""
    if module == "__main__":
        return getattr(sys.modules[module], "__file__", None) is not None
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def load(file: str | Path) -> None:
    """Import a Python file, whose registrations then count; its folder becomes one to import from.

    Parameters
    ----------
    file
        Path of the file, such as ``my_space.py``.

    Raises
    ------
    ValueError
        In one sentence: there is no such file, it stops with an error, or another module has its name.
    """
    path = as_path("the Python file", file, "my_space.py").resolve()
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"there is no Python file {str(file)!r}; give the path of one, such as my_space.py")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        module = import_module(path.stem)
    except Exception as error:
        raise ValueError(f"{place(error, path)}: {said(error)}; correct it and run again") from error
    origin = Path(str(module.__file__))
    if origin.resolve() != path:
        raise ValueError(f"{file} cannot be loaded, because {path.stem!r} is the module {origin}; rename it")


def place(error: BaseException, path: Path) -> str:
    """Name the last line of a file that took part in an error."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    return f"{path}, line {lines[-1]}" if lines and lines[-1] else str(path)


def said(error: BaseException) -> str:
    """Return the kind of an error and the first line of what it says."""
    whole = error.msg if isinstance(error, SyntaxError) else str(error)
    message = next(iter(whole.splitlines()), "")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__

"""Proxies in a file of one's own: how it is loaded, and what to say when something is wrong with it."""

from __future__ import annotations

import inspect
import math
import sys
import traceback
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from zsnas._files import as_path
from zsnas._own import place, said
from zsnas.proxies import _registry
from zsnas.proxies._registry import _REGISTER, Function, Proxy, as_number, list_proxies
from zsnas.proxies._undefined import Undefined, raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsnas.proxies._passes import Passes

_LOADED: dict[Path, tuple[str, ...]] = {}


class ProxyFileError(ValueError):
    """A file that cannot be read as proxies; the message says where, why, and what to do."""


def load_proxies(file: str | Path) -> tuple[str, ...]:
    """Register the proxies that a Python file defines, to be scored like any other.

    A proxy is a function of one argument, :class:`zsnas.proxies.Passes`, that returns one number, under the
    decorator :func:`zsnas.register`. Where it raises an error or returns something else than a finite number,
    its score is NaN, and the measurement holds the reason with the line of the file.

    The file is run as Python code. Loading it again, after a change, replaces its proxies.

    Parameters
    ----------
    file
        Path of the file; it may import modules that lie beside it.

    Returns
    -------
    tuple of str
        Names of the proxies, in the order of the file.

    Raises
    ------
    ProxyFileError
        A ValueError, in one sentence: there is no such file, it is not valid Python, it stops with an error,
        it registers nothing, a name is taken, or a function takes something else than one argument.
    """
    path = as_path("the file of proxies", file, "my_proxy.py")
    code = _compiled(path)
    list_proxies()  # so that a name of the package counts as taken
    for name in _LOADED.pop(path.resolve(), ()):
        _REGISTER.pop(name, None)
    with _undone_on_error():
        before = set(_REGISTER)
        _run(code, path)
        added = [proxy for name, proxy in _REGISTER.items() if name not in before]
        _check(added, path)
    for proxy in added:
        _REGISTER[proxy.name] = replace(proxy, function=_guarded(proxy, path))
    names = tuple(proxy.name for proxy in added)
    _LOADED[path.resolve()] = names
    return names


def _compiled(path: Path) -> CodeType:
    if not path.is_file():
        raise ProxyFileError(
            f"there is no file {str(path)!r}; give the path of a Python file with a function under "
            "@zsnas.register(…)"
        )
    try:
        return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{path}, line {error.lineno}" if error.lineno else str(path)
        raise ProxyFileError(f"{where}: {error.msg}; correct the syntax and run again") from error


@contextmanager
def _undone_on_error() -> Iterator[None]:
    before = dict(_REGISTER)
    try:
        yield
    except BaseException:
        _REGISTER.clear()
        _REGISTER.update(before)
        raise


def _run(code: CodeType, path: Path) -> None:
    """Run the file as a module that can import its neighbours."""
    module = ModuleType(f"zsnas_proxy_file_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the user's own file is what was asked for
    except (Exception, SystemExit) as error:
        raise ProxyFileError(_failure(error, path)) from error
    finally:
        sys.path.pop(0)


def _failure(error: BaseException, path: Path) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    by_registry = any(frame.filename == _registry.__file__ for frame in frames)
    if by_registry and isinstance(error, ValueError):
        return f"{place(error, path)}: {error}"
    return f"{place(error, path)}: {said(error)}; correct it and run again"


def _check(added: list[Proxy], path: Path) -> None:
    if not added:
        raise ProxyFileError(
            f"{path} registers no proxy; put @zsnas.register(label=…, higher_is_better=…, kind=…, target=…) "
            "above a function that takes passes and returns a number"
        )
    for proxy in added:
        signature = inspect.signature(proxy.function)
        try:
            signature.bind(None)
        except TypeError as error:
            raise ProxyFileError(
                f"{path}: the proxy {proxy.name!r} takes {signature}; it must take one argument, passes, "
                "which holds passes.model and passes.batch"
            ) from error


def _guarded(proxy: Proxy, path: Path) -> Function:
    """Return the proxy's function with every failure turned into a reason."""

    @wraps(proxy.function)
    def guarded(passes: Passes) -> float:
        try:
            returned: object = proxy.function(passes)
        except Undefined:
            raise
        except Exception as error:
            raise Undefined(raised(error, f" ({place(error, path)})")) from error
        value = as_number(returned)
        if math.isnan(value):
            raise Undefined(
                "it returned nan; return a number, or raise zsnas.proxies.Undefined with the reason"
            )
        return value

    return guarded

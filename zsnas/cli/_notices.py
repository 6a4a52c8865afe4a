"""What the commands note beside their results: each notice in one line, some of them once a session."""

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

LASTS = 12 * 3600
"""Seconds after which a notice is shown again, in a terminal that is still open."""


@contextmanager
def notices_in_one_line() -> Iterator[None]:
    """Show a warning on standard error as its sentence, without the line of code that raised it.

    One of a class with the attribute ``once_a_session`` is shown by the first command of a terminal session;
    a file in the cache folder remembers that.
    """
    usual = warnings.showwarning
    warnings.showwarning = _show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001 - what Python hands over
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,
    line: str | None = None,  # noqa: ARG001
) -> None:
    if not getattr(category, "once_a_session", False) or _is_new(str(message)):
        print(f"zsnas: note: {' '.join(str(message).split())}", file=file or sys.stderr)


def _is_new(notice: str) -> bool:
    """Tell whether this session has not seen a notice yet, and remember that it has."""
    from zsnas.sources import cache_folder

    session = os.getsid(0) if hasattr(os, "getsid") else os.getppid()
    seen = cache_folder() / "notices" / hashlib.sha256(f"{session} {notice}".encode()).hexdigest()[:16]
    try:
        _forget_old(seen.parent)
        if seen.exists():
            return False
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.touch()
    except OSError:  # a cache that cannot be written to
        return True
    return True


def _forget_old(folder: Path) -> None:
    for seen in folder.glob("*"):
        if time.time() - seen.stat().st_mtime > LASTS:
            seen.unlink(missing_ok=True)

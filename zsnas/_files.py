"""Where results are written: a file whose name says what is in it, in a folder that is there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def as_path(what: str, given: object, example: str) -> Path:
    """Return a path that a user gives.

    Parameters
    ----------
    what
        What is there, such as ``"the file of proxies"``, for the message.
    given
        As the user wrote it.
    example
        Of a path.

    Raises
    ------
    ValueError
        In one sentence, for anything that no file can be called.
    """
    if not isinstance(given, str | Path) or not str(given) or "\0" in str(given):
        raise ValueError(f"{what} is {given!r}; it must be a path, such as {example!r}")
    return Path(given)


def checked_file(what: str, given: str | Path, *suffixes: str, makes_folder: bool = False) -> Path:
    """Return the path of a file that is going to be written.

    Parameters
    ----------
    what
        What it is to hold, such as ``"a store"``, for the message.
    given
        As the user wrote it.
    suffixes
        The endings that its format may have.
    makes_folder
        Whether the folder of the file is made when it is written.

    Raises
    ------
    ValueError
        In one sentence: the name has another ending, is that of a folder, its folder does not exist, or the
        file may not be written.
    """
    path = Path(given)
    if path.suffix.lower() not in suffixes:
        *others, last = suffixes
        valid = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{str(given)!r} does not end in {valid}, as {what} does; give a name that does")
    if path.is_dir():
        raise ValueError(f"{str(given)!r} is a folder; give {what} the name of a file")
    if not makes_folder and not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r} for {what}; make it, or choose another")
    touched = path if path.exists() else path.parent
    if touched.exists() and not os.access(touched, os.W_OK):
        raise ValueError(f"{str(given)!r} cannot be written; choose another place for {what}")
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write what takes the place of a file in one step; an error leaves the old one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as written:  # Windows makes nothing last that is open to be read only
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

"""Checksums: whether what this project computed is still what was written.

``data/SHA256SUMS`` has a line for each file of scores, latencies and searches, as ``sha256sum`` writes them
(``cd data && sha256sum --check SHA256SUMS``). Whoever publishes a file updates its line; whoever reads one
has it checked, which costs milliseconds.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zsnas._files import replacing
from zsnas.sources import DATA

NAME = "SHA256SUMS"
COVERED = ("scores/**/*.parquet", "latency/*.parquet", "latency/*.csv", "search/*.parquet", "performance.csv")
"""The files of ``data`` that have a line."""

_LOOKS = 5


class DataCorruptError(ValueError):
    """A file of this project's own data is not what was published."""


def read_checked(path: Path, data: Path | None = None) -> bytes:
    """Return the content of a file, which must be what its line says; one without a line is not checked.

    Parameters
    ----------
    path
    data
        The data folder; by default that of the project.

    Raises
    ------
    DataCorruptError
        When the content is another.
    """
    folder = data or DATA
    for _ in range(_LOOKS):
        content = path.read_bytes()
        wanted = listed(folder).get(_below(path, folder)) if _is_below(path, folder) else None
        if wanted in (None, hashlib.sha256(content).hexdigest()):
            return content
        time.sleep(0.1)  # another process may be between writing the file and its line
    raise DataCorruptError(_wrong(path, folder))


def listed(data: Path | None = None) -> dict[str, str]:
    """Return the SHA-256 of every file that has a line, by its path below the data folder.

    Parameters
    ----------
    data
        The data folder; by default that of the project.

    Raises
    ------
    DataCorruptError
        When a line is none.
    """
    path = (data or DATA) / NAME
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise DataCorruptError(f"{path} has a line that is none of sha256sum: {line!r}; {_REMEDY}")
        found[name] = digest
    return found


def update(path: Path, data: Path | None = None) -> None:
    """Write the line of a file that was just published anew; nothing for a file outside the data folder.

    Parameters
    ----------
    path
    data
        The data folder; by default that of the project.
    """
    folder = data or DATA
    if _is_below(path, folder):
        with _alone(folder):
            _write(folder, listed(folder) | {_below(path, folder): _sha256(path)})


def update_all(data: Path | None = None) -> int:
    """Write the lines of all files anew; return how many there are.

    Parameters
    ----------
    data
        The data folder; by default that of the project.
    """
    folder = data or DATA
    with _alone(folder):
        sums = {_below(path, folder): _sha256(path) for path in _covered(folder)}
        _write(folder, sums)
    return len(sums)


def verified(data: Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each file with its state, right, corrupt, absent or unlisted, and where or why.

    Parameters
    ----------
    data
        The data folder; by default that of the project.
    """
    folder = data or DATA
    sums = listed(folder)
    here = {_below(path, folder): path for path in _covered(folder)}
    for name in sorted(sums.keys() | here.keys()):
        path = folder / name
        if not path.is_file():
            yield name, "absent", f"{NAME} lists it; {_REMEDY}"
        elif name not in sums:
            yield name, "unlisted", f"{NAME} lacks it; `zsnas data checksums` adds it"
        elif _sha256(path) != sums[name]:
            yield name, "corrupt", _wrong(path, folder)
        else:
            yield name, "right", str(path)


_REMEDY = "`git checkout data` brings back what was published, or install zsnas again"


def _wrong(path: Path, data: Path) -> str:
    return (
        f"{path} is not the file that {data / NAME} lists: {_REMEDY}; if you changed it yourself, "
        "`zsnas data checksums` takes it as it is"
    )


def _covered(data: Path) -> list[Path]:
    return sorted({path for pattern in COVERED for path in data.glob(pattern)})


def _is_below(path: Path, data: Path) -> bool:
    return path.absolute().is_relative_to(data.absolute())


def _below(path: Path, data: Path) -> str:
    return path.absolute().relative_to(data.absolute()).as_posix()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Keep other processes from writing lines meanwhile."""
    folder = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(data: Path, sums: dict[str, str]) -> None:
    with replacing(data / NAME) as part:
        part.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")

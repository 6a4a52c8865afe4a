"""Bytes: where a third-party file comes from, whether it is the right one, its licence and its citation.

A file is looked for in the mirror, then in the cache, then on the network, and is used only when its SHA-256
is the one in ``data/sources.toml``. Two environment variables steer this:

``ZSNAS_DATA_MIRROR``
    A folder or a base URL that holds the files under their ``path``. Unset: the folder ``shared/data`` beside
    the repository, when there is one. Empty: no mirror. A mirror that is a URL fills the cache.
``ZSNAS_CACHE``
    The folder for downloads; unset: the user's cache folder for ``zsnas``.

A folder given as mirror is only read, never written.
"""

import fcntl
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from requests import Response

from zsnas._names import as_known, matching

_PACKAGE = Path(__file__).resolve().parent
_REPOSITORY = _PACKAGE.parent

DATA = _PACKAGE / "data" if (_PACKAGE / "data").is_dir() else _REPOSITORY / "data"
"""The project's own data folder: inside the package when installed, beside it in the repository."""

IN_REPOSITORY = DATA.parent == _REPOSITORY
"""Whether that folder is one to write into, and not part of an installed package."""

_SECONDS_WITHOUT_AN_ANSWER = 15
_SLOWEST = 1024
"""Bytes a second; a download that is slower over `_PATIENCE` seconds is given up."""
_PATIENCE = 60.0
_CHUNK = 2**16


class SourceUnavailable(OSError):
    """A file that is neither in the mirror, nor in the cache, nor on the network."""


class MirrorMissingError(OSError):
    """ZSNAS_DATA_MIRROR names a folder that does not exist, a mistake that no fallback hides."""


class SourceCorruptError(OSError):
    """A file whose SHA-256 is not the one in ``data/sources.toml``; it is not used."""


@dataclass(frozen=True)
class Source:
    """One third-party file.

    Attributes
    ----------
    name
        Short readable name, such as ``freerea/cifar100/accuracies``.
    url
        Public address; None for a file that is published nowhere under an address of its own.
    path
        Where the mirror or the cache holds the file, relative to their root.
    sha256, bytes
        What the file must hash to, and its size.
    licence, citation
        As stated by the place it comes from.
    """

    name: str
    url: str | None
    path: str
    sha256: str
    bytes: int
    licence: str
    citation: str


def list_sources(pattern: str = "*") -> list[str]:
    """Return the names of the known files that match a wildcard.

    >>> list_sources("freerea/cifar10/*")
    ['freerea/cifar10/accuracies', 'freerea/cifar10/params']
    """
    return matching(_registry(), pattern)


def source(name: str) -> Source:
    """Return what is known about a file; an unknown name is a ValueError that suggests the nearest one."""
    registry = _registry()
    return registry[as_known("source", name, registry, "zsnas.sources.list_sources()")]


def cite(name: str) -> str:
    """Return how to cite a file, with its licence and address."""
    entry = source(name)
    return f"{entry.citation}. Licence: {entry.licence}. {entry.url or 'No public address.'}"


def fetch(name: str, *, progress: bool | None = None) -> Path:
    """Return the local path of a file whose hash is right, downloading it when there is none.

    Parameters
    ----------
    name
        One of `list_sources`.
    progress
        Whether a download shows a progress bar; None: when the standard error is a terminal.

    Raises
    ------
    SourceUnavailable
        When the file is unavailable; the message holds the address and the ways to get it.
    SourceCorruptError
        When the mirror or the network gives other bytes than the registered ones. Bad bytes are not kept;
        a file in a mirror is left as it is.
    MirrorMissingError
        When ZSNAS_DATA_MIRROR names a folder that does not exist.
    """
    entry = source(name)
    sys.audit("zsnas.fetch", name, False)  # whoever records what a page rests on hears this
    path = _local(entry, progress)
    sys.audit("zsnas.fetch", name, True)
    return path


def _local(entry: Source, progress: bool | None) -> Path:
    mirrored = _in_mirror(entry)
    if mirrored is not None:
        return _checked(entry, mirrored, "correct the mirror or set ZSNAS_DATA_MIRROR to another one")
    _drop_if_corrupt(entry, _cached(entry))
    return _cached(entry) if _cached(entry).is_file() else _download(entry, progress)


def verify(name: str) -> Path:
    """Return the local path of a file after checking its hash; never downloads.

    Raises SourceUnavailable when there is no local copy, SourceCorruptError when it is not the right file.
    """
    entry = source(name)
    mirrored = _in_mirror(entry)
    if mirrored is not None:
        return _checked(entry, mirrored, "correct the mirror or set ZSNAS_DATA_MIRROR to another one")
    if _cached(entry).is_file():
        return _checked(entry, _cached(entry), f"'zsnas data fetch {name}' replaces it")
    raise SourceUnavailable(f"no local copy of {name!r}. {_ways_to_get(entry)}")


@cache
def _registry() -> dict[str, Source]:
    tables = tomllib.loads((DATA / "sources.toml").read_text(encoding="utf-8"))
    return {name: Source(name=name, **{"url": None, **table}) for name, table in tables.items()}


def _mirror() -> str | None:
    """Return the mirror's folder or base URL, or None when there is none."""
    sibling = _REPOSITORY.parent / "shared" / "data"
    given = os.environ.get("ZSNAS_DATA_MIRROR", str(sibling) if sibling.is_dir() else "").strip()
    if given and not _is_url(given) and not Path(given).is_dir():
        raise MirrorMissingError(
            f"ZSNAS_DATA_MIRROR names {given!r}, which is not a folder: "
            "correct it (a folder or a base URL) or unset it"
        )
    return given or None


def _is_url(mirror: str) -> bool:
    return mirror.startswith(("http://", "https://"))


def _in_mirror(entry: Source) -> Path | None:
    mirror = _mirror()
    if mirror is None or _is_url(mirror) or not (Path(mirror) / entry.path).is_file():
        return None
    return Path(mirror) / entry.path


def cache_folder() -> Path:
    """Return the folder that holds downloads and what is decoded from them."""
    return Path(os.environ.get("ZSNAS_CACHE") or pooch.os_cache("zsnas"))


def _cached(entry: Source) -> Path:
    return cache_folder() / _safe(entry)


def _safe(entry: Source) -> str:
    """Return the path of a file, which must not leave the folder that it is below."""
    path = Path(entry.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(
            f"the path {entry.path!r} of {entry.name!r} leaves the folder of the data; correct it in "
            f"{DATA / 'sources.toml'}"
        )
    return entry.path


def _checked(entry: Source, path: Path, remedy: str, origin: str = "") -> Path:
    """Return `path` if it holds the registered bytes, which are from `origin` or were there."""
    found = pooch.file_hash(str(path), alg="sha256")
    if found != entry.sha256:
        raise SourceCorruptError(
            f"wrong bytes for {entry.name!r} {origin or f'in {path}'}: SHA-256 is {found} "
            f"({path.stat().st_size} bytes), expected {entry.sha256} ({entry.bytes} bytes): {remedy}"
        )
    return path


def _drop_if_corrupt(entry: Source, path: Path) -> None:
    if path.is_file() and pooch.file_hash(str(path), alg="sha256") != entry.sha256:
        path.unlink()


def _addresses(entry: Source) -> list[str]:
    """Return the addresses to try in turn: a mirror that is a URL, then the public one."""
    mirror = _mirror()
    mirrored = [f"{mirror.rstrip('/')}/{entry.path}"] if mirror and _is_url(mirror) else []
    return mirrored + ([entry.url] if entry.url else [])


def _download(entry: Source, progress: bool | None) -> Path:
    failures, corrupt = [], None
    for url in _addresses(entry):
        try:
            return _download_from(url, entry, sys.stderr.isatty() if progress is None else progress)
        except SourceCorruptError as error:
            corrupt = error
            failures.append(str(error))
        except OSError as error:
            failures.append(_one_line(error, url))
    if corrupt is not None and len(failures) == 1:
        raise corrupt
    why = f" ({'; '.join(failures)})" if failures else ""
    raise SourceUnavailable(f"cannot get {entry.name!r}{why}. {_ways_to_get(entry)}")


def _download_from(url: str, entry: Source, progress: bool) -> Path:
    """Download into the cache under a temporary name and rename the file once its hash is right.

    What an interrupted download has left is completed, when the server knows ranges.
    """
    path = _cached(entry)
    part = path.with_name(f"{path.name}.part")
    with _writable():
        path.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("ab")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may be at it
        if path.is_file():
            part.unlink(missing_ok=True)
            return path
        try:
            _append(url, entry, file, progress)
            file.flush()
            remedy = "nothing was kept; try again, and if it stays so, get the file from a mirror"
            _checked(entry, part, remedy, f"from {url}")
            part.replace(path)
        except BaseException as error:
            file.flush()
            if not isinstance(error, _Interrupted | KeyboardInterrupt) or not part.stat().st_size:
                part.unlink(missing_ok=True)
            raise
    return path


class _Interrupted(OSError):
    """A download stopped before its end; what came is right as far as it goes."""


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"the cache {cache_folder()} cannot be written ({error.strerror}); set ZSNAS_CACHE to a folder "
            "that can"
        ) from error


def _append(url: str, entry: Source, file: IO[bytes], progress: bool) -> None:
    """Get what a file lacks, at most the registered bytes."""
    import requests

    pooch.get_logger().setLevel("WARNING")
    start = file.tell()
    if start >= entry.bytes:
        file.truncate(0)
        start = 0
    # A server that packs a file on its way could send without end; and its bytes are not the registered ones.
    wanted = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=wanted, stream=True, timeout=_SECONDS_WITHOUT_AN_ANSWER) as answer:
        answer.raise_for_status()
        if start and answer.status_code != requests.codes.partial_content:
            file.truncate(0)  # it sends all of it
            start = 0
        _check_kind(answer, url, entry)
        _receive(answer, url, entry, file, start, progress)


def _check_kind(answer: "Response", url: str, entry: Source) -> None:
    """Refuse the page that a portal or a proxy sends in place of a file."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind == "text/html" and not entry.path.endswith((".html", ".htm")):
        raise OSError(f"{url} answers with a web page in place of the file")


def _receive(
    answer: "Response", url: str, entry: Source, file: IO[bytes], start: int, progress: bool
) -> None:
    from tqdm import tqdm

    begun, received = time.monotonic(), 0
    with tqdm(total=entry.bytes, initial=start, unit="B", unit_scale=True, disable=not progress) as bar:
        try:
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                received += len(chunk)
                if start + received > entry.bytes:
                    raise SourceCorruptError(
                        f"wrong bytes for {entry.name!r} from {url}: there are more than the registered "
                        f"{entry.bytes}; nothing was kept"
                    )
                file.write(chunk)
                bar.update(len(chunk))
                seconds = time.monotonic() - begun
                if seconds > _PATIENCE and received < _SLOWEST * seconds:
                    raise _Interrupted(f"{urlsplit(url).netloc} sends less than {_SLOWEST} bytes a second")
        except OSError:
            raise
        except Exception as error:  # urllib3's own kinds, which are no OSErrors
            raise _Interrupted(f"{type(error).__name__}: {error}") from error
    if start + received < entry.bytes:
        raise _Interrupted(
            f"IncompleteRead: {urlsplit(url).netloc} sent {start + received} of {entry.bytes} bytes"
        )


def _one_line(error: OSError, url: str) -> str:
    """Say in one line why a download failed; where there was no connection, that is all that matters."""
    if {"ConnectionError", "Timeout"} & {kind.__name__ for kind in type(error).__mro__}:  # of requests, too
        return f"no connection to {urlsplit(url).netloc}"
    return " ".join(str(error).split())


def _ways_to_get(entry: Source) -> str:
    mirror = f"set ZSNAS_DATA_MIRROR to a folder or base URL that holds {entry.path}"
    if entry.url is None:
        return (
            f"It has no public address: {mirror}, "
            "or go on without it (a batch falls back on photographs that ship with scikit-image)"
        )
    download = f"'zsnas data fetch {entry.name}' downloads {entry.url}"
    return f"Two ways to get it: once there is a connection, {download}, or {mirror}"

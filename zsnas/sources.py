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

import os
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]

from zsnas._names import matching, unknown

_PACKAGE = Path(__file__).resolve().parent
_REPOSITORY = _PACKAGE.parent

DATA = _PACKAGE / "data" if (_PACKAGE / "data").is_dir() else _REPOSITORY / "data"
"""The project's own data folder: inside the package when installed, beside it in the repository."""

IN_REPOSITORY = DATA.parent == _REPOSITORY
"""Whether that folder is one to write into, and not part of an installed package."""

_SECONDS_WITHOUT_AN_ANSWER = 15


class SourceUnavailable(OSError):
    """A file that is neither in the mirror, nor in the cache, nor to be had from the network."""


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
    if name not in registry:
        raise unknown("source", name, registry, "zsnas.sources.list_sources()")
    return registry[name]


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
        When the file cannot be had; the message holds the address and the ways to get it.
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
    return cache_folder() / entry.path


def _checked(entry: Source, path: Path, remedy: str) -> Path:
    """Return `path` if it holds the registered bytes."""
    found = pooch.file_hash(str(path), alg="sha256")
    if found != entry.sha256:
        raise SourceCorruptError(
            f"wrong bytes for {entry.name!r} in {path}: SHA-256 is {found} ({path.stat().st_size} bytes), "
            f"expected {entry.sha256} ({entry.bytes} bytes): {remedy}"
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
    failures = []
    for url in _addresses(entry):
        try:
            return _download_from(url, entry, sys.stderr.isatty() if progress is None else progress)
        except SourceCorruptError:
            raise
        except OSError as error:
            failures.append(_one_line(error, url))
    why = f" ({'; '.join(failures)})" if failures else ""
    raise SourceUnavailable(f"cannot get {entry.name!r}{why}. {_ways_to_get(entry)}")


def _download_from(url: str, entry: Source, progress: bool) -> Path:
    """Download into the cache under a temporary name and rename the file once its hash is right."""
    pooch.get_logger().setLevel("WARNING")
    keeper = pooch.create(
        path=cache_folder(),
        base_url="",
        registry={entry.path: f"sha256:{entry.sha256}"},
        urls={entry.path: url},
    )
    return Path(keeper.fetch(entry.path, downloader=_downloader(entry, progress)))


def _downloader(entry: Source, progress: bool) -> Callable[[str, str, object], None]:
    download = pooch.HTTPDownloader(progressbar=progress, timeout=_SECONDS_WITHOUT_AN_ANSWER)

    def download_and_check(url: str, output: str, keeper: object) -> None:
        download(url, output, keeper)
        found = pooch.file_hash(output, alg="sha256")
        if found != entry.sha256:
            raise SourceCorruptError(
                f"wrong bytes for {entry.name!r} from {url}: SHA-256 is {found} "
                f"({Path(output).stat().st_size} bytes), expected {entry.sha256} ({entry.bytes} bytes); "
                "nothing was kept: try again, and if it stays so, get the file from a mirror"
            )

    return download_and_check


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

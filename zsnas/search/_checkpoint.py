"""Checkpoints: every score of a search in a file that survives being killed.

The first line of the file holds the settings of the search, every other one an architecture with its
scores, as JSON, and behind a tab the CRC-32 of the line. The algorithms are deterministic, so that a search
goes on by running again from its start with these scores at hand: it makes the same decisions, and computes
what is missing.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict

from zsnas._files import checked_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Scored(TypedDict):
    """The scores of an architecture, why some are NaN, and the seconds that they took."""

    arch: str
    scores: dict[str, float]
    reasons: dict[str, str]
    seconds: float


class CheckpointError(ValueError):
    """A file is no checkpoint, or that of another search, or another search is writing to it."""


class Checkpoint:
    """The scores that a search has computed, by architecture; without a path they are kept in memory only.

    Parameters
    ----------
    path : Path or None
        Created, with its folder, when it does not exist.
    settings : mapping
        Everything that decides what the scores are; JSON values.

    Raises
    ------
    CheckpointError
        When the file has other settings, with both values of each that differs, is none, or is in use.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        self.path, self.scored = path, dict[str, Scored]()
        self._file = None
        if path is not None:
            checked_file("the checkpoint of a search", path, ".jsonl", makes_folder=True)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("a+", encoding="utf-8")
            except OSError as error:
                raise CheckpointError(f"{path} cannot be written ({error.strerror}); name another") from error
            try:
                self._read(path, dict(settings))
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, found: Scored) -> None:
        """Keep the scores of an architecture; they are on the disk when this returns."""
        self.scored[found["arch"]] = found
        self._write(found)

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._file:
            self._file.write(_line(entry))
            self._file.flush()
            os.fsync(self._file.fileno())

    def _read(self, path: Path, settings: dict[str, Any]) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"another search is writing to {path}; wait until it ends, or name another checkpoint"
            ) from None
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1  # a search that is killed leaves half a line
        try:
            entries = _entries(content[:whole])
            _check(path, entries, content, settings)
            self.scored = {entry["arch"]: entry for entry in entries[1:]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"{path} is no checkpoint of a search ({error}); name another") from error
        self._file.truncate(whole)
        if not entries:
            self._write(settings)


def _line(entry: Mapping[str, Any]) -> str:
    text = json.dumps(entry)
    return f"{text}\t{zlib.crc32(text.encode()):08x}\n"


def _entries(content: bytes) -> list[Any]:
    entries = []
    for number, line in enumerate(content.splitlines(), 1):
        text, _, digest = line.partition(b"\t")
        if digest != f"{zlib.crc32(text):08x}".encode():
            raise ValueError(f"line {number} does not match its checksum")
        entries.append(json.loads(text))
    return entries


def _check(path: Path, entries: list[Any], content: bytes, settings: dict[str, Any]) -> None:
    if not entries:
        # The first line of a search that was killed at once is the start of its settings.
        if not _line(settings).encode().startswith(content):
            raise CheckpointError(f"{path} is no checkpoint of a search; name another")
        return
    before = entries[0]
    wanted = json.loads(json.dumps(settings))
    differing = [name for name in wanted if before.get(name) != wanted[name]]
    if differing:
        words = ", ".join(f"{name} {before.get(name)!r} and not {wanted[name]!r}" for name in differing)
        raise CheckpointError(
            f"{path} is the checkpoint of another search, with {words}; name another checkpoint, or search "
            "with its settings"
        )

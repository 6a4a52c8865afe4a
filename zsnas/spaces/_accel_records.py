"""The records of Accel-NASBench: which networks were trained, and what was measured of each."""

from __future__ import annotations

import json
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from zsnas.spaces.accel_nasbench import STAGES, Choice, write


class Record(NamedTuple):
    """One file of upstream's archive."""

    arch: str
    content: dict[str, Any]


@lru_cache(maxsize=1)
def records(path: Path) -> tuple[Record, ...]:
    """Read upstream's archive: one record a file, in the order of the files' numbers.

    Raises
    ------
    ValueError
        When the archive is no such archive.
    """
    try:
        found = _records(path)
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no archive of Accel-NASBench: {error!r}; fetch it again") from error
    if not found:
        raise ValueError(f"{path} has no file result_<number>.json; fetch it again")
    return tuple(found[number] for number in sorted(found))


def _records(path: Path) -> dict[int, Record]:
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stem = Path(member.name).stem
            content = archive.extractfile(member)
            if content is not None and stem.startswith("result_"):
                record = json.load(content)
                found[int(stem.removeprefix("result_"))] = Record(_arch(record["architecture"]), record)
    return found


def _arch(choices: dict[str, Any]) -> str:
    return write(
        tuple(
            Choice(*(choices[f"block{i}_{field}"] for field in ("e", "k", "l", "se")))
            for i in range(len(STAGES))
        )
    )

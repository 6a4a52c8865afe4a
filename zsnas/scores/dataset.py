"""The published scores as a data set: every table as CSV, with its card and a list of checksums.

``nox -s dataset`` writes it to ``_build/dataset``, for a release archive.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from zsnas.scores.table import undefined
from zsnas.sources import DATA

CARD, CHECKSUMS = "README.md", "SHA256SUMS"


def write(folder: str | Path) -> list[Path]:
    """Write the card, a CSV file for each table of scores, and the checksums of all of them.

    A cell that was not computed is empty, one that is undefined is ``nan``. The column ``undefined`` names
    the proxies that are undefined in a row, with a blank between; ``reasons`` says why.

    Parameters
    ----------
    folder
        Created when there is none; files of the same names are replaced.

    Returns
    -------
    list of Path
        What was written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    source = DATA / "scores"
    written = [Path(shutil.copy(source / CARD, target / CARD))]
    for file in sorted(source.rglob("*.parquet")):
        place = target / file.relative_to(source).with_suffix(".csv")
        place.parent.mkdir(parents=True, exist_ok=True)
        csv.write_csv(_with_status(pq.read_table(file)), place)
        written.append(place)
    sums = [f"{_sha256(file)}  {file.relative_to(target).as_posix()}\n" for file in written]
    (target / CHECKSUMS).write_text("".join(sums), encoding="utf-8")
    return [*written, target / CHECKSUMS]


def _with_status(table: pa.Table) -> pa.Table:
    status = [" ".join(undefined(reasons)) or None for reasons in table.column("reasons").to_pylist()]
    return table.append_column("undefined", pa.array(status, pa.string()))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()

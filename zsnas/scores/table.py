"""The score table: how scores are published, one Parquet file a benchmark, and read back."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from zsnas.benchmarks import benchmark, list_benchmarks
from zsnas.proxies import NOT_MEASURED, NOTE, list_proxies
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError, shared_and_own
from zsnas.sources import DATA, IN_REPOSITORY
from zsnas.spaces import Space, space

PROCESSOR = "cpu"
"""The device of scores whose settings name none."""

_SEPARATOR = "; "


def scores(benchmark_name: str, batch_size: int | None = None) -> pd.DataFrame:
    """Read the published scores of a benchmark.

    Parameters
    ----------
    benchmark_name : str
        For example ``"nb201/cifar100"``.
    batch_size : int, optional
        Scores of different batch sizes do not mix; by default those of the one that most rows have.

    Returns
    -------
    DataFrame
        One row per (seed, architecture), sorted by seed and the architecture's index in its space:
        ``arch``, ``seed``, ``batch_size``; ``seconds``, the time that the row's proxies took
        together (see `publish`); one float64 column per proxy that was measured, NaN where the score
        is undefined or not measured; ``reasons``, a JSON object {proxy: why its score is undefined or could
        not be measured, or a note about it}, or null, see `undefined`.
        ``attrs`` holds ``benchmark``, ``batch_source`` and the versions (``zsnas``, ``torch``) and
        machines that the scores were made with.

    Raises
    ------
    ValueError
        When there is no such benchmark, or nothing was scored with this batch size.
    FileNotFoundError
        When the benchmark has no published scores.
    """
    path = published_path(benchmark(benchmark_name).name)
    if not path.exists():
        raise FileNotFoundError(
            f"benchmark {benchmark_name!r} has no published scores ({path} does not exist); "
            f"`zsnas sweep {benchmark_name}` computes them"
        )
    table = read(path)
    counts = table["batch_size"].value_counts()
    size = counts.idxmax() if batch_size is None else batch_size
    if size not in counts.index:
        raise ValueError(
            f"benchmark {benchmark_name!r} has no published scores for a batch of {batch_size}; "
            f"there are some for {', '.join(map(str, sorted(counts.index)))}"
        )
    chosen = table[table["batch_size"] == size].reset_index(drop=True)
    kept = {"reasons"}.union(*(undefined(reasons) for reasons in chosen["reasons"].unique()))
    return chosen.loc[:, [chosen[name].notna().any() or name in kept for name in chosen]]


def undefined(reasons: str | None) -> dict[str, str]:
    """Return why the scores of a row are undefined, by proxy, from what its ``reasons`` hold.

    Without the scores that could not be measured, for want of memory or of the network: nothing is known of
    them, as if nobody had tried. And without the notes, which stand beside a score that is a number.
    """
    found: dict[str, str] = json.loads(reasons) if isinstance(reasons, str) else {}
    return {name: reason for name, reason in found.items() if not reason.startswith((NOT_MEASURED, NOTE))}


def read(path: str | Path) -> pd.DataFrame:
    """Read a file that `publish` wrote, as `scores` does, but with the rows of every batch size."""
    table = _arrow(path)
    frame: pd.DataFrame = table.to_pandas()
    frame.attrs.update(_metadata(table.schema))
    return frame


def _arrow(path: str | Path) -> pa.Table:
    """Read a Parquet file through Python, which tells whoever records what a page opens; Arrow would not."""
    with Path(path).open("rb") as file:
        return pq.read_table(file)


def published_path(benchmark_name: str) -> Path:
    """Return where the published scores of a benchmark are, or would be."""
    path = DATA / "scores" / f"{benchmark_name}.parquet"
    sys.audit("zsnas.looks_for", str(path))  # a page rests on a table that is not there, too
    return path


def check_writable(benchmark_name: str) -> None:
    """Raise a ValueError where publishing would write into the installed package."""
    if not IN_REPOSITORY:
        raise ValueError(
            f"scores of {benchmark_name!r} are published in a clone of the repository, and this package is "
            "installed; `zsnas scores STORE --csv FILE.csv` writes them where you like"
        )


def publish(store: str | Path, benchmark_name: str, path: str | Path | None = None) -> Path:
    """Write a store's scores as the published Parquet file; the same store gives the same bytes.

    A store that is still being filled can be published: scores that are not measured are null,
    which is not the same as NaN (measured and undefined). ``seconds`` is the sum, in steps of 0.1
    ms, of the times of the row's proxies; architectures that share a network all carry the time of
    that one measurement, so the column says what scoring each architecture by itself costs, and its
    total exceeds what the sweep took.

    Parameters
    ----------
    store : path
        The SQLite file of a sweep.
    benchmark_name : str
    path : path, optional
        Where to write; by default ``data/scores/<benchmark name>.parquet``. Replaced in one step.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    FileNotFoundError
        When the store does not exist.
    StoreError
        When the store belongs to another benchmark, or when the file at `path` was made from another batch
        source or on another device, or holds rows that the store lacks.
    """
    target = published_path(benchmark_name) if path is None else Path(path)
    bench = benchmark(benchmark_name)
    table = _table(_open(store), benchmark_name, space(bench.space))
    if target.exists():
        _refuse_loss(target, table)
    _replace(target, table)
    return target


def _open(store: str | Path) -> ScoreStore:
    if not Path(store).exists():
        raise FileNotFoundError(f"there is no score store at {store}; `zsnas sweep` makes one")
    return ScoreStore(Path(store))


def _table(store: ScoreStore, benchmark_name: str, cells: Space) -> pa.Table:
    with store:
        settings, provenance, table = store.settings, store.provenance, store.scores()
    if settings.get("benchmark") != benchmark_name:
        raise StoreError(
            f"{store.path} holds scores of {settings.get('benchmark')!r}, not of {benchmark_name!r}"
        )
    rows = sorted(table, key=lambda row: (row.seed, cells.index(row.arch), row.batch_size))
    proxies = _proxies_in_order(table)
    by_proxy = [{score.proxy: score for score in table[row]} for row in rows]
    metadata = settings | {name: _SEPARATOR.join(values) for name, values in provenance.items()}
    return pa.table(
        {
            "arch": pa.array([row.arch for row in rows], pa.string()),
            "seed": pa.array([row.seed for row in rows], pa.int64()),
            "batch_size": pa.array([row.batch_size for row in rows], pa.int64()),
            "seconds": pa.array([_seconds(found) for found in by_proxy], pa.float64()),
            **{name: _column(name, by_proxy) for name in proxies},
            "reasons": pa.array([_reasons(found, proxies) for found in by_proxy], pa.string()),
        }
    ).replace_schema_metadata(dict(sorted(metadata.items())))


def _proxies_in_order(table: Mapping[Row, Sequence[StoredScore]]) -> list[str]:
    measured = {score.proxy for found in table.values() for score in found}
    registered = [name for name in list_proxies() if name in measured]
    return registered + sorted(measured.difference(registered))


def _column(proxy: str, by_proxy: Sequence[Mapping[str, StoredScore]]) -> pa.Array:
    values = [
        found[proxy].value if proxy in found and found[proxy].was_measured else None for found in by_proxy
    ]
    return pa.array(values, pa.float64())


def _seconds(found: Mapping[str, StoredScore]) -> float:
    return round(fsum(score.seconds for score in found.values()), 4)


def _reasons(found: Mapping[str, StoredScore], proxies: Sequence[str]) -> str | None:
    reasons = {name: found[name].reason for name in proxies if name in found and found[name].reason}
    return json.dumps(reasons, ensure_ascii=False) if reasons else None


def _refuse_loss(path: Path, table: pa.Table) -> None:
    old = _arrow(path)
    old_settings, settings = _metadata(old.schema), _metadata(table.schema)
    for name, unnamed in (("batch_source", None), ("device", PROCESSOR)):
        before, after = old_settings.get(name, unnamed), settings.get(name, unnamed)
        if before != after:
            raise StoreError(
                f"{path} was computed on {before!r} and the store on {after!r}; publish to another path"
            )
    lost = _measured(old) - _measured(table)
    if lost:
        raise StoreError(
            f"{path} holds {len(lost):,} scores that the store lacks, and publishing would drop them; "
            "sweep into a new store, which starts from the published file, or publish to another path"
        )


def _measured(table: pa.Table) -> set[tuple[Row, str]]:
    return {(row, name) for row, fields in _rows(table) for name in fields}


def _rows(table: pa.Table) -> Iterator[tuple[Row, dict[str, float]]]:
    """Yield each row with what was measured, by proxy."""
    for fields in table.drop_columns(["seconds", "reasons"]).to_pylist():
        row = Row(fields.pop("arch"), fields.pop("seed"), fields.pop("batch_size"))
        yield row, {name: value for name, value in fields.items() if value is not None}


def _replace(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _metadata(schema: pa.Schema) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in (schema.metadata or {}).items()}


def start_store(store: ScoreStore, benchmark_name: str, batch_source: str, device: str = PROCESSOR) -> None:
    """Give a new store its settings and the published scores of the same batch source and kind of device.

    The published file keeps only the seconds of a whole row; here its proxies share them equally.

    Parameters
    ----------
    store
        It has no settings yet.
    benchmark_name
        Whose published scores it starts from.
    batch_source
        Of the images that its scores will be measured on.
    device
        Kind of device that they will be measured on, without a number.
    """
    settings = {"benchmark": benchmark_name, "batch_source": batch_source}
    settings |= {} if device == PROCESSOR else {"device": device}
    path = published_path(benchmark_name)
    table = _arrow(path) if path.exists() else None
    metadata = {} if table is None else _metadata(table.schema)
    same_images = metadata.get("batch_source") == batch_source
    if table is None or not same_images or metadata.get("device", PROCESSOR) != device:
        store.start(settings)
        return
    provenance = [
        (name, value)
        for name, values in metadata.items()
        if name not in settings
        for value in values.split(_SEPARATOR)
    ]
    store.start(settings, provenance, _stored(table, space(benchmark(benchmark_name).space)))


def _stored(table: pa.Table, cells: Space) -> Iterator[tuple[Row, list[StoredScore]]]:
    _, own = shared_and_own(table.column_names)
    aside = zip(table["seconds"].to_pylist(), table["reasons"].to_pylist(), strict=True)
    for (row, measured), (seconds, reasons) in zip(_rows(table), aside, strict=True):
        network = cells.canonical(row.arch)
        why: dict[str, str] = json.loads(reasons or "{}")
        each = seconds / len(measured)
        yield (
            row,
            [
                StoredScore(name, row.arch if name in own else network, value, why.get(name), each)
                for name, value in measured.items()
            ],
        )


def stored(store: str | Path) -> pd.DataFrame:
    """Read the scores of a store, as `read` does those of a published file.

    Parameters
    ----------
    store : path
        The SQLite file of a sweep.

    Raises
    ------
    FileNotFoundError
        When the store does not exist.
    StoreError
        When the file is no store of a sweep.
    """
    with _open(store) as opened:
        name = opened.settings.get("benchmark", "")
    if name.partition("@")[0] not in list_benchmarks():
        raise StoreError(
            f"{store} holds scores of {name!r}, which is no benchmark known here; load the file that "
            "registers it, or, if it is of `zsnas rank`, give that command the same store again"
        )
    bench = benchmark(name)
    table = _table(_open(store), name, space(bench.space))
    frame: pd.DataFrame = table.to_pandas()
    frame.attrs.update(_metadata(table.schema))
    return frame

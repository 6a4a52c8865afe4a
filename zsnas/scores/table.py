"""The score table: how scores are published, one Parquet file a benchmark, and read back."""

import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from math import fsum
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from zsnas._files import replacing
from zsnas._names import as_known, as_name
from zsnas._numbers import as_whole
from zsnas.benchmarks import benchmark, list_benchmarks
from zsnas.checksums import DataCorruptError, read_checked, update
from zsnas.proxies import NOT_MEASURED, NOTE, list_proxies, proxy
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError, shared_and_own
from zsnas.sources import DATA, IN_REPOSITORY
from zsnas.spaces import Space, space

PROCESSOR = "cpu"
"""The device of scores whose settings name none."""

_SEPARATOR = "; "
_KEY = ["arch", "seed", "batch_size"]


def scores(benchmark_name: str, batch_size: int | None = None) -> pd.DataFrame:
    """Read the published scores of a benchmark, which needs neither its truth nor a network.

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
    trained = as_name("benchmark", benchmark_name, "zsnas.list_benchmarks()").partition("@")[0]
    as_known("benchmark", trained, list_benchmarks(), "zsnas.list_benchmarks()")
    path = published_path(benchmark_name)
    if not path.exists():
        raise FileNotFoundError(
            f"benchmark {benchmark_name!r} has no published scores ({path} does not exist); "
            f"`zsnas sweep {benchmark_name}` computes them"
        )
    table = read(path)
    counts = table["batch_size"].value_counts()
    size = counts.idxmax() if batch_size is None else as_whole("batch_size", batch_size, 1, example="64")
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
    content = read_checked(Path(path), DATA)
    try:
        return pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise DataCorruptError(f"{path} is no table of scores ({' '.join(str(error).split())})") from error


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
        Where to write; by default ``data/scores/<benchmark name>.parquet``, which has no scores of proxies
        from outside this package. Replaced in one step.

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
    cells = space(benchmark(benchmark_name).space)
    with _open(store) as opened:
        chunks = _Chunks(
            opened, benchmark_name, cells, *([_proxies_of_the_package()] if path is None else [])
        )
        if target.exists():
            _refuse_loss(target, chunks)
        _replace(target, chunks)
    update(target, DATA)
    return target


def _proxies_of_the_package() -> list[str]:
    return [name for name in list_proxies() if not proxy(name).is_foreign]


def _open(store: str | Path) -> ScoreStore:
    if not Path(store).exists():
        raise FileNotFoundError(f"there is no score store at {store}; `zsnas sweep` makes one")
    return ScoreStore(Path(store))


CHUNK = 2**18
"""Rows that are in memory at the same time, and those of a row group in the file."""


class _Chunks:
    """The table of a store, in chunks of rows, sorted by seed, place in the space and batch size.

    Proxies that are not among `kept` are left out, with a notice.
    """

    def __init__(
        self, store: ScoreStore, benchmark_name: str, cells: Space, kept: Container[str] | None = None
    ) -> None:
        settings = store.settings
        if settings.get("benchmark") != benchmark_name:
            raise StoreError(
                f"{store.path} holds scores of {settings.get('benchmark')!r}, not of {benchmark_name!r}"
            )
        self._store = store
        measured = store.proxy_names()
        if left_out := sorted(name for name in measured if kept is not None and name not in kept):
            warnings.warn(
                f"the scores of {', '.join(left_out)}, not of this package, stay in {store.path} alone",
                stacklevel=3,
            )
            measured = measured.difference(left_out)
        registered = [name for name in list_proxies() if name in measured]
        self.proxies = registered + sorted(measured.difference(registered))
        keys = np.array(
            [(number, seed, cells.index(arch), size) for number, arch, seed, size in store.rows()], np.int64
        ).reshape(-1, 4)
        self._numbers = keys[np.lexsort((keys[:, 3], keys[:, 2], keys[:, 1])), 0]
        metadata = settings | {name: _SEPARATOR.join(values) for name, values in store.provenance.items()}
        fields = [("arch", pa.string()), ("seed", pa.int64()), ("batch_size", pa.int64())]
        fields += [("seconds", pa.float64()), *((name, pa.float64()) for name in self.proxies)]
        fields += [("reasons", pa.string())]
        self.schema = pa.schema(fields, metadata=dict(sorted(metadata.items())))

    def __iter__(self) -> Iterator[pa.Table]:
        for start in range(0, len(self._numbers), CHUNK):
            yield self._chunk(self._numbers[start : start + CHUNK].tolist())

    def _chunk(self, numbers: list[int]) -> pa.Table:
        column = {name: k for k, name in enumerate(self.proxies)}
        values = np.full((len(column), len(numbers)), np.nan)
        lacks = np.isnan(values)  # at first all
        seconds: list[list[float]] = [[] for _ in numbers]
        reasons: dict[int, dict[str, str]] = {}
        rows: list[Row | None] = [None] * len(numbers)
        for place, row, score in self._store.of_rows(numbers):
            if score.proxy not in column:
                continue
            rows[place] = row
            seconds[place].append(score.seconds)
            if score.was_measured:
                values[column[score.proxy], place] = score.value
                lacks[column[score.proxy], place] = False
            if score.reason:
                reasons.setdefault(place, {})[score.proxy] = score.reason
        kept = [place for place, row in enumerate(rows) if row is not None]
        known = [row for row in rows if row is not None]
        return pa.table(
            [
                pa.array([row.arch for row in known], pa.string()),
                pa.array([row.seed for row in known], pa.int64()),
                pa.array([row.batch_size for row in known], pa.int64()),
                pa.array([round(fsum(seconds[place]), 4) for place in kept], pa.float64()),
                *(pa.array(v[kept], pa.float64(), mask=m[kept]) for v, m in zip(values, lacks, strict=True)),
                pa.array([self._reasons(reasons.get(place, {})) for place in kept], pa.string()),
            ],
            schema=self.schema,
        )

    def _reasons(self, found: Mapping[str, str]) -> str | None:
        in_order = {name: found[name] for name in self.proxies if name in found}
        return json.dumps(in_order, ensure_ascii=False) if in_order else None


def _refuse_loss(path: Path, chunks: _Chunks) -> None:
    old = _arrow(path)
    old_settings, settings = _metadata(old.schema), _metadata(chunks.schema)
    for name, unnamed in (("batch_source", None), ("device", PROCESSOR)):
        before, after = old_settings.get(name, unnamed), settings.get(name, unnamed)
        if before != after:
            raise StoreError(
                f"{path} was computed on {before!r} and the store on {after!r}; publish to another path"
            )
    kept = sum((_kept(old, chunk) for chunk in chunks), Counter[str]())
    there = Counter({name: len(old) - old[name].null_count for name in _proxies(old)})
    lost = (there - kept).total()
    if lost:
        raise StoreError(
            f"{path} holds {lost:,} scores that the store lacks, and publishing would drop them; "
            "sweep into a new store, which starts from the published file, or publish to another path"
        )


def _proxies(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name not in (*_KEY, "seconds", "reasons")]


def _kept(old: pa.Table, new: pa.Table) -> Counter[str]:
    """Count for each proxy the scores of a table that another one has, too."""
    before, after = (table.select(_KEY).to_pandas() for table in (old, new))
    after["place"] = np.arange(len(after))
    places = before.merge(after, how="left", on=_KEY)["place"].to_numpy(dtype=float)
    both = ~np.isnan(places)
    there = places[both].astype(int)
    found = Counter[str]()
    for name in set(_proxies(old)) & set(_proxies(new)):
        is_in_old = old[name].is_valid().to_numpy()[both]
        found[name] = int(np.sum(is_in_old & new[name].is_valid().to_numpy()[there]))
    return found


def _rows(table: pa.Table) -> Iterator[tuple[Row, dict[str, float]]]:
    """Yield each row with what was measured, by proxy."""
    for batch in table.drop_columns(["seconds", "reasons"]).to_batches(max_chunksize=4096):
        for fields in batch.to_pylist():
            row = Row(fields.pop("arch"), fields.pop("seed"), fields.pop("batch_size"))
            yield row, {name: value for name, value in fields.items() if value is not None}


def _replace(path: Path, chunks: _Chunks) -> None:
    with replacing(path) as part, pq.ParquetWriter(part, chunks.schema, compression="zstd") as writer:
        for chunk in chunks:
            writer.write_table(chunk)


def _metadata(schema: pa.Schema) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in (schema.metadata or {}).items()}


def start_store(
    store: ScoreStore,
    benchmark_name: str,
    batch_source: str,
    device: str = PROCESSOR,
    takes: Callable[[Mapping[str, str]], bool] | None = None,
) -> None:
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
    takes
        Whether scores that were made with these versions and on this machine may go in; by default all.
    """
    settings = {"benchmark": benchmark_name, "batch_source": batch_source}
    settings |= {} if device == PROCESSOR else {"device": device}
    path = published_path(benchmark_name)
    table = _arrow(path) if path.exists() else None
    metadata = {} if table is None else _metadata(table.schema)
    same_images = metadata.get("batch_source") == batch_source
    is_alike = same_images and metadata.get("device", PROCESSOR) == device
    if table is None or not is_alike or (takes is not None and not takes(metadata)):
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
    if not name:
        raise StoreError(f"{store} holds no scores; `zsnas sweep` makes a store of them")
    if name.partition("@")[0] not in list_benchmarks():
        raise StoreError(
            f"{store} holds scores of {name!r}, which is no benchmark known here; load the file that "
            "registers it, or, if it is of `zsnas rank`, give that command the same store again"
        )
    with _open(store) as opened:
        chunks = _Chunks(opened, name, space(benchmark(name).space))
        table = pa.concat_tables([chunks.schema.empty_table(), *chunks])
    frame: pd.DataFrame = table.to_pandas()
    frame.attrs.update(_metadata(table.schema))
    return frame

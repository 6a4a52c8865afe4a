"""What a sweep costs beside scoring: the process that deals, building, a cluster's chunks, large tables.

``python -m zsnas.book.studies.overhead`` writes ``data/scaling.csv`` in some minutes, on a machine with two
cores that does nothing else; the names of the functions that measure, such as ``chunks``, choose some. Only
``large``, on a store of a gigabyte, has to be named. Seconds are those of the processor, not of waiting, but
for the two of the speed-up.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from zsnas.batches import batch
from zsnas.benchmarks import benchmark
from zsnas.hardware.measure import machine
from zsnas.proxies import list_proxies
from zsnas.scores import table
from zsnas.scores.store import Row, ScoreStore, StoredScore, _digest
from zsnas.scores.sweep import Answer, Outcome, Task, run_task, sweep, visited
from zsnas.sources import DATA
from zsnas.spaces import space

if TYPE_CHECKING:
    from zsnas.scores.sweep import Job

TABLE = DATA / "scaling.csv"
BENCHMARK = "nb201/cifar100"
COUNTS = ("params", "flops")
TEN = (
    *("params", "flops", "grad_norm", "snip", "grasp"),
    *("synflow", "fisher", "jacob_cov", "zen_score", "logdet"),
)
LARGE = "nb101/cifar10"
LARGE_PROXIES = 42
MADE_WITH = {"torch": torch.__version__, "machine": "made up"}

Measured = Iterator[tuple[str, float, int]]
"""The name of a quantity, its value, and of how many architectures, chunks or rows it is the mean."""


class Counting(Executor):
    """Answers at once, by scoring in this process or with made-up numbers, and counts what that takes.

    Parameters
    ----------
    scores : bool
        Whether to score; what is left without is the work of the process that deals.
    """

    def __init__(self, scores: bool) -> None:
        self._scores = scores
        self.seconds = 0.0

    def submit(self, function: Callable[..., Any], task: Task, /) -> Future[Any]:  # type: ignore[override]
        """Answer a task."""
        start, future = time.process_time(), Future[Any]()
        made_up = Answer(tuple(map(_made_up, task.jobs)), 0.01 * len(task.jobs))
        future.set_result(function(task) if self._scores else made_up)
        self.seconds += time.process_time() - start
        return future


def _made_up(job: Job) -> Outcome:
    scores = [StoredScore(name, job.network, 1.5, None, 0.01) for name in job.shared]
    scores += [StoredScore(name, job.row.arch, 2.5, None, 0.01) for name in job.own]
    return Outcome(tuple(scores), "made up", MADE_WITH)


def dealing(rows: int = 2000) -> Measured:
    """Measure the seconds of the process that deals and writes, a row, by the number of proxies."""
    _seconds_of(Counting(scores=False), COUNTS, 2)  # imports, and the first of everything
    for count in (2, len(TEN), LARGE_PROXIES):
        pool, names = Counting(scores=False), list_proxies()[:count]
        yield f"dealing {count}", (_seconds_of(pool, names, rows) - pool.seconds) / rows, rows


def scoring(architectures: int = 20) -> Measured:
    """Measure what building a network takes, and building and scoring it, by counts and by ten proxies."""
    cells, images = space("nb201"), batch("cifar100", size=64, seed=0)
    archs = [cells.canonical(arch) for arch in visited(benchmark(BENCHMARK), architectures)]
    start = time.process_time()
    for arch in archs:
        cells.build_for(arch, images, 0)
    yield "building", (time.process_time() - start) / len(archs), len(archs)
    for name, proxies in (("counts", COUNTS), ("ten", TEN)):
        _seconds_of(Counting(scores=True), proxies, 2)  # imports, and the first of everything
        pool = Counting(scores=True)
        _seconds_of(pool, proxies, architectures)
        yield f"scoring {name}", pool.seconds / architectures, architectures


def _seconds_of(pool: Executor, proxies: Sequence[str], limit: int) -> float:
    start = time.process_time()
    _sweep(proxies, limit, executor=pool, workers=8)
    return time.process_time() - start


def _sweep(proxies: Sequence[str], limit: int, **how: Any) -> None:  # noqa: ANN401 - settings of a sweep
    """Sweep into a new store, without the scores that are published."""
    cells = space("nb201")
    cells.canonical(cells.architectures[0])  # which finds the classes of all, once in a process
    nothing = patch.object(table, "DATA", Path("nothing is published here"))
    with nothing, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scores.sqlite")
        sweep(BENCHMARK, proxies=proxies, limit=limit, store=path, progress=False, **how)


def speed_up(architectures: int = 60) -> Measured:
    """Measure the seconds by the clock of an architecture with ten proxies, in one process and in two.

    A short sweep is taken off, so that what it takes to start the processes is left out.
    """
    short = architectures // 3
    for workers, name in ((1, "one process"), (2, "two processes")):
        seconds = {}
        for limit in (short, architectures):
            start = time.perf_counter()
            _sweep(TEN, limit, workers=workers)
            seconds[limit] = time.perf_counter() - start
        yield name, (seconds[architectures] - seconds[short]) / (architectures - short), architectures - short


def chunks(count: int = 500) -> Measured:
    """Measure the seconds of a chunk without work: in this process, and in the scheduler of Dask."""
    from distributed import Client

    where = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "scheduler.json"))
        started = [_dask("scheduler", *where, "--scheduler-file", file)]
        started += [_dask("worker", "--scheduler-file", file, "--nworkers", "2", "--no-dashboard")]
        try:
            while not Path(file).exists():
                time.sleep(0.1)
            with Client(scheduler_file=file, set_as_default=False, timeout=60) as client:
                client.wait_for_workers(2, timeout=120)
                pool, task = client.get_executor(pure=False), Task((), {}, {}, 1)
                for future in [pool.submit(run_task, task) for _ in range(20)]:
                    future.result()
                before = time.process_time(), client.run_on_scheduler(time.process_time)
                for future in [pool.submit(run_task, task) for _ in range(count)]:
                    future.result()
                after = time.process_time(), client.run_on_scheduler(time.process_time)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(30)
    for name, start, end in zip(("chunk here", "chunk at the scheduler"), before, after, strict=True):
        yield name, (end - start) / count, count


def _dask(which: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{which}", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)  # type: ignore[call-overload,no-any-return]  # noqa: S603 - ours


def large(rows: int | None = None) -> Measured:
    """Measure the bytes of a score, and the memory that publishing and reading a large table take.

    Parameters
    ----------
    rows
        By default all cells of NAS-Bench-101.
    """
    with tempfile.TemporaryDirectory() as folder:
        store, published = Path(folder, "large.sqlite"), Path(folder, "large.parquet")
        # In a process of its own: on Linux the peak of a process begins with that of the one that starts it.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            count = pool.submit(_fill, store, rows).result()
        yield "bytes a score", store.stat().st_size / (count * LARGE_PROXIES), count
        for name, call in (
            ("publishing", f"table.publish({str(store)!r}, {LARGE!r}, {str(published)!r})"),
            ("reading", f"table.read({str(published)!r})"),
        ):
            yield f"gigabytes {name}", _peak(call), count


def _fill(path: Path, rows: int | None) -> int:
    """Write a store of made-up scores; return how many rows it has.

    All but the first row goes past `ScoreStore.add_all`, which would take an hour to write each to the disk.
    """
    archs, proxies = space("nb101").architectures[:rows], list_proxies()[:LARGE_PROXIES]
    first = [StoredScore(name, archs[0], 0.5, None, 0.01) for name in proxies]
    with ScoreStore(path) as store:
        store.start({"benchmark": LARGE, "batch_source": "made up"})
        store.add(Row(archs[0], 0, 64), first, MADE_WITH)
        [with_what] = (score.made_with for _, score in store.each() if score.proxy == proxies[0])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        texts = {text: number for number, text in database.execute("SELECT id, text FROM texts")}
        ids = [(name, texts[name]) for name in sorted(proxies, key=texts.__getitem__)]
        places = range(max(texts.values()) + 1, max(texts.values()) + len(archs))
        cells = [*zip(places, archs[1:], strict=True)]
        database.executemany("INSERT INTO texts VALUES (?, ?)", cells)
        database.executemany("INSERT INTO rows VALUES (?, ?, 0, 64, ?)", ((n, n, n) for n, _ in cells))
        values = np.random.default_rng(0).normal(size=(len(cells), len(ids))).tolist()
        database.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, NULL, 10000, ?, 1, 1, ?)",
            (
                (n, number, value, texts[with_what], digest(Row(arch, 0, 64), name, value, with_what))
                for (n, arch), line in zip(cells, values, strict=True)
                for (name, number), value in zip(ids, line, strict=True)
            ),
        )
    return len(archs)


def digest(row: Row, proxy: str, value: float, made_with: str) -> int:
    """Return the checksum of a made-up score, as the store writes it.

    Parameters
    ----------
    row, proxy, value, made_with
        As the store has them.
    """
    return _digest(row, proxy, row.arch, (value, None, 10000), made_with, True)


def _peak(call: str) -> float:
    """Return the gigabytes that a process has at most while it runs one call."""
    code = f"from zsnas.scores import table; {call}"
    process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 - ours
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{call} failed in its process (status {status})")
    return used.ru_maxrss / 1e6


def rows_of(measured: Measured) -> pd.DataFrame:
    """Return measured quantities with where, when and beside which other work they were measured."""
    about = {name: value for name, value in machine().items() if name != "threads"}
    load = os.getloadavg()[0]
    found = pd.DataFrame([*measured], columns=["what", "value", "n"])
    found["value"] = found["value"].map(lambda value: float(f"{value:.4g}"))
    return found.assign(load=round(load, 1), date=f"{datetime.now(UTC):%Y-%m-%d}", **about)


def main() -> None:
    """Measure with one thread; what is not measured again stays in the table."""
    torch.set_num_threads(1)
    asked = {function.__name__: function for function in (dealing, scoring, chunks, speed_up, large)}
    chosen = sys.argv[1:] or [name for name in asked if name != "large"]
    for name in chosen:
        new = rows_of(asked[name]())
        old = pd.read_csv(TABLE) if TABLE.exists() else new.head(0)
        kept = old[~old["what"].isin(new["what"])]
        pd.concat([kept, new]).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()

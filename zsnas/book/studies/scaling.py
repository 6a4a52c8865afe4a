"""Where a sweep on many workers is held up: a simulation on recorded times of scoring."""

from __future__ import annotations

import heapq
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from zsnas.book import tables
from zsnas.book.studies.overhead import LARGE_PROXIES, TABLE, TEN
from zsnas.book.verdicts import listed
from zsnas.scores._dealing import CHUNK, DEALT, size_of_chunk
from zsnas.scores.sweep import _LARGEST_CHUNK
from zsnas.scores.table import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORKERS = (10, 100, 1000)
SIZES = (15_625, 423_624, 10_000_000)
"""Architectures: NAS-Bench-201, NAS-Bench-101, and a space that nobody has scored."""

SIMULATED = 423_624
"""Architectures that are simulated one by one; more of them go on at the pace of the second half."""

RECORDED = {
    "16×16 images": "nats-sss/imagenet16-120",
    "32×32 images": "nats-sss/cifar100",
    "whole scenes": "transnas-micro/normal",
}
"""Where scoring one architecture with ten proxies takes less than a second, about two, and about four."""

BUSY = 0.95
"""Share of the time from which the writer or the scheduler holds up a sweep."""

QUIET = 3.0
"""Load up to which nothing but the two processes, and the one that writes, was at work."""


class Costs(NamedTuple):
    """Seconds that dealing costs: of the writer for a row and a chunk, of the scheduler for a chunk."""

    row: float
    chunk: float
    scheduler: float


class Run(NamedTuple):
    """A simulated sweep.

    Attributes
    ----------
    seconds
        From its first chunk to its last row.
    used
        Share of the workers' time in which they score.
    writer, scheduler
        Share of the time in which these are busy.
    """

    seconds: float
    used: float
    writer: float
    scheduler: float


def measured() -> pd.DataFrame:
    """Return what was measured, see `zsnas.book.studies.overhead`: ``value`` (seconds), ``n``, … by name."""
    return pd.read_csv(TABLE).set_index("what")


def costs(found: pd.DataFrame) -> Costs:
    """Return what dealing ten proxies through a scheduler costs."""
    value = found["value"]
    return Costs(value[f"dealing {len(TEN)}"], value["chunk here"], value["chunk at the scheduler"])


def recorded() -> dict[str, NDArray[np.float64]]:
    """Return the seconds that scoring an architecture took, by what it was scored on, with all seeds."""
    found = {name: scores(benchmark) for name, benchmark in RECORDED.items()}
    return {name: table.loc[table["seconds"] > 0, "seconds"].to_numpy() for name, table in found.items()}


def simulated(times: Sequence[float], workers: int, dealt: Costs, chunk: float | None = None) -> Run:
    """Simulate a sweep, chunk by chunk, with one writer and one scheduler.

    The writer takes what comes back in its order, and deals the next chunk for each. At most twice as many
    chunks as workers are in flight. A disk is as fast as the writer, which writes all that has come at once.

    Parameters
    ----------
    times
        Seconds of each architecture, in the order of the sweep.
    workers
        Each scores one architecture at a time.
    dealt
        What dealing costs.
    chunk
        Seconds of a chunk; by default as a sweep chooses them.
    """
    total, slots, mean = len(times), 2 * workers, float(np.mean(times))
    until = [0.0, *accumulate(times)]
    free, back = [0.0] * workers, list[tuple[float, int]]()
    writer = scheduler = 0.0
    given = chunks = 0

    def deal(now: float) -> None:
        nonlocal given, scheduler, chunks
        most = min(_LARGEST_CHUNK, -(-(total - given) // slots))
        size = size_of_chunk(mean, slots, most) if chunk is None else max(1, min(most, int(chunk / mean)))
        scheduler = max(scheduler, now) + dealt.scheduler
        start = max(scheduler, free[0])
        end = start + until[given + size] - until[given]
        heapq.heapreplace(free, end)
        heapq.heappush(back, (end, size))
        given, chunks = given + size, chunks + 1

    for _ in range(slots):
        if given < total:
            writer += dealt.chunk
            deal(writer)
    while back:
        end, size = heapq.heappop(back)
        writer = max(writer, end) + size * dealt.row
        if given < total:
            writer += dealt.chunk
            deal(writer)
    busy = total * dealt.row + chunks * dealt.chunk
    return Run(writer, until[-1] / (workers * writer), busy / writer, chunks * dealt.scheduler / writer)


def drawn(seconds: NDArray[np.float64], count: int, seed: int = 0) -> list[float]:
    """Draw the seconds of so many architectures from recorded ones.

    Parameters
    ----------
    seconds
        Recorded, one each.
    count
        How many to draw, with replacement.
    seed
        Of the draws.
    """
    times: list[float] = np.random.default_rng(seed).choice(seconds, count).tolist()
    return times


def runs(
    seconds: NDArray[np.float64],
    dealt: Costs,
    sizes: Sequence[int] = SIZES,
    workers: Sequence[int] = WORKERS,
    seed: int = 0,
    most: int = SIMULATED,
) -> pd.DataFrame:
    """Simulate sweeps of several sizes on several numbers of workers.

    Parameters
    ----------
    seconds
        Recorded, of which each architecture draws one.
    dealt
        What dealing costs.
    sizes
        Architectures.
    workers
        Processes that score.
    seed
        Of the draw.
    most
        Architectures that are simulated; of more, the rest goes on at the pace of the second half.

    Returns
    -------
    DataFrame
        A row for each: ``architectures``, ``workers``, and the fields of `Run`.
    """
    times, rows = drawn(seconds, min(max(sizes), most), seed), []
    for count in workers:
        for size in sizes:
            found = simulated(times[:size], count, dealt)
            if size > len(times):
                found = _longer(found, simulated(times[: len(times) // 2], count, dealt), size / len(times))
            rows.append({"architectures": size, "workers": count, **found._asdict()})
    return pd.DataFrame(rows)


def _longer(whole: Run, half: Run, factor: float) -> Run:
    """Go on at the pace of the second half until a sweep has `factor` times as many architectures."""
    seconds = whole.seconds + 2 * (factor - 1) * (whole.seconds - half.seconds)
    rate = factor * whole.seconds / seconds
    return Run(seconds, *(min(1.0, rate * share) for share in whole[1:]))


def limit(run: pd.Series[float]) -> str:
    """Say what holds a run up."""
    for name in ("writer", "scheduler"):
        if run[name] >= BUSY:
            return f"the {name}"
    return "the workers" if run["used"] >= BUSY else "the last chunks"


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Write `runs`, as text."""
    return pd.DataFrame(
        {
            "workers": [f"{count:,}" for count in found["workers"]],
            "takes": [duration(seconds) for seconds in found["seconds"]],
            "workers score (%)": [tables.number(100 * share, 0) for share in found["used"]],
            "writer is busy (%)": [tables.number(100 * share, 0) for share in found["writer"]],
            "scheduler is busy (%)": [tables.number(100 * share, 0) for share in found["scheduler"]],
            "the limit": [limit(run) for _, run in found.iterrows()],
        },
        pd.Index([f"{size:,}" for size in found["architectures"]], name="architectures"),
    )


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def answer(times: dict[str, NDArray[np.float64]], dealt: Costs) -> str:
    """Say how many workers one writer feeds."""
    fed = [f"{round_down(seconds.mean() / dealt.row):,} ({name})" for name, seconds in times.items()]
    return (
        f"One process deals and writes {1 / dealt.row:,.0f} architectures of ten scores a second. That feeds "
        f"about {listed(fed)} workers."
    )


def round_down(number: float) -> int:
    """Return a number of workers with two digits, rounded down."""
    step = int(10 ** max(0, len(str(int(number))) - 2))
    return int(number) // step * step


def why_chunks_grow(seconds: NDArray[np.float64], dealt: Costs, workers: int, size: int) -> str:
    """Say what chunks of one second would do to a sweep.

    Parameters
    ----------
    seconds, size
        As for :func:`drawn`.
    dealt
        What dealing costs.
    workers
        Each scores one architecture at a time.
    """
    times = drawn(seconds, size)
    short, own = simulated(times, workers, dealt, chunk=1.0), simulated(times, workers, dealt)
    return (
        f"With chunks of one second, {workers:,} workers would score in {100 * short.used:.0f} % of their "
        f"time and the writer would be busy in {100 * short.writer:.0f} %, the scheduler in "
        f"{100 * short.scheduler:.0f} %; with chunks that grow it is {100 * own.used:.0f} %, "
        f"{100 * own.writer:.0f} % and {100 * own.scheduler:.0f} %. So a chunk takes {CHUNK:g} s with up to "
        f"{CHUNK / DEALT / 2:.0f} workers, and longer with more."
    )


def beside_scoring(found: pd.DataFrame) -> str:
    """Say what an architecture costs beside its scores."""
    value = 1000 * found["value"]
    return (
        f"An architecture costs {value['dealing 2']:.1f} ms of dealing and storing with two scores, and "
        f"{value['dealing 10']:.1f} ms with ten, beside {value['scoring counts']:.0f} and "
        f"{value['scoring ten']:,.0f} ms that building and scoring a cell of NAS-Bench-201 take; building "
        f"alone takes {value['building']:.0f} ms. A chunk that goes through Dask costs "
        f"{value['chunk here']:.1f} ms in the process that sweeps and "
        f"{value['chunk at the scheduler']:.1f} ms in the scheduler."
    )


def two_processes(found: pd.DataFrame, seconds: NDArray[np.float64], size: int = 2000) -> str:
    """Say what a second process saves: simulated, and by the clock where it was measured.

    Parameters
    ----------
    found
        What was measured, by name.
    seconds, size
        As for :func:`drawn`.
    """
    one, two = (simulated(drawn(seconds, size), workers, costs(found)).seconds for workers in (1, 2))
    words = f"In a simulation on recorded times two processes are {one / two:.2f} times as fast as one."
    if "two processes" not in found.index:
        return words
    value, n = found["value"], int(found["n"]["two processes"])
    load = float(found["load"]["two processes"])
    words += (
        f" By the clock they are {value['one process'] / value['two processes']:.2f} times as fast as one "
        f"process of one thread, for {n} cells of NAS-Bench-201 with ten proxies."
    )
    if load > QUIET:
        words += (
            f" The machine did other work meanwhile (load {load:.0f}), of which two processes take a larger "
            "share than one: believe the simulation."
        )
    return words


def large_tables(found: pd.DataFrame) -> str:
    """Say what a table of the size of NAS-Bench-101 takes, where it was measured."""
    if "gigabytes reading" not in found.index:
        return ""
    value, rows = found["value"], int(found["n"]["gigabytes reading"])
    return (
        f"A store of {rows:,} architectures with {LARGE_PROXIES} scores each takes "
        f"{value['bytes a score']:.0f} bytes a score. Publishing it takes at most "
        f"{value['gigabytes publishing']:.1f} GB of memory, and reading what was published "
        f"{value['gigabytes reading']:.1f} GB."
    )


def made_on(found: pd.DataFrame) -> str:
    """Say where and when the costs were measured."""
    [machine], [torch] = found["machine"].unique()[:1], found["torch"].unique()[:1]
    return (
        f"Measured on {found['date'].max()}: {machine}; torch {torch}; load of the machine when it ended "
        f"{found['load'].min():g} to {found['load'].max():g}."
    )


def held_up(found: dict[str, pd.DataFrame]) -> str:
    """Say which simulated sweeps are held up, and by what."""
    held = [
        f"{name}, {int(run['architectures']):,} architectures on {int(run['workers']):,} workers"
        for name, simulated_runs in found.items()
        for _, run in simulated_runs.iterrows()
        if limit(run) in ("the writer", "the scheduler")
    ]
    runs_in_all = sum(map(len, found.values()))
    return (
        f"The writer or the scheduler holds up {len(held)} of {runs_in_all} sweeps"
        + (f" ({listed(held)})" if held else "")
        + "; where the last chunks are the limit, there are too few architectures for so many workers."
    )

"""Dealing: hand the jobs of a sweep to an executor in chunks, store what comes back, bear what is lost.

One process owns the store, this one. A chunk is as many architectures as take about `CHUNK` seconds, by the
times of those before, and longer with many workers, so that dealing keeps up. A chunk that is lost is dealt
again, architecture by architecture; an architecture that loses two workers, or takes longer than the limit,
is put aside with the reason, and the sweep goes on.
"""

from __future__ import annotations

import queue
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any

from zsnas._processes import TimedOut, WorkerDied
from zsnas.proxies import NOT_MEASURED
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError

if TYPE_CHECKING:
    from tqdm import tqdm

    from zsnas.scores.sweep import Answer, Job

CHUNK = 1.0
"""Seconds that a chunk should take: long beside the milliseconds of dealing it, short beside a sweep."""

DEALT = 0.01
"""Seconds in which a chunk is dealt and stored without haste; with more in flight, each takes longer."""

_MOST = 256
_TRIES = 2
_LOST_WITH_A_WORKER = ("KilledWorker",)
"""Exceptions of Dask, by name because it may not be installed: the workers of a task died, several times."""

_Network = tuple[str, int]
_Entry = tuple[Row, Sequence[StoredScore], Mapping[str, str]]


def size_of_chunk(seconds: float, slots: int, most: int) -> int:
    """Return how many architectures go to a worker together, at least one.

    Parameters
    ----------
    seconds
        That an architecture takes; 0 when nothing is known.
    slots
        Chunks in flight.
    most
        Architectures.
    """
    by_time = int(max(CHUNK, DEALT * slots) / seconds) if seconds else 1
    return max(1, min(most, by_time))


@dataclass(frozen=True)
class Chunk:
    """Jobs that go to a worker together, each with the scores of its network that are known already."""

    jobs: tuple[Job, ...]
    known: tuple[tuple[StoredScore, ...], ...]
    tries: int = 1

    def apart(self) -> Iterator[Chunk]:
        """Yield each job alone."""
        return (Chunk((job,), (known,)) for job, known in zip(self.jobs, self.known, strict=True))


@dataclass
class Dealer:
    """Decides what is missing, deals it out and stores what comes back.

    Attributes
    ----------
    store
        Its only writer is this.
    proxies
        Names.
    job
        Makes a job of a row and the proxies that it lacks.
    work
        Hands jobs to an executor and returns the future of their answer.
    seen
        Is shown the scores of each architecture when they are in the store.
    done
        Architectures that are in the store.
    """

    store: ScoreStore
    proxies: tuple[str, ...]
    job: Callable[[Row, Iterable[str]], Job]
    work: Callable[[Executor, tuple[Job, ...]], Future[Answer]]
    seen: Callable[[Sequence[StoredScore]], None] = lambda _: None
    done: int = 0
    seconds: float = 0.0
    """How long an architecture takes in a worker, by the latest ones; 0 when none is known."""
    _bar: tqdm[Any] | None = None
    _in_flight: dict[Future[Answer], Chunk] = field(default_factory=dict)
    _finished: queue.SimpleQueue[Future[Answer]] = field(default_factory=queue.SimpleQueue)
    _again: deque[Chunk] = field(default_factory=deque)
    _busy: dict[_Network, list[Row]] = field(default_factory=dict)
    """Networks that are being measured, each with the rows that wait for its scores."""
    _aside: dict[_Network, str] = field(default_factory=dict)
    """Networks that lost their workers, each with the reason."""

    def missing(self, row: Row) -> tuple[str, ...]:
        """Return the proxies that a row lacks."""
        stored = self.store.proxies(row)
        return tuple(name for name in self.proxies if name not in stored)

    def deal(
        self, rows: Sequence[Row], pool: Executor, slots: int, largest: int, bar: tqdm[Any] | None = None
    ) -> None:
        """Score rows that lack a score, in order, with at most `slots` chunks at the same time.

        Parameters
        ----------
        rows
            To be scored.
        pool
            Where.
        slots
            Chunks in flight.
        largest
            Architectures in a chunk.
        bar
            Counts architectures.

        Raises
        ------
        StoreError
            When a worker is unlike this process, or the executor is broken; what was scored is stored.
        """
        todo, self._bar = deque(rows), bar
        try:
            while todo or self._again or self._in_flight:
                while len(self._in_flight) < slots and (chunk := self._next(todo, slots, largest)):
                    self._submit(chunk, pool)
                if self._in_flight:
                    todo.extendleft(reversed(self._collect()))
        finally:
            for future in self._in_flight:
                future.cancel()

    def _next(self, todo: deque[Row], slots: int, largest: int) -> Chunk | None:
        if self._again:
            return self._again.popleft()
        fair = -(-len(todo) // slots)
        size = size_of_chunk(self.seconds, slots, min(largest, fair))
        jobs: list[Job] = []
        knowns: list[tuple[StoredScore, ...]] = []
        copied: list[_Entry] = []
        while todo and len(jobs) < size:
            row = todo.popleft()
            job = self.job(row, self.missing(row))
            network = (job.network, row.seed)
            if job.shared and network in self._busy:
                self._busy[network].append(row)
                continue
            if job.shared and network in self._aside:
                copied.append((row, _unmeasured(job, self._aside[network]), {}))
                continue
            job, known = job.less(self.store.of_network(job.network, row.seed, row.batch_size))
            if job.is_empty:
                copied.append((row, known, {}))
                continue
            if job.shared:
                self._busy[network] = []
            jobs.append(job)
            knowns.append(tuple(known))
            if len(copied) > _MOST:
                break
        self._keep(copied)
        return Chunk(tuple(jobs), tuple(knowns)) if jobs else None

    def _submit(self, chunk: Chunk, pool: Executor) -> None:
        try:
            future = self.work(pool, chunk.jobs)
        except BrokenExecutor as error:
            raise self._broken(error) from error
        self._in_flight[future] = chunk
        future.add_done_callback(self._finished.put)

    def _collect(self) -> list[Row]:
        """Take what has come back, at least one chunk; return the rows that waited for it."""
        entries, freed = list[_Entry](), list[Row]()
        futures = [self._finished.get()]
        while not self._finished.empty():
            futures.append(self._finished.get())
        try:
            for future in futures:
                chunk = self._in_flight.pop(future)
                entries += self._entries(chunk, future)
        finally:
            self._keep(entries)
            for row, _, _ in entries:
                job = self.job(row, ())
                freed += self._busy.pop((job.network, row.seed), [])
        return freed

    def _entries(self, chunk: Chunk, future: Future[Answer]) -> Iterator[_Entry]:
        try:
            answer = future.result()
        except (WorkerDied, TimedOut) as error:
            yield from self._lost(chunk, error, is_final=isinstance(error, TimedOut))
            return
        except (BrokenExecutor, CancelledError) as error:
            raise self._broken(error) from error
        except Exception as error:
            if type(error).__name__ not in _LOST_WITH_A_WORKER:
                raise
            yield from self._lost(chunk, error, is_final=True)
            return
        each = answer.seconds / len(chunk.jobs)
        self.seconds = each if not self.seconds else 0.7 * self.seconds + 0.3 * each
        for job, known, outcome in zip(chunk.jobs, chunk.known, answer.outcomes, strict=True):
            yield job.row, [*known, *outcome.scores], outcome.provenance

    def _lost(self, chunk: Chunk, error: Exception, is_final: bool) -> Iterator[_Entry]:
        """Deal what was lost again, or put it aside."""
        if len(chunk.jobs) > 1:
            self._again.extend(chunk.apart())
        elif not is_final and chunk.tries < _TRIES:
            self._again.append(Chunk(chunk.jobs, chunk.known, chunk.tries + 1))
        else:
            (job,), (known,) = chunk.jobs, chunk.known
            times = "" if is_final else ", twice"
            reason = f"{NOT_MEASURED}{' '.join(str(error).split())}{times}"
            self.tell(f"{job.row.arch}, seed {job.row.seed}: {reason}")
            self._aside[job.network, job.row.seed] = reason
            yield job.row, [*known, *_unmeasured(job, reason)], {}

    def _keep(self, entries: Sequence[_Entry]) -> None:
        if entries:
            self.store.add_all(entries)
            self.done += len(entries)
            if self._bar is not None:
                self._bar.update(len(entries))
            for _, scores, _ in entries:
                self.seen(scores)

    def _broken(self, error: Exception) -> StoreError:
        why = str(error) or type(error).__name__
        return StoreError(
            f"the executor gives no more answers ({why}); {self.done:,} architectures are in "
            f"{self.store.path}, and the same call with a new executor resumes"
        )

    def tell(self, sentence: str) -> None:
        """Say something above the bar, when there is one."""
        if self._bar is not None and not self._bar.disable:
            self._bar.write(sentence, file=sys.stderr)


def _unmeasured(job: Job, reason: str) -> list[StoredScore]:
    networks = {**dict.fromkeys(job.shared, job.network), **dict.fromkeys(job.own, job.row.arch)}
    return [StoredScore(name, network, nan, reason, 0.0) for name, network in networks.items()]

"""Sweep: score every architecture of a benchmark, stop anywhere, go on later."""

import multiprocessing
import multiprocessing.connection
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from math import nan
from numbers import Real
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np
import torch
from tqdm import tqdm

from zsnas import memory
from zsnas._numbers import as_seed, as_seeds, as_whole
from zsnas._progress_bar import progress_bar
from zsnas._version import __version__
from zsnas.batches import Batch, batch
from zsnas.benchmarks import Benchmark, benchmark
from zsnas.proxies import NOT_MEASURED, check_placement, choose_proxies, measure, proxy
from zsnas.scores._workers import modules_for
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError, shared_and_own
from zsnas.scores.table import PROCESSOR, start_store
from zsnas.spaces import NetworkUnavailable, Space, space

_P = ParamSpec("_P")
_T = TypeVar("_T")


def sweep(  # noqa: PLR0913 - settings, all of them keyword-only
    benchmark_name: str,
    *,
    proxies: Sequence[str] | str | None = None,
    seeds: Sequence[int] | int = (0,),
    limit: int | None = None,
    top: float = 0.0,
    top_limit: int | None = None,
    batch_size: int = 64,
    store: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
    executor: Executor | None = None,
    device: str | None = None,
) -> Path:
    """Score the architectures of a benchmark and keep every score in a store.

    A seed draws the weights of the networks and the images of the batch; a proxy that compares images of one
    class is measured on a batch with several of each, from the same source. Isomorphic architectures
    are computed once: for each seed, the network of the canonical architecture of a class is built
    and scored, and every architecture of the class gets these scores. Only proxies of kind "naive"
    (#Params, #FLOPs), which also count operations that never reach the output, are measured on each
    architecture itself.

    A network that cannot be had, because its library no longer has it or because it does not fit in memory,
    has NaN in place of its scores and the reason beside it, and the sweep goes on. So has a proxy that asks
    for more memory than is free, on Linux. The next call tries these again.

    What else the store already holds is not computed again, so the same call goes on where a killed one
    stopped, and a call with more seeds, architectures or proxies adds what is missing. A store that
    does not exist yet starts from the published scores of the benchmark, when there are any from
    the same batch source and kind of device.

    Parameters
    ----------
    benchmark_name : str
        For example ``"nb201/cifar100"``.
    proxies : sequence of str, or one name, optional
        With wildcards, ``"default"`` for those that cost little; by default all that are registered.
    seeds : sequence of int, or one seed
    limit : int, optional
        How many architectures to draw at random: the first ones of a fixed random order, so that a larger
        limit contains a smaller one. By default all.
    top : float
        Add the complete best fraction by the benchmark's metric: 0.05 is the top 5 %, rounded up, with ties.
    top_limit : int, optional
        How many of the best fraction to add, at random. By default all.
    batch_size : int
        Images in a batch.
    store : path, optional
        By default ``.zsnas/sweeps/<benchmark name>.sqlite`` under the current folder.
    workers : int
        1 scores in this process with all of torch's threads; more starts that many processes with
        one thread each. A script then needs the usual ``if __name__ == "__main__":``, with what it
        registers above that line; what is registered in a notebook is unknown to the processes and refused.
    progress : bool
        Show a bar on standard error.
    executor : Executor, optional
        Scores there instead: anything with the interface of `concurrent.futures.Executor`. At most
        twice `workers` architectures are in flight.
    device : str, optional
        Where to score, see `zsnas.measure`; by default the processor. A store takes the scores of one kind
        of device: what another rounds differently does not rank alike in the last digits.

    Returns
    -------
    Path
        The store, for `zsnas.scores.table.publish`.

    Raises
    ------
    ValueError
        When the benchmark or a proxy is unknown, the benchmark holds costs alone, an argument is out of
        range, or processes cannot import what is registered from outside this package.
    StoreError
        When the store belongs to another benchmark, batch source or kind of device, or another sweep is
        writing to it.
    KeyboardInterrupt
        On Ctrl-C, with a message that says how much is stored and how to resume.
    """
    seeds, limit, batch_size, workers = _checked(seeds, limit, top, batch_size, workers)
    check_placement(device, None)
    bench = benchmark(benchmark_name)
    bench.check_trained()
    names = choose_proxies(proxies)
    forget_images()
    starts_processes = workers > 1 and executor is None
    modules = modules_for(bench, [proxy(name) for name in names]) if starts_processes else ()
    source = _batch(bench.batch, batch_size, seeds[0], 1).source
    rows = [
        Row(arch, seed, batch_size)
        for seed in seeds
        for arch in visited(bench, limit, top, top_limit=top_limit)
    ]
    path = Path(".zsnas", "sweeps", f"{benchmark_name}.sqlite") if store is None else Path(store)
    slots = 1 if workers == 1 and executor is None else 2 * workers
    with ScoreStore(path) as opened, opened.locked():
        _claim(opened, benchmark_name, source, (device or PROCESSOR).partition(":")[0])
        run = _Run(opened, bench, names, source, device)
        with _pool(workers, executor, modules) as pool:
            run.score(rows, pool, slots, progress)
    return path


def _checked(
    seeds: Sequence[int] | int, limit: int | None, top: float, batch_size: int, workers: int
) -> tuple[tuple[int, ...], int | None, int, int]:
    """Return seeds, limit, batch size and workers as integers of Python, which a store takes."""
    if not _is_fraction(top):
        raise ValueError(f"top is {top}; it is a fraction between 0 and 1, for example 0.05")
    checked = as_seeds(seeds)
    if not checked:
        raise ValueError("seeds is empty; give at least one, for example seeds=(0,)")
    return (
        checked,
        None if limit is None else as_whole("limit", limit, 0, example="1000, or None for all architectures"),
        as_whole("batch_size", batch_size, 1, example="64"),
        as_whole("workers", workers, 1, example="2"),
    )


def _is_fraction(given: object) -> bool:
    return isinstance(given, Real) and 0 <= float(given) <= 1


def visited(
    bench: Benchmark,
    limit: int | None = None,
    top: float = 0.0,
    seed: int = 0,
    *,
    top_limit: int | None = None,
) -> list[str]:
    """Return the architectures that a sweep visits, in its order.

    The space is shuffled once and for all (numpy's ``default_rng(seed).permutation``), so that the
    first architectures are a simple random sample and a larger sample contains the smaller ones.
    The best ones that the sample lacks follow, in the same random order.

    Parameters
    ----------
    bench : Benchmark
    limit : int, optional
        Size of the random sample; by default everything.
    top : float
        Fraction of the benchmark's architectures, best first, that is visited completely; rounded
        up, with every architecture that ties with the last one.
    seed : int
        Of the shuffle. A sweep has 0; another is another sample of the same kind.
    top_limit : int, optional
        How many of the best ones that the sample lacks follow; by default all, so that they are complete.
    """
    architectures = space(bench.space).architectures
    known = set(bench.table["arch"])
    order = np.random.default_rng(as_seed(seed)).permutation(len(architectures))
    shuffled = [architectures[i] for i in order if architectures[i] in known]
    cut = len(shuffled) if limit is None else limit
    best = set(bench.top(top)) if top else set()
    return shuffled[:cut] + [arch for arch in shuffled[cut:] if arch in best][:top_limit]


def _claim(store: ScoreStore, benchmark_name: str, batch_source: str, device: str) -> None:
    if not store.settings:
        start_store(store, benchmark_name, batch_source, device)
    settings = store.settings
    if settings["benchmark"] != benchmark_name:
        raise StoreError(
            f"{store.path} holds scores of {settings['benchmark']!r}, not of {benchmark_name!r}; "
            "name another store"
        )
    if settings["batch_source"] != batch_source:
        raise StoreError(
            f"the scores in {store.path} were computed on {settings['batch_source']!r} and this batch "
            f"comes from {batch_source!r}; scores of different images do not mix: "
            "make the first source available (`zsnas data fetch`), or name another store"
        )
    first = settings.get("device", PROCESSOR)
    if first != device:
        raise StoreError(
            f"the scores in {store.path} were computed on the device {first!r} and these would be on "
            f"{device!r}; devices round differently, so that their scores do not mix: "
            f"sweep with device={first!r}, or name another store"
        )


@dataclass(frozen=True)
class Job:
    """What to measure for one row: `shared` proxies on the network of its class, `own` ones on its own."""

    space: str
    batch: str
    row: Row
    network: str
    shared: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    device: str | None = None

    @classmethod
    def of(cls, bench: Benchmark, row: Row, proxies: Iterable[str], device: str | None = None) -> Self:
        """Return the job that measures these proxies for a row of a benchmark."""
        shared, own = shared_and_own(proxies)
        network = space(bench.space).canonical(row.arch)
        return cls(bench.space, bench.batch, row, network, shared, own, device)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to measure."""
        return not (self.shared or self.own)

    def less(self, known: Mapping[str, StoredScore]) -> tuple[Self, list[StoredScore]]:
        """Split off the scores of its network that are known already."""
        left = tuple(name for name in self.shared if name not in known)
        return replace(self, shared=left), [known[name] for name in self.shared if name in known]


@dataclass(frozen=True)
class Outcome:
    """The scores of one job, the batch source that they were measured on, and what they were made with.

    The source is that of the ordinary batch, which a store is bound to; those with several images of a class
    come from the same one.
    """

    scores: tuple[StoredScore, ...]
    batch_source: str
    provenance: dict[str, str]


def run_job(job: Job) -> Outcome:
    """Build and score the networks of one job; runs in a worker."""
    arch, seed = job.row.arch, job.row.seed
    source = _batch(job.batch, job.row.batch_size, seed, 1).source
    cells = space(job.space)
    try:
        shared = tuple(_measured(cells, job.network, job.shared, job))
        own = tuple(_measured(cells, arch, job.own, job))
    except Exception as error:
        error.add_note(f"while scoring {arch!r}, seed {seed}; what was scored before it is stored")
        raise
    return Outcome(shared + own, source, provenance(job.device))


@lru_cache(maxsize=2)
def _batch(name: str, size: int, seed: int, images_per_class: int) -> Batch:
    return batch(name, size, seed, images_per_class=images_per_class)


def forget_images() -> None:
    """Draw batches anew: what was missing may have come, and a user may have registered other images."""
    _batch.cache_clear()


def batches_for(
    proxies: Sequence[str], name: str, size: int, seed: int
) -> Iterator[tuple[tuple[str, ...], Batch | str]]:
    """Yield the proxies that are measured on one batch with that batch, or with why it cannot be drawn.

    They differ in the images of a class that they compare, `Proxy.images_per_class`; most take the ordinary
    batch, which comes first.

    Parameters
    ----------
    proxies
        Names.
    name
        One of `zsnas.list_batches`.
    size
        Images in each batch.
    seed
        Draws the images.
    """
    compared = {chosen: proxy(chosen).images_per_class for chosen in proxies}
    for count in sorted(set(compared.values())):
        alike = tuple(chosen for chosen in compared if compared[chosen] == count)
        try:
            drawn: Batch | str = _batch(name, size, seed, count)
        except ValueError as reason:
            if count == 1:
                raise
            drawn = str(reason)
        yield alike, drawn


def _measured(cells: Space, network: str, proxies: tuple[str, ...], job: Job) -> Iterator[StoredScore]:
    for alike, images in batches_for(proxies, job.batch, job.row.batch_size, job.row.seed):
        if isinstance(images, str):
            yield from (StoredScore(name, network, nan, images, 0.0) for name in alike)
        else:
            yield from _measured_on(images, cells, network, alike, job)


def _measured_on(
    images: Batch, cells: Space, network: str, proxies: tuple[str, ...], job: Job
) -> Iterator[StoredScore]:
    try:
        images = cells.images_for(network, images)
        model = cells.build_for(network, images, job.row.seed)
    except NetworkUnavailable as reason:
        why = f"{NOT_MEASURED}{reason}"
        yield from (StoredScore(name, network, nan, why, 0.0) for name in proxies)
        return
    with memory.limited():
        measured = measure(model, images, proxies, job.row.seed, job.device)
    for name, found in measured.items():
        yield StoredScore(name, network, found.value, found.reason, found.seconds)


def provenance(device: str | None) -> dict[str, str]:
    """Return what scores are made with here: versions, machine and device, as a store keeps them."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}"
    machine += f", device: {device}" if device else ""
    return {"zsnas": __version__, "torch": torch.__version__, "machine": machine}


@dataclass
class _Run:
    """One sweep at work: decides what is missing, hands out jobs and stores what comes back."""

    store: ScoreStore
    bench: Benchmark
    proxies: tuple[str, ...]
    batch_source: str
    device: str | None = None
    in_flight: dict[Future[Outcome], tuple[Job, list[StoredScore]]] = field(default_factory=dict)

    def score(self, rows: Sequence[Row], pool: Executor, slots: int, progress: bool) -> None:
        """Score the rows that lack a score, in order, at most `slots` at the same time."""
        todo = [row for row in rows if self._missing(row)]
        done = len(rows) - len(todo)
        with progress_bar(self.bench.name, len(rows), unit="arch", done=done, shown=progress) as bar:
            try:
                for row in todo:
                    self._submit(row, pool, slots, bar)
                while self.in_flight:
                    self._collect(bar)
            except KeyboardInterrupt:
                left = sum(bool(self._missing(row)) for row in rows)
                raise KeyboardInterrupt(
                    f"stopped: {len(rows) - left:,} of {len(rows):,} architectures are in {self.store.path}; "
                    "the same command resumes"
                ) from None
            finally:
                for future in self.in_flight:
                    future.cancel()

    def _missing(self, row: Row) -> tuple[str, ...]:
        stored = self.store.proxies(row)
        return tuple(name for name in self.proxies if name not in stored)

    def _submit(self, row: Row, pool: Executor, slots: int, bar: "tqdm[Any]") -> None:
        job = Job.of(self.bench, row, self._missing(row), self.device)
        while len(self.in_flight) >= slots or self._being_measured(job):
            self._collect(bar)
        job, known = job.less(self.store.of_network(job.network, row.seed, row.batch_size))
        if job.is_empty:
            self.store.add(row, known, {})
            bar.update()
        else:
            self.in_flight[pool.submit(run_job, job)] = job, known

    def _being_measured(self, wanted: Job) -> bool:
        return any(
            job.network == wanted.network and job.row.seed == wanted.row.seed
            for job, _ in self.in_flight.values()
        )

    def _collect(self, bar: "tqdm[Any]") -> None:
        for future in wait(self.in_flight, return_when=FIRST_COMPLETED).done:
            job, known = self.in_flight.pop(future)
            outcome = self._outcome(future, job.row)
            self.store.add(job.row, [*known, *outcome.scores], outcome.provenance)
            bar.update()

    def _outcome(self, future: Future[Outcome], row: Row) -> Outcome:
        outcome = future.result()
        if outcome.batch_source != self.batch_source:
            raise StoreError(
                f"a worker scored {row.arch!r} on {outcome.batch_source!r} instead of {self.batch_source!r}; "
                "make the same images available to every worker"
            )
        return outcome


@contextmanager
def _pool(workers: int, executor: Executor | None, modules: tuple[str, ...]) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    pool = _InProcess() if workers == 1 else processes(workers, modules)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def processes(workers: int, modules: tuple[str, ...]) -> ProcessPoolExecutor:
    """Return processes of one thread each, which import these modules first and end with this one."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_start_worker, initargs=modules)


class _InProcess(Executor):
    """Run each job in this process, at once, so that an exception or Ctrl-C is the caller's own."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _start_worker(*modules: str) -> None:
    """Use one thread, leave Ctrl-C to the main process, end when that is gone, and know what it knows."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    for module in modules:
        import_module(module)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

"""Sweep: score every architecture of a benchmark, stop anywhere, go on later."""

import faulthandler
import hashlib
import os
import platform
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import nan
from numbers import Real
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import numpy as np
import torch
from torch import nn

from zsnas import memory
from zsnas._files import as_path
from zsnas._numbers import as_seed, as_seeds, as_whole, check_limit
from zsnas._processes import HOUR, Processes, goes_on
from zsnas._progress_bar import progress_bar
from zsnas._version import __version__
from zsnas.batches import Batch, batch
from zsnas.benchmarks import Benchmark, benchmark
from zsnas.proxies import NOT_MEASURED, Measurement, check_placement, choose_proxies, measure, proxy
from zsnas.proxies._undefined import raised
from zsnas.scores._dealing import Dealer
from zsnas.scores._made_with import unlike
from zsnas.scores._workers import modules_for
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError, shared_and_own
from zsnas.scores.table import PROCESSOR, start_store
from zsnas.spaces import NetworkUnavailable, Space, space

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LARGEST_CHUNK = 256


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
    threads: int = 1,
    time_limit: float | None = None,
    memory_limit_gb: float | None = None,
    mix: bool = False,
) -> Path:
    """Score the architectures of a benchmark and keep every score in a store.

    A seed draws the weights of the networks and the images of the batch; a proxy that compares images of one
    class is measured on a batch with several of each, from the same source. Isomorphic architectures
    are computed once: for each seed, the network of the canonical architecture of a class is built
    and scored, and every architecture of the class gets these scores. Only proxies of kind "naive"
    (#Params, #FLOPs), which also count operations that never reach the output, are measured on each
    architecture itself.

    A network that is unavailable, because its library no longer has it or it does not fit in memory, has NaN
    in place of its scores and the reason beside it, and the sweep goes on. So has one that fails when it is
    built or scored, takes too long, or ends two workers; and a proxy that asks for more memory than is free,
    on Linux. The next call tries these again.

    Whoever scores, the result is the same to the bit on one kind of machine: one architecture at a time in
    each process, every one with the same number of threads.

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
        1 scores in this process; more starts that many processes, which are replaced when they die. A script
        then needs the usual ``if __name__ == "__main__":``, with what it registers above that line; what is
        registered in a notebook is unknown to the processes and refused.
    progress : bool
        Show a bar on standard error.
    executor : Executor, optional
        Scores there instead: anything with the interface of `concurrent.futures.Executor`, of threads,
        processes or machines. At most twice `workers` chunks of architectures are in flight. Its workers need
        this version of zsnas and torch and the same images, which is checked before they score.
    device : str, optional
        Where to score, see `zsnas.measure`; by default the processor. A store takes the scores of one kind
        of device: what another rounds differently does not rank alike in the last digits.
    threads : int
        Of torch, in every process that scores. Other numbers of threads add up in another order.
    time_limit : float, optional
        Seconds for one architecture; its worker is ended and replaced after that. By default an hour. With
        workers=1 it makes this call score in one process of its own, without it there is none. A worker of an
        executor exits by itself when a limit is given.
    memory_limit_gb : float, optional
        What the proxies of one network may take, on Linux; by default nine tenths of what is free.
    mix : bool
        Go on with a store whose scores were made with another version of torch or number of threads.

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
        When the store belongs to another benchmark, batch source or kind of device, was made with another
        torch or number of threads, is damaged, or another sweep is writing to it; and when a worker has
        another version or other images than this process.
    KeyboardInterrupt
        On Ctrl-C, with a message that says how much is stored and how to resume.
    """
    seeds, limit, batch_size, workers = _checked(seeds, limit, top, batch_size, workers)
    if top_limit is not None:
        top_limit = as_whole("top_limit", top_limit, 0, example="1000")
    threads = as_whole("threads", threads, 1, example="1")
    check_limit("time_limit", time_limit)
    check_limit("memory_limit_gb", memory_limit_gb)
    check_placement(device, None)
    bench = benchmark(benchmark_name)
    bench.check_trained()
    names = choose_proxies(proxies)
    forget_images()
    starts_processes = executor is None and (workers > 1 or time_limit is not None)
    own = [proxy(name) for name in names]
    modules = modules_for(bench.space, bench.batch, own) if starts_processes else ()
    source = _batch(bench.batch, batch_size, seeds[0], 1).source
    rows = [
        Row(arch, seed, batch_size)
        for seed in seeds
        for arch in visited(bench, limit, top, top_limit=top_limit)
    ]
    usual = f".zsnas/sweeps/{benchmark_name}.sqlite"
    path = as_path("the store", usual if store is None else store, usual)
    with ScoreStore(path) as opened, opened.locked():
        kind = (device or PROCESSOR).partition(":")[0]
        _claim(opened, benchmark_name, source, kind, None if mix else threads)
        pool: Executor
        if executor is not None:
            pool, slots, largest = executor, 2 * workers, _LARGEST_CHUNK
        elif starts_processes:
            pool = Processes(workers, modules, time_limit or HOUR)
            slots, largest = 2 * workers, _LARGEST_CHUNK
        else:
            pool, slots, largest = InProcess(), 1, 1
        work = Work(threads, memory_limit_gb, None if executor is None else time_limit)
        dealer = Dealer(opened, names, lambda row, lacks: Job.of(bench, row, lacks, device), work)
        try:
            todo = [row for row in rows if dealer.missing(row)]
            dealer.done = len(rows) - len(todo)
            with progress_bar(bench.name, len(rows), unit="arch", done=dealer.done, shown=progress) as bar:
                dealer.deal(todo, pool, slots, largest, bar)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped: {dealer.done:,} of {len(rows):,} architectures are in {path}; "
                "the same command resumes"
            ) from None
        finally:
            if executor is None:
                pool.shutdown(cancel_futures=True)
    return path


def _checked(
    seeds: Sequence[int] | int, limit: int | None, top: float, batch_size: int, workers: int
) -> tuple[tuple[int, ...], int | None, int, int]:
    """Return seeds, limit, batch size and workers as integers of Python, which a store takes."""
    if not _is_fraction(top):
        raise ValueError(f"top is {top!r}; it is a fraction between 0 and 1, for example 0.05")
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


def _claim(
    store: ScoreStore, benchmark_name: str, batch_source: str, device: str, threads: int | None
) -> None:
    """Refuse a store of other scores; `threads` is None when those of other versions may mix."""
    if not store.settings:
        alike = None if threads is None else (lambda made_with: not unlike(made_with, threads))
        start_store(store, benchmark_name, batch_source, device, alike)
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
    for made_with in store.made_with if threads is not None else ():
        if different := unlike(made_with, threads or 1):
            raise StoreError(
                f"scores in {store.path} were made with {different}; such scores differ in the last digits: "
                "sweep with mix=True to go on all the same, or name another store"
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


@dataclass(frozen=True)
class Task:
    """Jobs for a worker, and what it has to be like.

    Attributes
    ----------
    jobs
    versions
        See `versions`.
    images
        Digests of the ordinary batches of the jobs, by name, size and seed; none for this process.
    threads
    memory_limit_gb
    exits_after : float or None
        Seconds for an architecture, after which the process of the worker exits.
    """

    jobs: tuple[Job, ...]
    versions: Mapping[str, str]
    images: Mapping[tuple[str, int, int], str]
    threads: int
    memory_limit_gb: float | None = None
    exits_after: float | None = None
    home: str = ""


@dataclass(frozen=True)
class Answer:
    """The outcomes of the jobs of a task, in their order, and how many seconds they took."""

    outcomes: tuple[Outcome, ...]
    seconds: float


_ALONE = threading.RLock()
"""Held while a network is built and scored, for this draws from torch's global generators."""


def run_task(task: Task) -> Answer:
    """Check that this process is as the task wants it, and run its jobs; runs in a worker.

    Raises
    ------
    StoreError
        When it has another version or other images than the process that deals.
    """
    with _ALONE, _threads(task.threads):
        _check_alike(task)
        start = time.perf_counter()
        outcomes = []
        for job in task.jobs:
            with _exiting(task):
                outcomes.append(run_job(job, task.memory_limit_gb))
            goes_on()
        return Answer(tuple(outcomes), time.perf_counter() - start)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _exiting(task: Task) -> Iterator[None]:
    """End the process when an architecture takes too long, unless it is the one that deals."""
    if task.exits_after is None or task.home == _here():
        yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        faulthandler.dump_traceback_later(task.exits_after, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _here() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


def _check_alike(task: Task) -> None:
    for name, wanted in task.versions.items():
        if (own := versions()[name]) != wanted:
            raise StoreError(
                f"a worker on {socket.gethostname()} has {name} {own} and not {wanted}; give every worker "
                "the same, and the same command resumes"
            )
    for key, wanted in task.images.items():
        if task.home != _here() and _digest(*key) != wanted:
            source = _batch(*key, 1).source
            raise StoreError(
                f"a worker on {socket.gethostname()} has other images of {key[0]!r}, from {source!r}; make "
                "the same available to every worker (`zsnas data fetch`), and the same command resumes"
            )


@cache
def versions() -> dict[str, str]:
    """Return what a worker must share with the process that deals: versions, and a digest of the code."""
    code = hashlib.sha256()
    package = Path(__file__).parents[1]
    for room in ("proxies", "spaces", "batches"):
        for file in sorted((package / room).glob("*.py")):
            code.update(file.name.encode() + file.read_bytes())
    return {"zsnas": __version__, "torch": torch.__version__, "code": code.hexdigest()[:12]}


@lru_cache(maxsize=8)
def _digest(name: str, size: int, seed: int) -> str:
    drawn = _batch(name, size, seed, 1)
    digest = hashlib.sha256(drawn.source.encode())
    for tensor in (drawn.images, drawn.labels):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Work:
    """Hands jobs to an executor, in whose workers `run` does them with so many threads of torch."""

    threads: int
    memory_limit_gb: float | None = None
    exits_after: float | None = None
    run: Callable[[Task], Answer] = run_task

    def __call__(self, pool: Executor, jobs: tuple[Job, ...]) -> "Future[Answer]":
        """Return the future of the answer to some jobs."""
        keys = {(job.batch, job.row.batch_size, job.row.seed) for job in jobs}
        images = {} if isinstance(pool, InProcess) else {key: _digest(*key) for key in keys}
        limits = self.memory_limit_gb, self.exits_after
        return pool.submit(self.run, Task(jobs, versions(), images, self.threads, *limits, _here()))


def run_job(job: Job, memory_limit_gb: float | None = None) -> Outcome:
    """Build and score the networks of one job.

    Parameters
    ----------
    job
    memory_limit_gb
        What the proxies of one network may take; by default nine tenths of what is free.
    """
    arch, seed = job.row.arch, job.row.seed
    source = _batch(job.batch, job.row.batch_size, seed, 1).source
    cells = space(job.space)
    most = None if memory_limit_gb is None else memory_limit_gb * 1e9
    with _ALONE:
        shared = tuple(_measured(cells, job.network, job.shared, job, most))
        own = tuple(_measured(cells, arch, job.own, job, most))
    return Outcome(shared + own, source, provenance(job.device))


@lru_cache(maxsize=2)
def _batch(name: str, size: int, seed: int, images_per_class: int) -> Batch:
    return batch(name, size, seed, images_per_class=images_per_class)


def forget_images() -> None:
    """Draw batches anew: what was missing may have come, and a user may have registered other images."""
    _batch.cache_clear()
    _digest.cache_clear()


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


def _measured(
    cells: Space, network: str, proxies: tuple[str, ...], job: Job, most: float | None
) -> Iterator[StoredScore]:
    for alike, images in batches_for(proxies, job.batch, job.row.batch_size, job.row.seed):
        if isinstance(images, str):
            yield from (StoredScore(name, network, nan, images, 0.0) for name in alike)
        else:
            yield from _measured_on(images, cells, network, alike, job, most)


def _measured_on(
    images: Batch, cells: Space, network: str, proxies: tuple[str, ...], job: Job, most: float | None
) -> Iterator[StoredScore]:
    try:
        images = cells.images_for(network, images)
        model = cells.build_for(network, images, job.row.seed)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a space of a user's own may raise anything
        why = str(error) if isinstance(error, NetworkUnavailable) else _failed("building it", error)
        yield from (StoredScore(name, network, nan, f"{NOT_MEASURED}{why}", 0.0) for name in proxies)
        return
    measured: dict[str, Measurement] = {}
    with memory.limited(most):
        try:
            measured = dict(measure(model, images, proxies, job.row.seed, job.device))
        except (Exception, SystemExit):  # noqa: BLE001 - which of them it was shows when each is alone
            for name in proxies:
                measured[name] = _alone(model, images, name, job)
    for name, found in measured.items():
        yield StoredScore(name, network, found.value, found.reason, found.seconds)


def _alone(model: nn.Module, images: Batch, name: str, job: Job) -> Measurement:
    try:
        return measure(model, images, (name,), job.row.seed, job.device)[name]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it costs this score
        return Measurement(nan, f"{NOT_MEASURED}{_failed('scoring it', error)}", 0.0)


def _failed(what: str, error: BaseException) -> str:
    if isinstance(error, Exception):
        return f"{what} failed: {raised(error).removeprefix(NOT_MEASURED)}"
    return f"{what} ended the program"


def provenance(device: str | None) -> dict[str, str]:
    """Return what scores are made with here: versions, machine and device, as a store keeps them."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}"
    machine += f", device: {device}" if device else ""
    return {"zsnas": __version__, "torch": torch.__version__, "machine": machine}


def processes(workers: int, modules: tuple[str, ...]) -> Processes:
    """Return processes of one thread each, which import these modules first and end with this one.

    Parameters
    ----------
    workers
        How many.
    modules
        Their names.
    """
    return Processes(workers, modules)


class InProcess(Executor):
    """Run each task in this process, at once, so that an exception or Ctrl-C is the caller's own."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Run a task now; return its future, which is done."""
        future: Future[_T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

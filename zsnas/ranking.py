"""Rank networks of one's own: score each with several proxies and seeds, and put them in order."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import torch
from torch import nn

from zsnas._files import as_path
from zsnas._names import as_name
from zsnas._numbers import as_seeds, as_whole
from zsnas._progress_bar import progress_bar
from zsnas.batches import Batch
from zsnas.models import fit, network_of
from zsnas.proxies import Measurement, check_placement, choose_proxies, measure, proxy
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError
from zsnas.scores.sweep import batches_for, forget_images, processes, provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Given: TypeAlias = str | nn.Module | Callable[..., nn.Module]
"""A name as `zsnas.model` takes it, a network, or a function that returns one."""

OVERALL = ("all", "rank")
"""The column by which a ranking is ordered."""


class Ranking(pd.DataFrame):
    """A table of networks, the first ranked first; it can draw itself.

    Rows are named after the networks. The column ``("all", "rank")`` is the mean of the ranks by the proxies;
    each proxy has ``score``, the mean over the seeds, ``deviation`` between them (NaN for one seed), and
    ``rank``, 1 for the best. ``attrs`` holds ``reasons``, {network: {proxy: why it has no score}},
    ``batch_source``, ``seeds`` and ``size``.
    """

    def plot(self) -> Figure:  # type: ignore[override] # pandas has an accessor here
        """Draw the rank of every network by every proxy."""
        from zsnas.figures import rank_dots

        return rank_dots(self)


def rank(  # noqa: PLR0913 - settings, all but four of them keyword-only
    models: Mapping[str, Given] | Iterable[Given] | str,
    batch: str | Batch = "cifar100",
    proxies: Iterable[str] | str = "default",
    seeds: Iterable[int] | int = (0,),
    *,
    size: int = 64,
    side: int | None = None,
    store: str | Path | None = None,
    workers: int = 1,
    device: str | None = None,
    dtype: str | None = None,
    progress: bool = False,
) -> Ranking:
    """Score networks with proxies and rank them.

    A rank is among the networks given here, by the mean score over the seeds; networks that tie share the
    mean of their ranks, and those without a score have none. For the rank by all proxies, which is the mean,
    they are tied behind the others.

    Parameters
    ----------
    models
        Names such as ``"timm:resnet18"`` or ``"my_networks:small"``, functions that return a network (called
        with ``num_classes`` if they take it), or networks; or a dict of them with a name for each. A seed
        draws the weights of what has a name or a function. A network keeps the weights that it has.
    batch
        A name as `zsnas.batch` takes it, drawn anew by each seed; or a batch, the same for all.
    proxies
        Names, with wildcards; ``"default"`` are those that cost little, ``"all"`` every one.
    seeds
        One or several.
    size
        Images in a batch that has a name.
    side
        Height and width in pixels to resize the images to; by default their own, or what the model is made
        for if it does not take them.
    store
        A file that keeps the scores, so that the same call goes on where a stopped one was. By default none.
    workers
        Processes, of one thread each; 1 is this process with all its threads.
    device, dtype
        As of `zsnas.measure`.
    progress
        Show a bar on standard error.

    Returns
    -------
    Ranking
        A DataFrame.

    Raises
    ------
    ValueError
        In one sentence: a model, a proxy, a batch, a device or a seed is none, or a process cannot have one.
    StoreError
        When the store holds scores of other networks or images.
    """
    check_placement(device, dtype)
    named = _named(models)
    names, drawn = choose_proxies(proxies), as_seeds(seeds)
    if not names or not drawn:
        raise ValueError("proxies and seeds must not be empty; give at least one of each")
    if not isinstance(batch, Batch | Path):
        as_name("batch", batch, "zsnas.list_batches()")
    size = len(batch) if isinstance(batch, Batch) else as_whole("size", size, 1, example="64")
    path = None if store is None else as_path("the store", store, "scores.sqlite")
    workers = as_whole("workers", workers, 1, example="2")
    forget_images()
    with ExitStack() as stack:
        stack.enter_context(_interrupted_in_words(path))
        jobs = [
            _Job(name, given, batch, size, seed, names, side, device, dtype)
            for name, given in named.items()
            for seed in drawn
        ]
        # Which finds what is wrong.
        sources = [_fitted(job)[1].source for job in jobs if job.seed == drawn[0]]
        source = "; ".join(dict.fromkeys(sources))
        if workers > 1:
            _check_pickled(jobs)
        kept = _opened(stack, path, jobs[0], source) if path else None
        bar = stack.enter_context(progress_bar("rank", len(jobs), unit="net", shown=progress))
        found = {}
        for job, measured in _scored(jobs, kept, workers):
            found[job.name, job.seed] = measured
            bar.update()
    return _ranking(list(named), names, drawn, found, source, size)


@dataclass(frozen=True)
class _Job:
    """One network to score with one seed."""

    name: str
    given: Given
    batch: str | Batch
    size: int
    seed: int
    proxies: tuple[str, ...]
    side: int | None
    device: str | None
    dtype: str | None

    @property
    def row(self) -> Row:
        return Row(self.name, self.seed, self.size)

    def batches(self) -> Iterable[tuple[tuple[str, ...], Batch | str]]:
        if isinstance(self.batch, Batch):
            return [(self.proxies, self.batch)]
        return batches_for(self.proxies, self.batch, self.size, self.seed)


def _named(models: Mapping[str, Given] | Iterable[Given] | str) -> dict[str, Given]:
    """Return what is to be ranked by name: its own, that of its class or function, or that with a number."""
    if isinstance(models, Mapping):
        return dict(models)
    if isinstance(models, nn.Module) or (isinstance(models, str) or not isinstance(models, Iterable)):
        models = [models]  # a network may have a length
    named: dict[str, Given] = {}
    for given in models:
        own = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
        if own in named and isinstance(given, str):
            continue
        count = 1 + sum(name.partition(" ")[0] == own for name in named)
        named[own if count == 1 else f"{own} {count}"] = given
    if not named:
        raise ValueError("there is no model to rank; give names such as 'timm:resnet18', or networks")
    return named


def _fitted(job: _Job) -> tuple[nn.Module, Batch]:
    """Return the network of a job and its first batch, at a size that it takes."""
    images = next(images for _, images in job.batches() if isinstance(images, Batch))
    network = network_of(job.given, images.num_classes, job.seed)
    return network, _fit(job, network, images)


def _fit(job: _Job, network: nn.Module, images: Batch) -> Batch:
    name = job.given if isinstance(job.given, str) else job.name
    return fit(images, network, name, job.side, job.device)


def _measured(job: _Job) -> tuple[dict[str, Measurement], str]:
    """Score one network, and return with its scores what tells it from others; runs in a worker."""
    network, _ = _fitted(job)
    measured: dict[str, Measurement] = {}
    for alike, images in job.batches():
        if isinstance(images, str):
            measured |= dict.fromkeys(alike, Measurement(math.nan, images, 0.0))
        else:
            fitted = _fit(job, network, images)
            measured |= measure(network, fitted, alike, job.seed, job.device, job.dtype)
    return measured, _digest(network)


def _scored(
    jobs: Sequence[_Job], store: ScoreStore | None, workers: int
) -> Iterator[tuple[_Job, dict[str, Measurement]]]:
    """Yield each job with its scores, those of the store first."""
    todo = []
    for job in jobs:
        known = _known(store, job) if store is not None else None
        if known is None:
            todo.append(job)
        else:
            yield job, known
    for job, (measured, digest) in _in_turn(todo) if workers == 1 else _at_once(todo, workers):
        if store is not None:
            scores = [StoredScore(name, digest, *found) for name, found in measured.items()]
            store.add(job.row, scores, provenance(job.device))
        yield job, measured


@contextmanager
def _interrupted_in_words(path: Path | None) -> Iterator[None]:
    """Say on Ctrl-C, while networks are prepared or scored, what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if path is None:
            kept = "nothing is kept; with a store=FILE.sqlite, the same call would resume"
        elif path.exists():
            kept = f"what is scored is in {path}; the same call resumes"
        else:
            kept = "nothing is scored yet; the same call begins again"
        raise KeyboardInterrupt(f"stopped: {kept}") from None


def _in_turn(jobs: Sequence[_Job]) -> Iterator[tuple[_Job, tuple[dict[str, Measurement], str]]]:
    yield from ((job, _measured(job)) for job in jobs)


def _at_once(jobs: Sequence[_Job], workers: int) -> Iterator[tuple[_Job, tuple[dict[str, Measurement], str]]]:
    pool = processes(workers, ())
    try:
        futures = {pool.submit(_measured, job): job for job in jobs}
        yield from ((futures[done], done.result()) for done in as_completed(futures))
    finally:
        pool.shutdown(cancel_futures=True)


def _check_pickled(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        try:
            pickle.dumps(job)
        except Exception as error:
            raise ValueError(
                f"another process cannot have the model {job.name!r} ({error}); put it into a module of its "
                "own, or rank with workers=1"
            ) from error
    foreign = [name for name in jobs[0].proxies if proxy(name).is_foreign]
    if foreign:
        raise ValueError(f"another process does not know the proxy {foreign[0]!r}; rank with workers=1")


def _opened(stack: ExitStack, path: Path, job: _Job, source: str) -> ScoreStore:
    """Open a store of rankings on these images."""
    store = stack.enter_context(ScoreStore(path))
    stack.enter_context(store.locked())
    settings = {
        "benchmark": "a ranking",
        "batch_source": source,
        "device": (job.device or "cpu").partition(":")[0],
        "dtype": job.dtype or "",
    }
    if not store.settings:
        store.start(settings)
    for what, value in settings.items():
        if store.settings.get(what, "") != value:
            raise StoreError(
                f"the scores in {path} are of the {what.replace('_', ' ')} "
                f"{store.settings.get(what, '')!r}, these would be of {value!r}; name another store"
            )
    return store


def _digest(network: nn.Module) -> str:
    """Return what differs where layers or weights do."""
    digest = blake2b(repr(network).encode(), digest_size=8)
    for name, tensor in network.state_dict().items():
        values = tensor.detach().cpu().contiguous()
        digest.update(name.encode())
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes() if values.numel() else b"")
    return digest.hexdigest()


def _known(store: ScoreStore, job: _Job) -> dict[str, Measurement] | None:
    """Return what the store holds of a job, or None when it lacks some."""
    found = {score.proxy: score for score in store.scores().get(job.row, [])}
    if not found:
        return None
    stored = {score.network for score in found.values()}
    if stored != {_digest(_fitted(job)[0])}:
        raise StoreError(
            f"{store.path} holds scores of another network under the name {job.name!r}; "
            "give this one another name, or name another store"
        )
    if any(name not in found or not found[name].was_measured for name in job.proxies):
        return None
    return {name: Measurement(found[name].value, found[name].reason, 0.0) for name in job.proxies}


def _ranking(
    models: Sequence[str],
    proxies: Sequence[str],
    seeds: Sequence[int],
    found: Mapping[tuple[str, int], Mapping[str, Measurement]],
    source: str,
    size: int,
) -> Ranking:
    columns: dict[tuple[str, str], pd.Series[float]] = {}
    behind: dict[str, pd.Series[float]] = {}
    index = pd.Index(models)
    for name in proxies:
        scores = pd.DataFrame(
            {seed: [found[model, seed][name].value for model in models] for seed in seeds}, index=index
        )
        mean = scores.mean(axis=1)
        direction = -1.0 if proxy(name).higher_is_better else 1.0
        columns[name, "score"] = mean
        columns[name, "deviation"] = scores.std(axis=1)
        columns[name, "rank"] = (direction * mean).rank()
        behind[name] = (direction * mean).rank(na_option="bottom")
    overall = pd.DataFrame(behind, index=index).mean(axis=1)
    table = pd.DataFrame({OVERALL: overall, **columns}).sort_values(OVERALL, kind="stable")
    table.index.name = "model"
    table.columns.names = ["proxy", "what"]
    ranking = Ranking(table)
    ranking.attrs.update(
        reasons={model: _reasons(model, proxies, seeds, found) for model in models},
        batch_source=source,
        seeds=list(seeds),
        size=size,
    )
    return ranking


def _reasons(
    model: str,
    proxies: Sequence[str],
    seeds: Sequence[int],
    found: Mapping[tuple[str, int], Mapping[str, Measurement]],
) -> dict[str, str]:
    """Return the first reason of each proxy that has one, or a note."""
    told = ((name, found[model, seed][name].reason) for name in proxies for seed in seeds)
    reasons: dict[str, str] = {}
    for name, reason in told:
        if reason:
            reasons.setdefault(name, reason)
    return reasons

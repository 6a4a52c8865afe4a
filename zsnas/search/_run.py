"""One search: an algorithm proposes architectures, the run scores them, keeps them and shows progress."""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from zsnas._files import as_path
from zsnas._names import check_choice
from zsnas._numbers import as_seed, as_whole, check_limit
from zsnas._processes import Processes, TimedOut, WorkerDied
from zsnas._progress_bar import progress_bar
from zsnas._version import __version__
from zsnas.batches import Batch, batch
from zsnas.proxies import NOT_MEASURED, Measurement, check_placement, measure, misfit, proxy
from zsnas.scores._workers import modules_for
from zsnas.search._budget import Budget
from zsnas.search._checkpoint import Checkpoint, Scored
from zsnas.search._objective import Objective
from zsnas.search.evolution import POPULATION, evolution
from zsnas.search.local import local_search
from zsnas.search.sampling import random_search
from zsnas.spaces import Space, space

ALGORITHMS: dict[str, Callable[[Run], None]] = {
    "evolution": evolution,
    "local": local_search,
    "random": random_search,
}
"""Name of each algorithm, and the function that proposes architectures until the steps are used up."""


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes
    ----------
    arch
        The best architecture by the objective among all that were scored.
    history
        One row per step: ``arch``, ``parameters``, ``macs``, a column for each proxy, ``seconds`` (of its
        only measurement, 0 when the architecture was scored before), ``reasons``.
    objective
        What was searched for.
    """

    arch: str
    history: pd.DataFrame
    objective: Objective

    @property
    def trajectory(self) -> pd.Series[float]:
        """The best score until each step, of a search by one proxy; NaN where the step has none."""
        (name,) = self.objective.proxies
        orientation = proxy(name).orientation
        return (orientation * self.history[name].astype(float)).cummax() * orientation


CHANNELS = 3
"""Of the images that every space of this package takes."""

TIMED = 10
"""After so many architectures the time is estimated."""


@dataclass
class Run:
    """What an algorithm works with. An architecture is scored once, whenever it is proposed again."""

    space: Space
    objective: Objective
    budget: Budget
    images: Batch
    seed: int
    steps: int
    checkpoint: Checkpoint
    bar: tqdm[Any]
    device: str | None = None
    pool: Processes | None = None
    """A process that scores; without it this one does."""
    population: int = POPULATION
    proposed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether there are steps left."""
        return len(self.proposed) < self.steps

    def rng(self) -> random.Random:
        """Return the generator of this step: it depends on the seed and the number of the step alone."""
        return random.Random(f"{self.seed}/{len(self.proposed)}")

    def score(self, arch: str) -> None:
        """Use one step for an architecture."""
        if arch not in self.checkpoint.scored:
            scored = self._measured(arch)
            self._keep(scored)
            self.seconds.append(scored["seconds"])
        self.proposed.append(arch)
        self.bar.update()
        if len(self.seconds) == len(self.proposed) == TIMED and not self.bar.disable:
            self._tell_time()

    def _tell_time(self) -> None:
        left = self.steps - TIMED
        each = sum(self.seconds) / TIMED
        self.bar.write(
            f"{self.space.name}: about {each:.2g} s an architecture, {each * left / 60:.0f} minutes for "
            f"{left:,} more steps, less where one is proposed again",
            file=sys.stderr,
        )

    def best(self, candidates: Sequence[str]) -> str:
        """Return the best of some scored architectures."""
        return candidates[self.objective.best([self.checkpoint.scored[a]["scores"] for a in candidates])]

    def _measured(self, arch: str) -> Scored:
        start = time.perf_counter()
        if self._is_counted:
            counts = self.budget.counts(arch)
            known = {"params": float(counts.params), "flops": float(counts.macs)}
            scores = {name: known[name] for name in self.objective.proxies}
            return Scored(arch=arch, scores=scores, reasons={}, seconds=time.perf_counter() - start)
        on, by, where = self.images, self.objective.proxies, self.device
        call = partial(_found, self.space.name, arch, on, by, self.seed, where, torch.get_num_threads())
        found = call() if self.pool is None else self._apart(self.pool, call)
        return Scored(
            arch=arch,
            scores={name: measured.value for name, measured in found.items()},
            reasons={name: measured.reason for name, measured in found.items() if measured.reason},
            seconds=time.perf_counter() - start,
        )

    def _apart(
        self, pool: Processes, call: Callable[[], Mapping[str, Measurement]]
    ) -> Mapping[str, Measurement]:
        """Score in the process; one that dies is replaced and tries again, once."""
        for _ in range(2):
            try:
                return pool.submit(call).result()
            except WorkerDied as error:
                reason = f"{error}, twice"
            except TimedOut as error:
                reason = str(error)
                break
        return dict.fromkeys(self.objective.proxies, Measurement(math.nan, f"{NOT_MEASURED}{reason}", 0.0))

    def _keep(self, scored: Scored) -> None:
        """Keep scores; what was not measured, for now alone: the next call tries it again."""
        if any(reason.startswith(NOT_MEASURED) for reason in scored["reasons"].values()):
            self.checkpoint.scored[scored["arch"]] = scored
        else:
            self.checkpoint.add(scored)

    @property
    def _is_counted(self) -> bool:
        """Whether #Params and #FLOPs are all that is asked for, and the space has a formula for them."""
        has_formula = type(self.space).counts is not Space.counts
        return has_formula and {"params", "flops"}.issuperset(self.objective.proxies)

    def found(self) -> Found:
        """Return what was found in the steps so far."""
        history = pd.DataFrame([self._row(arch) for arch in self.proposed])
        history.loc[history.duplicated("arch"), "seconds"] = 0.0
        return Found(self.best(list(dict.fromkeys(self.proposed))), history, self.objective)

    def _row(self, arch: str) -> dict[str, object]:
        counts, scored = self.budget.counts(arch), self.checkpoint.scored[arch]
        return {
            "arch": arch,
            "parameters": counts.params,
            "macs": counts.macs,
            **scored["scores"],
            "seconds": scored["seconds"],
            "reasons": "; ".join(scored["reasons"].values()),
        }


def _found(
    space_name: str,
    arch: str,
    images: Batch,
    proxies: Sequence[str],
    seed: int,
    device: str | None,
    threads: int,
) -> Mapping[str, Measurement]:
    """Build and score a network with so many threads of torch, in whichever process."""
    torch.set_num_threads(threads)
    cells = space(space_name)
    fitted = cells.images_for(arch, images)
    return measure(cells.build_for(arch, fitted, seed), fitted, proxies, seed, device)


def search(  # noqa: PLR0913 - settings, all of them keyword-only
    space_name: str,
    *,
    proxies: Sequence[str] | str,
    algorithm: str = "evolution",
    steps: int = 10_000,
    macs: float | None = None,
    batch_name: str = "imagenet1k",
    batch_size: int = 16,
    image_size: int | None = None,
    seed: int = 0,
    device: str | None = None,
    population: int = POPULATION,
    checkpoint: str | Path | None = None,
    time_limit: float | None = None,
    progress: bool = True,
) -> Found:
    """Search a space for the architecture that proxies rank highest.

    Parameters
    ----------
    space_name : str
        One of `zsnas.list_spaces`.
    proxies : sequence of str, or one name
        One, or several whose ranks are added, see `Objective`.
    algorithm : str
        One of `ALGORITHMS`.
    steps : int
        Architectures that are proposed; one that is proposed again costs a step and no time.
    macs : float, optional
        Budget in multiply-accumulates of one image; by default none.
    batch_name, batch_size
        The images that proxies see, see `zsnas.batch`; so many of a class as the proxies compare.
    image_size : int, optional
        Side of the images at which `macs` counts; by default that of the batch.
    seed : int
        Draws the architectures, the weights and the images.
    device : str, optional
        Where to score, see `zsnas.measure`; by default the processor.
    population : int
        Of evolution, a quarter of which competes to have a child. It is drawn at random, so that a search of
        no more steps is a random one.
    checkpoint : path, optional
        Keeps every score, so that the same call goes on where a killed one stopped; one with more steps
        too.
    time_limit : float, optional
        Seconds for one architecture. It is then scored in a process of its own, which is replaced when it
        takes longer or dies; after that it has no score, with the reason. A script needs the usual
        ``if __name__ == "__main__":``. By default this process scores, and ends when a proxy ends it.
    progress : bool
        Show a bar on standard error.

    Raises
    ------
    ValueError
        When an argument is unknown or out of range; its kinds `BudgetError`, when no architecture stays
        within the budget, and `CheckpointError`, when the checkpoint belongs to another search.
    """
    check_choice("search algorithm", algorithm, ALGORITHMS)
    steps, seed = as_whole("steps", steps, 1, example="10_000"), as_seed(seed)
    batch_size = as_whole("batch_size", batch_size, 1, example="16")
    image_size = None if image_size is None else as_whole("image_size", image_size, 1, example="224")
    population = as_whole("population", population, 1, example="20")
    check_limit("time_limit", time_limit)
    check_limit("macs", macs)
    macs = math.inf if macs is None else macs
    check_placement(device, None)
    objective, cells = Objective(proxies), space(space_name)
    own = [proxy(name) for name in objective.proxies]
    modules = () if time_limit is None else modules_for(space_name, batch_name, own)
    compared = max(proxy(name).images_per_class for name in objective.proxies)
    images = batch(batch_name, batch_size, seed, images_per_class=compared)
    _check_takes(cells, images, seed)
    side = image_size or images.images.shape[-1]
    example = None if images.kind == "images" else images.images[:1]
    budget = Budget(cells, macs, images.num_classes, side, example)
    settings = {
        "space": space_name,
        "algorithm": algorithm,
        "proxies": list(objective.proxies),
        "macs": macs if math.isfinite(macs) else None,
        "image_size": side,
        "batch": images.source,
        "batch_size": batch_size,
        "seed": seed,
        "zsnas": __version__,
        "torch": torch.__version__,
    } | ({"device": device} if device else {})
    settings |= {"population": population} if population != POPULATION else {}
    path = None if checkpoint is None else as_path("the checkpoint", checkpoint, "search.jsonl")
    with (
        Checkpoint(path, settings) as kept,
        progress_bar(space_name, steps, unit="step", shown=progress) as bar,
        ExitStack() as stack,
    ):
        pool = None if time_limit is None else Processes(1, modules, time_limit)
        if pool is not None:
            stack.callback(pool.shutdown, cancel_futures=True)
        run = Run(cells, objective, budget, images, seed, steps, kept, bar, device, pool, population)
        try:
            ALGORITHMS[algorithm](run)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_stopped(run)) from None
        return run.found()


def _check_takes(cells: Space, images: Batch, seed: int) -> None:
    """Raise a ValueError where the networks of a space do not take series, tokens or such channels."""
    if images.kind == "images" and images.images.shape[1] == CHANNELS:
        return
    arch = cells.sample(random.Random(seed))
    two = replace(images, images=images.images[:2], labels=images.labels[:2])
    fitting = cells.images_for(arch, two)
    if failure := misfit(cells.build_for(arch, fitting, seed), fitting):
        shape = " × ".join(map(str, images.images.shape[1:]))
        raise ValueError(
            f"the networks of the space {cells.name!r} do not take the {images.kind} of this batch, {shape} "
            f"({failure}); choose another batch, or a space of your own"
        )


def _stopped(run: Run) -> str:
    done = f"stopped after {len(run.proposed):,} of {run.steps:,} steps"
    if run.checkpoint.path is None:
        return f"{done}; nothing is kept without a checkpoint"
    return f"{done}; the scores are in {run.checkpoint.path} and the same command resumes"

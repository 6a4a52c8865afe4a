"""Latency of networks, measured on this machine: one image, one thread on one core, networks in turns.

A latency is a wall-clock time, so whatever else the machine does is in it. Three things keep that small and
visible. Networks are measured in blocks, and the networks of a block take turns: in every round each of them
is warmed up and timed some times, and the median counts. The latency is the median of the rounds, the spread
the largest minus the smallest of them. And before every block the same reference network is timed, which
shows whether the machine has become faster or slower since.

``zsnas latency nats-sss/imagenet16-120`` measures the architectures of a benchmark, on a machine that does
nothing else.
"""

from __future__ import annotations

import copy
import io
import os
import platform
import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pandas as pd
import torch

from zsnas._files import checked_file, replacing
from zsnas._progress_bar import progress_bar
from zsnas._version import __version__
from zsnas.checksums import read_checked, update
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn

Shape: TypeAlias = tuple[int, ...]
Build: TypeAlias = "Callable[[str], tuple[nn.Module, Shape]]"

__all__ = ["Latency", "latencies", "machine", "measure", "measure_all", "published_path"]

REPEATS, WARMUP, ROUNDS = 8, 3, 5

BLOCK = 32
"""Networks that take turns. oneDNN remembers 1,024 operations that it has prepared, and a network of the size
space has up to 22; what it has forgotten, it prepares again in the warm-up."""


class Latency(NamedTuple):
    """What an inference takes.

    Attributes
    ----------
    latency_ms : float
        Median of the rounds.
    spread_ms : float
        Largest minus smallest of the rounds.
    """

    latency_ms: float
    spread_ms: float


def measure(
    network: nn.Module,
    shape: Shape | torch.Tensor,
    *,
    batch: int = 1,
    device: str = "cpu",
    repeats: int = REPEATS,
    warmup: int = WARMUP,
    rounds: int = ROUNDS,
) -> Latency:
    """Time an inference: in evaluation mode, without gradients, of the processor in one thread on one core.

    Parameters
    ----------
    network : nn.Module
        A copy of it is timed.
    shape : tuple of int, or Tensor
        Of an image, without the batch: ``(3, 32, 32)``; or the inputs themselves, such as tokens (n, length).
    batch : int
        Images at once, where there is a shape.
    device : str
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; an inference ends when the device has done it.
    repeats : int
        Timed inferences of a round.
    warmup : int
        Inferences before them that are not timed.
    rounds : int

    Raises
    ------
    ValueError
        When there are no repeats or rounds.

    Examples
    --------
    >>> network = zsnas.spaces.space("nats-sss").build("8:8:8:8:8", num_classes=120, seed=0)
    >>> 0 < measure(network, (3, 16, 16)).latency_ms < 1000
    True
    """
    settings = _Settings(repeats, warmup, rounds)
    with _one_thread():
        work = _inference(copy.deepcopy(network).to(device), shape, batch, torch.device(device))
        (found,) = _in_turns([work], settings)
    return found


def measure_all(  # noqa: PLR0913 - settings, keyword-only
    names: Sequence[str],
    build: Build,
    path: str | Path,
    *,
    column: str = "arch",
    repeats: int = REPEATS,
    warmup: int = WARMUP,
    rounds: int = ROUNDS,
    block: int = BLOCK,
    progress: bool = True,
) -> pd.DataFrame:
    """Time many networks and keep the results in a Parquet file; the same call goes on where one stopped.

    Parameters
    ----------
    names : sequence of str
        In the order in which they are measured. If the file does not exist yet, the first is the reference.
    build : callable
        Returns the network of a name and the shape of its input, without the batch.
    path : path
        Replaced in one step after every block; what it already has is not measured again.
    column : str
        For the names.
    repeats, warmup, rounds : int
        As for :func:`measure`.
    block : int
        How many networks take turns.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    DataFrame
        What the file holds, in the order of measurement: the names; ``latency_ms`` and ``spread_ms``, see
        :class:`Latency`; ``reference_ms``, the latency of the reference just before the block. ``attrs`` says
        how it was measured, and where.

    Raises
    ------
    ValueError
        When the file was measured on another machine or in another way, or a setting is out of range.
    KeyboardInterrupt
        On Ctrl-C, saying how much is stored.
    """
    settings = _Settings(repeats, warmup, rounds)
    target = checked_file("a table of latencies", path, ".parquet", makes_folder=True)
    if block < 1 or not names:
        raise ValueError(f"there are {len(names)} names and {block} in a block; give at least one of each")
    table = _start(target, column, {"reference": names[0], "block": block, **asdict(settings), **machine()})
    known = set(table[column])
    todo = [name for name in names if name not in known]
    done = len(names) - len(todo)
    bar = progress_bar("latency", len(names), unit="network", done=done, shown=progress)
    with _one_thread(), bar:
        reference = _inference(*build(table.attrs["reference"]))
        try:
            for start in range(0, len(todo), block):
                chosen = todo[start : start + block]
                table = _append(table, _block(chosen, build, reference, settings), column, target)
                bar.update(len(chosen))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped: {len(table):,} latencies are in {target}; the same command resumes"
            ) from None
    return table


def latencies(name: str) -> pd.DataFrame:
    """Read measured latencies that are published with the project, as :func:`measure_all` returned them.

    Parameters
    ----------
    name : str
        Of a search space, such as ``"nats-sss"``, or ``"kernels"``.

    Raises
    ------
    FileNotFoundError
        When there are none.
    """
    path = published_path(name)
    if not path.exists():
        raise FileNotFoundError(
            f"no latencies of {name!r} are published ({path} does not exist); `zsnas latency` measures them"
        )
    return pd.read_parquet(io.BytesIO(read_checked(path, DATA)))


def published_path(name: str) -> Path:
    """Return where the published latencies of a search space are, or would be."""
    path = DATA / "latency" / f"{name}.parquet"
    sys.audit("zsnas.looks_for", str(path))  # a page rests on a table that is not there, too
    return path


def machine() -> dict[str, str]:
    """Say what latencies were measured on: processor, core, threads, versions."""
    cores = f"{os.cpu_count()} cores, of which one is used"
    extensions = torch.backends.cpu.get_cpu_capability()
    return {
        "machine": f"{_processor()}, {extensions}, {cores}, {platform.system()}",
        "threads": "1, pinned" if hasattr(os, "sched_setaffinity") else "1, not pinned",
        "torch": torch.__version__,
        "zsnas": __version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{platform.machine()}, {models[0] if models else platform.processor() or 'unknown processor'}"


@dataclass(frozen=True)
class _Settings:
    repeats: int
    warmup: int
    rounds: int

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.rounds < 1 or self.warmup < 0:
            raise ValueError(
                f"there are {self.repeats} repeats, {self.rounds} rounds and {self.warmup} inferences to "
                "warm up; the first two must be at least 1, the last at least 0"
            )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread that stays on one core, without gradients."""
    threads, pinned = torch.get_num_threads(), hasattr(os, "sched_setaffinity")
    cores = os.sched_getaffinity(0) if pinned else set()
    torch.set_num_threads(1)
    if pinned:
        os.sched_setaffinity(0, {max(cores)})
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
        if pinned:
            os.sched_setaffinity(0, cores)


def _inference(
    network: nn.Module,
    shape: Shape | torch.Tensor,
    batch: int = 1,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> Callable[[], object]:
    if not isinstance(shape, torch.Tensor):
        shape = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0))
    work = partial(network.eval(), shape.to(device))
    if device.type == "cpu":
        return work
    wait = getattr(torch, device.type).synchronize

    def until_done() -> None:
        work()
        wait()

    return until_done


def _block(
    names: Sequence[str], build: Build, reference: Callable[[], object], settings: _Settings
) -> pd.DataFrame:
    works = [_inference(*build(name)) for name in names]
    (before,) = _in_turns([reference], settings)
    table = pd.DataFrame(_in_turns(works, settings), columns=Latency._fields)
    return table.assign(reference_ms=before.latency_ms, name=names)


def _in_turns(works: Sequence[Callable[[], object]], settings: _Settings) -> list[Latency]:
    rounds = [[_median_ms(work, settings) for work in works] for _ in range(settings.rounds)]
    return [Latency(statistics.median(times), max(times) - min(times)) for times in zip(*rounds, strict=True)]


def _median_ms(work: Callable[[], object], settings: _Settings) -> float:
    for _ in range(settings.warmup):
        work()
    return statistics.median(_ms(work) for _ in range(settings.repeats))


def _ms(work: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / 1e6


def _start(path: Path, column: str, facts: dict[str, Any]) -> pd.DataFrame:
    """Return what a file holds, or an empty table; its ``attrs`` are the facts of the measurement."""
    if not path.exists():
        table = pd.DataFrame({column: [], **{name: [] for name in (*Latency._fields, "reference_ms")}})
        table.attrs.update(facts)
        return table
    table = pd.read_parquet(path)
    facts["reference"] = table.attrs.get("reference")
    for name, value in facts.items():
        if table.attrs.get(name) != value:
            raise ValueError(
                f"{path} was measured with {name} {table.attrs.get(name)!r}, now it is {value!r}; "
                "these do not mix: choose another file"
            )
    return table


def _append(table: pd.DataFrame, found: pd.DataFrame, column: str, path: Path) -> pd.DataFrame:
    rows = found.rename(columns={"name": column})[list(table.columns)]
    longer = pd.concat([table, rows], ignore_index=True) if len(table) else rows
    longer.attrs.update(table.attrs)
    with replacing(path) as part:
        longer.to_parquet(part, index=False)
    update(path, DATA)
    return longer

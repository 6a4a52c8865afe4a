"""What a proxy costs, in units of a bare forward plus backward pass of the same network and batch.

``python -m zsnas.cost`` measures every proxy on NAS-Bench-201's largest network and writes the table that the
book shows, ``data/performance.csv``.
"""

from __future__ import annotations

import copy
import os
import platform
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import torch
import torch.nn.functional as F
from tqdm import tqdm

import zsnas
from zsnas.proxies import measure
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn

    from zsnas.batches import Batch

__all__ = ["LARGEST", "TABLE", "TOGETHER", "applicable", "costs"]

LARGEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
"""The cell with six 3×3 convolutions."""

TABLE = DATA / "performance.csv"
"""Where the measured costs are committed."""

TOGETHER = "together"
"""The row of all proxies in one call, which share their passes."""

BATCH_SIZE = 64
ROUNDS = 3


def costs(
    network: nn.Module, batch: Batch, proxies: Sequence[str], rounds: int = ROUNDS, *, progress: bool = False
) -> pd.DataFrame:
    """Measure what proxies cost, each alone and all together.

    In each round the bare pass (forward and backward of a training step, channels-last) is measured just
    before the proxies, so that whatever else the machine does meets both.

    Parameters
    ----------
    network : nn.Module
    batch : Batch
    proxies : sequence of str
    rounds : int
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    DataFrame
        One row per proxy, and one called "together": ``proxy``; ``cost``, ``low``, ``high``: median, smallest
        and largest of the rounds, in bare passes; ``seconds``: median; ``rounds``; ``batch_size``;
        ``machine``, ``torch``, ``zsnas``.
    """
    bare = _bare_pass(network, batch)
    bare()
    groups = [[name] for name in proxies] + [list(proxies)]
    rows = [
        _cost(partial(measure, network, batch, names), bare, rounds)
        for names in tqdm(groups, disable=not progress, desc="cost", unit="proxy")
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "proxy", [*proxies, TOGETHER])
    return table.assign(
        rounds=rounds,
        batch_size=len(batch.images),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}",
        torch=torch.__version__,
        zsnas=zsnas.__version__,
    )


def applicable(network: nn.Module, batch: Batch, proxies: Iterable[str] | None = None) -> list[str]:
    """Return the proxies, without variants, that have a value for a network; by default of all."""
    names = zsnas.list_proxies() if proxies is None else list(proxies)
    originals = [name for name in names if zsnas.proxy(name).variant_of is None]
    return [name for name, found in measure(network, batch, originals).items() if found.reason is None]


def _bare_pass(network: nn.Module, batch: Batch) -> Callable[[], object]:
    model = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
    images = batch.images.to(memory_format=torch.channels_last)
    return lambda: torch.autograd.grad(
        F.cross_entropy(model(images), batch.labels), tuple(model.parameters()), allow_unused=True
    )


def _cost(work: Callable[[], object], bare: Callable[[], object], rounds: int) -> dict[str, float]:
    times = [(_seconds(bare), _seconds(work)) for _ in range(rounds)]
    ratios = [mine / unit for unit, mine in times]
    return {
        "cost": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "seconds": statistics.median(mine for _, mine in times),
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure every proxy that applies to the largest network, and write the table."""
    batch = zsnas.batch("cifar100", size=BATCH_SIZE, seed=0)
    network = zsnas.space("nb201").build(LARGEST, batch.num_classes, 0)
    names = applicable(network, zsnas.batch("cifar100", size=4, seed=0))
    costs(network, batch, names, progress=True).round(4).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()

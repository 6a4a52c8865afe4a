"""How much time a stack saves: the same networks, one by one and together.

``python -m zsnas.training.speed`` writes ``data/training/speed.csv``. It counts time of the processor, not of
waiting, and in turns. A machine that does other work empties its caches meanwhile, which costs many small
steps more than few large ones: measure on one that does nothing else.
"""

from __future__ import annotations

import time
from statistics import median

import pandas as pd
import torch
from torch import Tensor, nn

from zsnas.hardware.measure import machine
from zsnas.sources import DATA
from zsnas.spaces.nb201_digits import NB201Digits
from zsnas.training.recipe import Recipe, examples, train
from zsnas.training.share import STACK, cells
from zsnas.training.stack import Stack

TABLE = DATA / "training" / "speed.csv"
TOGETHER = (1, 8, STACK)
ROUNDS = 3


class Alone(nn.Module):
    """A network as a stack of one that is computed as its space built it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 3, height, width) to logits (1, batch, classes)."""
        logits: Tensor = self.network(images)
        return logits[None]


def measured(recipe: Recipe | None = None, rounds: int = ROUNDS) -> pd.DataFrame:
    """Train the first cells one by one, and in stacks of several sizes.

    Parameters
    ----------
    recipe
        By default that of the benchmark.
    rounds
        Of which the median is taken.

    Returns
    -------
    DataFrame
        ``together``, 0 for networks as they are built; ``cpu_seconds``, of one network; where.
    """
    found: dict[int, list[float]] = {count: [] for count in (0, *TOGETHER)}
    for _ in range(rounds):
        for count, seconds in found.items():
            seconds.append(_seconds(count, recipe or Recipe()))
    rows = [{"together": count, "cpu_seconds": round(median(each), 5)} for count, each in found.items()]
    about = {name: value for name, value in machine().items() if name != "threads"}
    return pd.DataFrame(rows).assign(threads=torch.get_num_threads(), **about)


def _seconds(together: int, recipe: Recipe) -> float:
    """Return the seconds a network: of the first cells in a stack, of eight of them by themselves."""
    archs = cells()[: together or TOGETHER[1]]
    networks = [NB201Digits().build(arch, 10, 0) for arch in archs]
    models = [Stack(archs, networks)] if together else [Alone(network) for network in networks]
    parts, start = examples(), time.process_time()
    for model in models:
        train(model, *parts, recipe=recipe, seed=0)
    return (time.process_time() - start) / len(archs)


def main() -> None:
    """Measure with one thread and write the table."""
    torch.set_num_threads(1)
    measured().to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()

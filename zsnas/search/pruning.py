"""Pruning at initialisation: a supernet of all operations loses the worst one of each edge, round by round.

Source: the survey's section 4.5.2, after Chen et al. 2021, TE-NAS.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.proxies import measure
from zsnas.search._budget import Budget, BudgetError
from zsnas.spaces import nb201, space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsnas.batches import Batch
    from zsnas.search._objective import Objective

Kept = tuple[tuple[str, ...], ...]
"""The operations that each edge of the cell still has."""


class Pruned(NamedTuple):
    """The architecture that is left, what each edge had after every round, and how many networks it took."""

    arch: str
    rounds: list[Kept]
    evaluations: int


class _Sum(nn.Module):
    """All operations of an edge at once."""

    def __init__(self, operations: list[nn.Module]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = sum((operation(x) for operation in self.operations), torch.zeros_like(x))
        return out


def supernet(kept: Kept, num_classes: int, seed: int) -> nn.Module:
    """Return a network of NAS-Bench-201 whose edges add up all operations that they still have.

    Weights are drawn from ``seed``. An edge with no operation but ``none`` gives nothing.

    Parameters
    ----------
    kept
        For each edge, the operations that are left.
    num_classes
        Outputs of the network.
    seed
        Draws the weights.
    """
    with torch_seeded(seed):
        network = nb201.Network(("none",) * len(nb201.EDGES), num_classes)
        cells = [module for module in network.modules() if isinstance(module, nb201.Cell)]
        for number, cell in enumerate(cells):
            channels = nb201.CHANNELS[number // nb201.CELLS_PER_STAGE]
            cell.operations = nn.ModuleDict(
                {
                    f"{source}to{target}": _Sum(
                        [nb201.operation(name, channels, channels) for name in names if name != "none"]
                    )
                    for (source, target), names in zip(nb201.EDGES, kept, strict=True)
                }
            )
    return network


def prune(objective: Objective, images: Batch, macs: float = math.inf, seed: int = 0) -> Pruned:
    """Prune the supernet of NAS-Bench-201 until each edge has one operation.

    In every round and on every edge the operation goes without which the supernet scores best. The cheapest
    architecture that is left has to stay within the budget.

    Parameters
    ----------
    objective : Objective
        Of several proxies, ranks are among the removals that an edge allows.
    images : Batch
        What the proxies see; the budget counts at their size.
    macs : float
        Budget in multiply-accumulates of one image.
    seed : int
        Draws the weights.

    Raises
    ------
    BudgetError
        When not even the cheapest architecture stays within the budget.
    """
    budget = Budget(space("nb201"), macs, images.num_classes, images.images.shape[-1])
    kept: Kept = (nb201.OPERATIONS,) * len(nb201.EDGES)
    if not budget.allows(_cheapest(kept)):
        raise BudgetError(
            f"no architecture of 'nb201' needs {macs:,.0f} multiply-accumulates or fewer; the cheapest "
            f"needs {budget.counts(_cheapest(kept)).macs:,}"
        )
    rounds, evaluations = [kept], 0
    while any(len(names) > 1 for names in kept):
        for edge in range(len(kept)):
            candidates = [other for other in _without_one(kept, edge) if budget.allows(_cheapest(other))]
            if len(candidates) > 1:
                scores = [_scores(other, objective, images, seed) for other in candidates]
                evaluations += len(scores)
                kept = candidates[objective.best(scores)]
            elif candidates:
                kept = candidates[0]
        rounds.append(kept)
    return Pruned(_cheapest(kept), rounds, evaluations)


def _without_one(kept: Kept, edge: int) -> Iterator[Kept]:
    names = kept[edge]
    if len(names) > 1:
        for gone in names:
            yield (*kept[:edge], tuple(name for name in names if name != gone), *kept[edge + 1 :])


# From no multiply-accumulate to nine for each channel.
_COST = ("none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")


def _cheapest(kept: Kept) -> str:
    return nb201.TEMPLATE.format(*(min(names, key=_COST.index) for names in kept))


def _scores(kept: Kept, objective: Objective, images: Batch, seed: int) -> dict[str, float]:
    network = supernet(kept, images.num_classes, seed)
    found = measure(network, images, objective.proxies, seed)
    return {name: measured.value for name, measured in found.items()}

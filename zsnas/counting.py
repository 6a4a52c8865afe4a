"""#Params and #FLOPs of all architectures of a space, exactly, from a few networks that are counted.

Both proxies add up what the parts of a network hold or cost. In NAS-Bench-201 each edge of the cell is a part
that depends on its own operation only. The counts of an architecture are therefore those of the empty cell
plus one contribution for each edge, and 24 networks with a single operation, counted one by one, give all
15,625. In the size space of NATS-Bench a part depends on two neighbouring widths at most, and 232 networks
that are narrow elsewhere give all 32,768. In TransNAS-Bench-101's micro space an edge is such a part too, and
19 networks give all 4,096, and in NAS-Bench-Macro a layer is one, so that 17 give all 6,561. For
NAS-Bench-101 there is a formula.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch

from zsnas.batches import batch
from zsnas.macs import MacCounter
from zsnas.spaces import _nb101_cells, nas_bench_macro, nats_sss, nb101, space, transnas
from zsnas.spaces.nb201 import EDGES, OPERATIONS, TEMPLATE, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

__all__ = ["Contributions", "contributions", "counts", "with_macs"]

COUNTED = ("params", "flops")
NOTHING = OPERATIONS[0]


class Contributions(NamedTuple):
    """What the network without any operation in its cells has, and what an operation on an edge adds.

    Attributes
    ----------
    empty : Series
        ``params`` and ``flops`` (multiply-accumulates an image) of the network whose cells are empty.
    added : DataFrame
        The same columns; indexed by ``edge`` (``"0→1"``) and ``operation``.
    """

    empty: pd.Series[int]
    added: pd.DataFrame


@cache
def contributions(num_classes: int, image_size: int) -> Contributions:
    """Count NAS-Bench-201's network with empty cells and those with one operation, by #Params and #FLOPs.

    Parameters
    ----------
    num_classes : int
    image_size : int
        Side of the square images in pixels: 32 for CIFAR, 16 for ImageNet16-120.
    """
    empty = _counted(TEMPLATE.format(*[NOTHING] * len(EDGES)), num_classes, image_size)
    added = {
        (f"{source}→{target}", operation): _counted(_single(k, operation), num_classes, image_size) - empty
        for k, (source, target) in enumerate(EDGES)
        for operation in OPERATIONS
    }
    index = pd.MultiIndex.from_tuples(added, names=["edge", "operation"])
    return Contributions(
        pd.Series(empty, COUNTED), pd.DataFrame(list(added.values()), index, columns=list(COUNTED))
    )


def counts(num_classes: int, image_size: int, name: str = "nb201") -> pd.DataFrame:
    """Return ``arch``, ``params`` and ``flops`` of every architecture of a space, in index order.

    Parameters
    ----------
    num_classes, image_size : int
        As for ``contributions``.
    name : str
        Of the space: "nas-bench-macro", "nats-sss", "nb101", "nb201" or "transnas-micro". The networks are
        classifiers; the head of another task of TransNAS-Bench-101 adds the same to every architecture, and
        changes no ranking.

    Raises
    ------
    ValueError
        For a space whose networks are not sums of such parts here, and for a network with an operation whose
        multiply-accumulates are not known.
    """
    if name not in _TOTALS:
        raise ValueError(
            f"the architectures of {name!r} cannot be counted from a few networks; those of "
            f"{', '.join(_TOTALS)} can, and zsnas.score counts any network by itself"
        )
    total = _TOTALS[name](num_classes, image_size)
    return pd.DataFrame({"arch": space(name).architectures, **dict(zip(COUNTED, total.T, strict=True))})


def with_macs(bench: Benchmark) -> Benchmark:
    """Return the benchmark with ``million_macs``, the multiply-accumulates of an image, in its table.

    Raises
    ------
    ValueError
        As for :func:`counts`.
    """
    image = batch(bench.batch, size=1)
    found = counts(image.num_classes, image.images.shape[-1], bench.space)
    macs = found.assign(million_macs=found["flops"] / 1e6)[["arch", "million_macs"]]
    return replace(bench, table=bench.table.merge(macs, on="arch"))


def _of_cells(num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up the contributions of the edges: shape (architectures, counts)."""
    empty, added = contributions(num_classes, image_size)
    table = added.to_numpy().reshape(len(EDGES), len(OPERATIONS), len(COUNTED))
    chosen = np.array(
        [[OPERATIONS.index(name) for name in parse(arch)] for arch in space("nb201").architectures]
    )
    return np.asarray(empty.to_numpy() + sum(table[edge][chosen[:, edge]] for edge in range(len(EDGES))))


def _of_widths(num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up the counts along the chain of widths: shape (architectures, counts).

    The networks that are narrow but for two neighbours are counted. An inner layer has two neighbours, so
    what it adds by itself is taken off once.
    """
    pairs = np.array(
        [
            [
                [_counted(_pair(layer, *free), num_classes, image_size, "nats-sss") for free in row]
                for row in _GRID
            ]
            for layer in range(nats_sss.LAYERS - 1)
        ]
    )
    chosen = np.indices([len(nats_sss.WIDTHS)] * nats_sss.LAYERS).reshape(nats_sss.LAYERS, -1)
    twice = sum(pairs[layer][chosen[layer], 0] for layer in range(1, len(pairs)))
    neighbours = sum(pair[chosen[layer], chosen[layer + 1]] for layer, pair in enumerate(pairs))
    return np.asarray(neighbours - twice)


_GRID = [[(width, following) for following in nats_sss.WIDTHS] for width in nats_sss.WIDTHS]


def _pair(layer: int, width: int, following: int) -> str:
    """Write the architecture that is narrow but for a layer and the one after it."""
    widths = [nats_sss.WIDTHS[0]] * nats_sss.LAYERS
    widths[layer : layer + 2] = width, following
    return ":".join(map(str, widths))


def _of_micro_cells(num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up the contributions of the edges: shape (architectures, counts)."""
    shape = (len(transnas.OPERATIONS),) * len(transnas.EDGES)
    return _of_parts("transnas-micro", shape, num_classes, image_size)


def _of_layers(num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up the contributions of the layers: shape (architectures, counts)."""
    shape = (len(nas_bench_macro.OPERATIONS),) * nas_bench_macro.LAYERS
    return _of_parts("nas-bench-macro", shape, num_classes, image_size)


def _of_parts(name: str, shape: tuple[int, ...], num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up what the operation of each part adds to the first network: shape (architectures, counts).

    Parameters
    ----------
    name
        Of the space; the operation of the last part changes fastest in it.
    shape
        How many operations each part has.
    num_classes, image_size
        As for ``counts``.
    """
    operations = shape[0]
    steps = operations ** np.arange(len(shape))[::-1]  # to the next operation in the space
    architectures = space(name).architectures
    single = np.array(
        [
            [
                _counted(architectures[step * operation], num_classes, image_size, name)
                for operation in range(operations)
            ]
            for step in steps
        ]
    )
    empty = single[0, 0]
    chosen = np.indices(shape).reshape(len(shape), -1)
    return np.asarray(empty + sum((single[edge] - empty)[chosen[edge]] for edge in range(len(shape))))


def _of_graphs(num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Count by the formula of NAS-Bench-101: shape (architectures, counts)."""
    return nb101.counted(_nb101_cells.written(), num_classes, image_size)


_TOTALS: dict[str, Callable[[int, int], NDArray[np.int64]]] = {
    "nb201": _of_cells,
    "nats-sss": _of_widths,
    "transnas-micro": _of_micro_cells,
    "nas-bench-macro": _of_layers,
    "nb101": _of_graphs,
}


def _single(edge: int, operation: str) -> str:
    """Write the architecture that has an operation on one edge only."""
    return TEMPLATE.format(*(operation if k == edge else NOTHING for k in range(len(EDGES))))


@cache
def _counted(arch: str, num_classes: int, image_size: int, name: str = "nb201") -> NDArray[np.int64]:
    network = space(name).build(arch, num_classes, seed=0).eval()
    with MacCounter() as counter, torch.no_grad():
        network(torch.zeros(1, 3, image_size, image_size))
    if counter.unknown:
        raise ValueError(
            f"the flops of {arch!r} in {name!r} are not known exactly, nor then those of the space, because "
            f"they leave out: {', '.join(sorted(counter.unknown))}; zsnas.score counts any network by itself"
        )
    return np.array([sum(map(torch.numel, network.parameters())), counter.total], dtype=np.int64)

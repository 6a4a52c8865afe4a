"""Latency by kernels, after nn-Meter: a network takes as long as all the kernels that it is cut into.

Fusion rules (:data:`FUSIONS`) say which operations make one kernel when nothing else uses what is between
them. Every kind of kernel has a regression of its own. It learns from kernels that were measured one by one
(``zsnas latency kernels``), never from a network, so that it can predict networks of a space that it has not
seen, as long as they are made of these kernels.

Differences from the paper: nn-Meter finds out by tests which operations a runtime fuses; here torch executes
operation after operation, and a kernel is what always comes together in these networks. nn-Meter trains
random forests on kernels that it samples adaptively; here the logarithm of a latency is a least-squares
polynomial of the logarithms of sizes, and the kernels are a grid.

Source: Zhang et al. 2021, nn-Meter: towards accurate latency prediction of deep-learning model inference on
diverse edge devices.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import product
from math import fsum
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zsnas.hardware._cut import FUSIONS, cut
from zsnas.hardware._kernel import Kernel, both, build
from zsnas.hardware._predictor import Predictor
from zsnas.spaces import space
from zsnas.spaces.nb201 import EDGES, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.hardware._predictor import Floats

__all__ = ["FUSIONS", "Kernel", "KernelModel", "build", "cut", "sampled"]

LAST_NODE = "|skip_connect~0|+|none~0|skip_connect~1|+|{}~0|{}~1|{}~2|"
"""Cells of NAS-Bench-201 that have no kernel but at the last node."""


def sampled() -> list[str]:
    """Return the kernels to measure: a grid over widths and sizes of each kind in the spaces, shuffled.

    In this order, the first kernels are a sample of all kinds.
    """
    widths, sizes = (8, 16, 24, 32, 48, 64), (4, 8, 16, 32)
    pairs = [*product(widths, widths, sizes)]
    same = [*product(widths, sizes)]
    grid = [
        *(Kernel("relu-conv-bn", i, o, size, window) for i, o, size in pairs for window in (1, 3)),
        *(Kernel("relu-conv-bn", i, o, size, 3, 2) for i, o, size in pairs if size > 4),
        *(Kernel("conv-bn", i, o, size) for i, o, size in pairs),
        *(Kernel("conv-bn", 3, o, size, 3) for o, size in product(widths, (16, 32))),
        *(Kernel("conv", i, o, size) for i, o, size in pairs if size < 32),
        *(Kernel("avg_pool", c, c, size, *window) for c, size in same for window in ((3, 1), (2, 2))),
        *(
            Kernel(kind, c, c, size)
            for kind in ("add", "zeros", "bn-relu", "global_pool")
            for c, size in same
        ),
        *(Kernel("linear", c, classes, 1) for c, classes in product(widths, (10, 100, 120))),
    ]
    order = np.random.default_rng(0).permutation(len(grid))
    return [str(grid[k]) for k in order]


class KernelModel(Predictor):
    """Predicts networks from measured kernels: its `fit` learns the latency of kernels, not of architectures.

    Parameters
    ----------
    space_name : str
        Whose architectures are predicted.
    num_classes, image_size : int
        Of the data set.
    seed : int
        Nothing is drawn.

    Examples
    --------
    ``KernelModel().fit(table["kernel"], table["latency_ms"]).predict(architectures)``, with the table
    ``zsnas.hardware.latencies("kernels")``.

    References
    ----------
    Zhang et al. 2021, nn-Meter.
    """

    def __init__(
        self, space_name: str = "nb201", num_classes: int = 10, image_size: int = 32, seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.space_name, self.num_classes, self.image_size = space_name, num_classes, image_size

    def _fit(self, architectures: list[str], latency: Floats) -> None:
        if latency.ndim != 1:
            raise ValueError(
                f"kernels are of one device, and these latencies have shape {latency.shape}; give shape (n,)"
            )
        kernels = [Kernel.parse(text) for text in architectures]
        self._scale = 1.0
        self._coefficients = {
            group: _least_squares([k for k in kernels if _group(k) == group], latency[members])
            for group, members in _members(kernels).items()
        }

    def _predict(self, architectures: list[str]) -> Floats:
        counts = [self._counts(arch) for arch in architectures]
        kernels = dict.fromkeys(kernel for count in counts for kernel in count)
        latency = {kernel: self._latency(kernel) for kernel in kernels}
        # Whatever the order of its kernels, so that networks of the same kernels tie.
        totals = [fsum(times * latency[kernel] for kernel, times in count.items()) for count in counts]
        return self._scale * np.array(totals)

    def _adapt(self, architectures: list[str], latency: Floats) -> None:
        """Multiply all kernels by one factor; the method itself would have them measured again."""
        known = self._predict(architectures)
        self._scale *= float(known @ latency / (known @ known))

    def _counts(self, arch: str) -> Counter[Kernel]:
        if self.space_name == "nb201":
            return _of_nodes(arch, self.num_classes, self.image_size)
        return _cut(self.space_name, arch, self.num_classes, self.image_size)

    def _latency(self, kernel: Kernel) -> float:
        if _group(kernel) not in self._coefficients:
            raise ValueError(f"no kernel like {kernel} was measured; fit on kernels of this kind too")
        return float(np.exp(_features([kernel]) @ self._coefficients[_group(kernel)])[0])


@cache
def _cut(space_name: str, arch: str, num_classes: int, image_size: int) -> Counter[Kernel]:
    with torch.device("meta"):
        network = space(space_name).build(arch, num_classes, 0).eval()
    return Counter(cut(network, (3, image_size, image_size)))


def _of_nodes(arch: str, num_classes: int, image_size: int) -> Counter[Kernel]:
    """Count the kernels of a NAS-Bench-201 network without building it, which takes most of a second.

    A node of a cell adds up its operations: k of them make k kernels of their own and k - 1 sums, none makes
    zeros. What each of these is, in all cells at once, follows from six networks that differ in one node.
    """

    def last_node(*operations: str) -> Counter[Kernel]:
        cell = LAST_NODE.format(*operations)
        return _cut("nb201", cell, num_classes, image_size)

    outside = last_node("skip_connect", "none", "none")
    total = Counter(outside)
    for names in _incoming(arch):
        for name in names:
            total += last_node(name, "none", "none") - outside
        for _ in names[1:]:
            total += last_node("skip_connect", "skip_connect", "none") - outside
        if not names:
            total += last_node("none", "none", "none") - outside
    return total


def _incoming(arch: str) -> list[list[str]]:
    """Return the operations, other than none, of each node that has incoming edges."""
    edges = list(zip(EDGES, parse(arch), strict=True))
    return [[name for (_, target), name in edges if target == node and name != "none"] for node in (1, 2, 3)]


def _group(kernel: Kernel) -> tuple[Any, ...]:
    """Return what the kernels of one regression have in common: all but channels and size."""
    kind, _inputs, _outputs, _size, *window = kernel
    return kind, *window


def _members(kernels: Sequence[Kernel]) -> dict[tuple[Any, ...], list[int]]:
    members: dict[tuple[Any, ...], list[int]] = {}
    for position, kernel in enumerate(kernels):
        members.setdefault(_group(kernel), []).append(position)
    return members


def _features(kernels: Sequence[Kernel]) -> Floats:
    """Return all products of up to three logarithms of channels and of the mean side: shape (kernels, 20)."""
    logs = np.log2([[k.inputs, k.outputs, *both(k.size)] for k in kernels]) / 4
    logs = np.column_stack([logs[:, :2], logs[:, 2:].mean(axis=1)])
    powers = [power for power in product(range(4), repeat=3) if sum(power) <= 3]
    return np.column_stack([np.prod(logs**power, axis=1) for power in powers])


def _least_squares(kernels: Sequence[Kernel], latency: Floats) -> Floats:
    found, *_ = np.linalg.lstsq(_features(kernels), np.log(latency), rcond=1e-6)
    return np.asarray(found)

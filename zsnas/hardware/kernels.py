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

import operator
from collections import Counter
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from zsnas.hardware._predictor import Predictor
from zsnas.spaces import space
from zsnas.spaces.nb201 import EDGES, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zsnas.hardware._predictor import Floats

FUSIONS = (
    ("relu", "conv", "bn"),
    ("conv", "bn"),
    ("bn", "relu"),
)
"""Operations that make one kernel, the first rule that fits; any other operation is a kernel by itself."""

MODULES: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv",
    nn.BatchNorm2d: "bn",
    nn.ReLU: "relu",
    nn.AvgPool2d: "avg_pool",
    nn.AdaptiveAvgPool2d: "global_pool",
    nn.Linear: "linear",
}
FUNCTIONS: dict[object, str] = {operator.add: "add", torch.zeros_like: "zeros"}
LAST_NODE = "|skip_connect~0|+|none~0|skip_connect~1|+|{}~0|{}~1|{}~2|"
"""Cells of NAS-Bench-201 that have no kernel but at the last node."""

FREE = (nn.Identity,)
FREE_METHODS = ("flatten",)
"""What moves no data."""


class Kernel(NamedTuple):
    """One kernel; its text ``relu-conv-bn:16:32:32:3:2`` has the same fields in the same order.

    Attributes
    ----------
    kind : str
        Names of its operations, joined by ``-``.
    inputs, outputs : int
        Channels.
    size : int
        Height and width of the input.
    window, stride : int
        Of the convolution or pooling; 1 without any.
    """

    kind: str
    inputs: int
    outputs: int
    size: int
    window: int = 1
    stride: int = 1

    def __str__(self) -> str:
        return ":".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Kernel:
        """Read the text of a kernel.

        Raises
        ------
        ValueError
            When it has not this form.
        """
        kind, *numbers = text.split(":")
        if len(numbers) != len(cls._fields) - 1 or not all(number.isdecimal() for number in numbers):
            raise ValueError(f"{text!r} is no kernel; the form is {':'.join(cls._fields)}")
        return cls(kind, *map(int, numbers))


class _Add(nn.Module):
    """The sum of two feature maps, one of which is held."""

    other: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("other", torch.ones(1, channels, size, size))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.other


class _Zeros(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class _Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


def build(text: str) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a kernel as a network, its weights drawn with torch's defaults, and the shape of its input.

    Raises
    ------
    ValueError
        When the text is no kernel, or of a kind that is not known.
    """
    kernel = Kernel.parse(text)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        parts = list(_operations(kernel))
    network = parts[0] if len(parts) == 1 else nn.Sequential(*parts)
    return network, (kernel.inputs, kernel.size, kernel.size)


def _operations(kernel: Kernel) -> Iterator[nn.Module]:
    inputs, outputs, window, stride = kernel.inputs, kernel.outputs, kernel.window, kernel.stride
    names = kernel.kind.split("-")
    make: dict[str, Callable[[], nn.Module]] = {
        "conv": lambda: nn.Conv2d(inputs, outputs, window, stride, padding=window // 2, bias=False),
        "bn": lambda: nn.BatchNorm2d(outputs if "conv" in names else inputs),
        "relu": nn.ReLU,
        "avg_pool": lambda: nn.AvgPool2d(window, stride, (window - 1) // 2, count_include_pad=False),
        "global_pool": lambda: nn.AdaptiveAvgPool2d(1),
        "linear": lambda: _Linear(inputs, outputs),
        "add": lambda: _Add(inputs, kernel.size),
        "zeros": _Zeros,
    }
    for name in names:
        if name not in make:
            raise ValueError(f"unknown operation {name!r} in {kernel}; known are {', '.join(make)}")
        yield make[name]()


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


def cut(network: nn.Module, shape: tuple[int, ...]) -> list[Kernel]:
    """Cut a network into its kernels, in the order of computation.

    Parameters
    ----------
    network : nn.Module
        May be on the device "meta", without any numbers.
    shape : tuple of int
        Of an image, without the batch.

    Raises
    ------
    ValueError
        When the network has an operation that is in no kernel.
    """
    traced = fx.symbolic_trace(network)
    device = next(network.parameters()).device
    ShapeProp(traced).propagate(torch.empty(1, *shape, device=device))
    names = {node: _name(traced, node) for node in traced.graph.nodes}
    kernels, done = [], set()
    for node in traced.graph.nodes:
        if node not in done and names[node]:
            chain = _fused(node, names)
            done.update(chain)
            kernels.append(_kernel(traced, chain, names))
    return kernels


def _name(traced: fx.GraphModule, node: fx.Node) -> str:
    """Return the name of an operation; empty when it takes no time."""
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        if isinstance(module, FREE):
            return ""
        found = MODULES.get(type(module))
    elif node.op == "call_function":
        found = FUNCTIONS.get(node.target)
    else:
        found = "" if node.op in {"placeholder", "output"} or node.target in FREE_METHODS else None
    if found is None:
        known = (*MODULES.values(), *FUNCTIONS.values())
        raise ValueError(f"the operation {node.format_node()} is in no kernel; known are {', '.join(known)}")
    return found


def _fused(node: fx.Node, names: dict[fx.Node, str]) -> list[fx.Node]:
    """Return the nodes of the kernel that begins here."""
    for rule in FUSIONS:
        chain = [node]
        while len(chain) < len(rule) and len(chain[-1].users) == 1:
            chain += chain[-1].users
        if tuple(names[member] for member in chain) == rule:
            return chain
    return [node]


def _kernel(traced: fx.GraphModule, chain: list[fx.Node], names: dict[fx.Node, str]) -> Kernel:
    before, after = chain[0].all_input_nodes[0], chain[-1]
    _, inputs, *sides = before.meta["tensor_meta"].shape
    outputs = after.meta["tensor_meta"].shape[1]
    windows = [_window(traced.get_submodule(str(node.target))) for node in chain if node.op == "call_module"]
    window, stride = max(windows, default=(1, 1))
    kind = "-".join(names[node] for node in chain)
    return Kernel(kind, inputs, outputs, sides[0] if sides else 1, window, stride)


def _window(module: nn.Module) -> tuple[int, int]:
    """Return side and stride of a convolution or pooling; (1, 1) for anything else."""
    side, stride = getattr(module, "kernel_size", 1), getattr(module, "stride", 1)
    return (side[0] if isinstance(side, tuple) else side), (
        stride[0] if isinstance(stride, tuple) else stride
    )


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
        latency = {kernel: self._latency(kernel) for kernel in set().union(*counts)}
        totals = [sum(times * latency[kernel] for kernel, times in count.items()) for count in counts]
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
    return kernel.kind, kernel.window, kernel.stride


def _members(kernels: Sequence[Kernel]) -> dict[tuple[Any, ...], list[int]]:
    members: dict[tuple[Any, ...], list[int]] = {}
    for position, kernel in enumerate(kernels):
        members.setdefault(_group(kernel), []).append(position)
    return members


def _features(kernels: Sequence[Kernel]) -> Floats:
    """Return all products of up to three logarithms of the sizes: shape (kernels, 20)."""
    logs = np.log2([[kernel.inputs, kernel.outputs, kernel.size] for kernel in kernels]) / 4
    powers = [power for power in product(range(4), repeat=3) if sum(power) <= 3]
    return np.column_stack([np.prod(logs**power, axis=1) for power in powers])


def _least_squares(kernels: Sequence[Kernel], latency: Floats) -> Floats:
    found, *_ = np.linalg.lstsq(_features(kernels), np.log(latency), rcond=1e-6)
    return np.asarray(found)

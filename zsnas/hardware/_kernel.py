"""One kernel: what names it, what it multiplies, and the network that is measured for it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Sides: TypeAlias = "int | tuple[int, int]"
"""Height and width; one number when they are the same."""

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "hardtanh": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}
"""Functions of every number by itself, by torch's names."""

_NUMBER, _PADDING = "[1-9][0-9]*", "[0-9]+(?:x[0-9]+)?"
_SIDES = f"{_NUMBER}(?:x{_NUMBER})?"
_FORM = re.compile(
    f"([a-z0-9_-]+):({_NUMBER}):({_NUMBER}):({_SIDES}):({_SIDES}):({_SIDES})"
    f"(?::groups=({_NUMBER}))?(?::padding=({_PADDING}))?(?::dilation=({_SIDES}))?"
)


class Kernel(NamedTuple):
    """One kernel; its text ``relu-conv-bn:16:32:32:3:2`` has the same fields in the same order.

    Height and width are one number when they are the same, else ``32x24``. The last three fields are written
    by name, and only when they are not the default: ``conv-bn:64:64:56:3:1:groups=32:padding=0``.

    Attributes
    ----------
    kind : str
        Names of its operations, joined by ``-``. In a "depthwise" convolution every input channel is a group.
        "add" and "mul" combine two feature maps, "shift" and "scale" one and something smaller.
    inputs, outputs : int
        Channels.
    size : Sides
        Of the input. Vectors, such as tokens, are a map of one column: 197 of them have the size ``197x1``.
    window, stride : Sides
        Of the convolution or pooling; 1 without any.
    groups : int
        Of a "conv".
    padding : Sides, optional
        At each end, or of a "pad" at both together. None: half of the window, which keeps the size of the
        input when the window is odd and the stride 1.
    dilation : Sides
        Of the window.
    """

    kind: str
    inputs: int
    outputs: int
    size: Sides
    window: Sides = 1
    stride: Sides = 1
    groups: int = 1
    padding: Sides | None = None
    dilation: Sides = 1

    def __str__(self) -> str:
        kind, *numbers = self[:6]
        named = {"groups": self.groups, "padding": self.padding, "dilation": self.dilation}
        told = [
            f"{name}={_text(value)}"
            for name, value in named.items()
            if value is not None and value != self._field_defaults[name]
        ]
        return ":".join([str(kind), *map(_text, numbers), *told])

    @classmethod
    def parse(cls, text: str) -> Kernel:
        """Read the text of a kernel.

        Raises
        ------
        ValueError
            When it has not this form.
        """
        found = _FORM.fullmatch(text)
        if not found:
            form = ":".join([*cls._fields[:6], *(f"{name}=" for name in cls._fields[6:])])
            raise ValueError(
                f"{text!r} is no kernel; the form is {form}, of which the last three may be absent"
            )
        kind, inputs, outputs, size, window, stride, groups, padding, dilation = found.groups()
        return cls(
            kind,
            int(inputs),
            int(outputs),
            _sides(size),
            _sides(window),
            _sides(stride),
            int(groups or 1),
            None if padding is None else _sides(padding),
            _sides(dilation or "1"),
        )

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        if "global_pool" in self.operations:
            return 1, 1
        ends = 1 if self.kind == "pad" else 2
        settings = (self.size, self.window, self.stride, self.paddings, self.dilation)
        height, width = (
            (size + ends * padding - dilation * (window - 1) - 1) // stride + 1
            for size, window, stride, padding, dilation in zip(*map(both, settings), strict=True)
        )
        return height, width

    @property
    def operations(self) -> list[str]:
        """Names of the operations."""
        return self.kind.split("-")

    @property
    def paddings(self) -> tuple[int, int]:
        """Padding of height and width."""
        if self.padding is not None:
            return both(self.padding)
        return half(both(self.window), both(self.dilation))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an image, as :class:`zsnas.macs.MacCounter` counts them."""
        inputs_of_an_output = {"conv": self.inputs // self.groups, "depthwise": 1, "linear": self.inputs}
        products = sum(inputs_of_an_output.get(name, 0) for name in self.operations)
        return products * math.prod(both(self.window)) * self.outputs * math.prod(self.output_size)


def both(given: Sides) -> tuple[int, int]:
    """Return height and width."""
    return given if isinstance(given, tuple) else (given, given)


def sides(height: int, width: int | None = None) -> Sides:
    """Return height and width as one number when they are the same."""
    return height if width in {height, None} else (height, width)


def half(window: Sequence[int], dilation: Sequence[int]) -> tuple[int, int]:
    """Return half of a window, rounded down: the padding of a kernel that says nothing else."""
    height, width = (step * (length - 1) // 2 for length, step in zip(window, dilation, strict=True))
    return height, width


def _sides(text: str) -> Sides:
    return sides(*map(int, text.split("x")))


def _text(value: Sides) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def build(text: str) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a kernel as a network, its weights drawn with torch's defaults, and the shape of its input.

    Raises
    ------
    ValueError
        When the text is no kernel, or of a kind that is not known.
    """
    kernel = Kernel.parse(text)
    with torch_seeded(0):
        parts = list(_parts(kernel))
    network = parts[0] if len(parts) == 1 else nn.Sequential(*parts)
    height, width = both(kernel.size)
    if kernel.kind == "layer_norm" or (kernel.kind == "linear" and kernel.size != 1):
        return network, (height * width, kernel.inputs)
    return network, (kernel.inputs, height, width)


def _parts(kernel: Kernel) -> Iterator[nn.Module]:
    inputs, outputs, window, stride = kernel.inputs, kernel.outputs, both(kernel.window), both(kernel.stride)
    padding, dilation, size = kernel.paddings, both(kernel.dilation), both(kernel.size)

    def convolution(groups: int) -> nn.Module:
        return nn.Conv2d(inputs, outputs, window, stride, padding, dilation, groups, bias=False)

    make: dict[str, Callable[[], nn.Module]] = {
        "conv": lambda: convolution(kernel.groups),
        "depthwise": lambda: convolution(inputs),
        "linear": lambda: _Linear(inputs, outputs),
        "bn": lambda: nn.BatchNorm2d(inputs if kernel.kind.startswith("bn") else outputs),
        "layer_norm": lambda: nn.LayerNorm(inputs),
        **ACTIVATIONS,
        "avg_pool": lambda: nn.AvgPool2d(window, stride, padding, count_include_pad=False),
        "max_pool": lambda: nn.MaxPool2d(window, stride, padding, dilation),
        "global_pool": lambda: nn.AdaptiveAvgPool2d(1),
        "add": lambda: _WithHeld(torch.add, inputs, *size),
        "mul": lambda: _WithHeld(torch.mul, inputs, *size),
        "shift": lambda: _WithHeld(torch.add, inputs, 1, 1),
        "scale": lambda: _WithHeld(torch.mul, inputs, 1, 1),
        "cat": lambda: _WithHeld(lambda x, held: torch.cat([x, held], 1), outputs - inputs, *size),
        "copy": lambda: _Function(torch.clone),
        "zeros": lambda: _Function(torch.zeros_like),
        "pad": lambda: nn.ZeroPad2d(_around(padding)),
    }
    for name in kernel.operations:
        if name not in make:
            raise ValueError(f"unknown operation {name!r} in {kernel}; known are {', '.join(make)}")
        yield make[name]()


def _around(padding: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return how much is padded left, right, above and below: one more at the end when it is odd."""
    height, width = padding
    return width // 2, width - width // 2, height // 2, height - height // 2


class _WithHeld(nn.Module):
    """A feature map and another one, which is held, combined."""

    held: Tensor

    def __init__(self, combine: Callable[[Tensor, Tensor], Tensor], *shape: int) -> None:
        super().__init__()
        self.combine = combine
        self.register_buffer("held", torch.ones(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        return self.combine(x, self.held)


class _Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class _Linear(nn.Linear):
    """A linear layer on vectors, or on the only place of an image."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1) if x.dim() == 4 else x)

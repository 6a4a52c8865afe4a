"""ResNet, PreResNet and Wide-ResNet for ImageNet: depth, width and resolution on a grid.

``resnet-50b-x1-k2-r224`` reads: order of the layers, depth with the kind of block, width of all layers, width
inside a bottleneck, resolution.

- ``resnet`` normalises after each convolution, ``preresnet`` normalises and activates before it.
- The depth counts layers. Without a letter the blocks are basic, two 3×3 convolutions. With ``a`` or ``b``
  they are bottlenecks, and where a stage begins, either the first 1×1 convolution (``a``, as first published)
  or the 3×3 convolution (``b``, as in torchvision) halves the image.
- ``x`` multiplies the channels of every layer, ``k`` those inside a bottleneck: 2 is a Wide-ResNet-50-2.

A network of ``x1`` has a stem of 64 channels, four stages of 64, 128, 256 and 512 channels (times four after
a bottleneck), pooling and a linear classifier. The last block ends with the channels of ``x1`` at any width,
as in the narrow networks that pytorchcv publishes.

Sources: He et al. 2016, Deep residual learning for image recognition, and Identity mappings in deep residual
networks; Zagoruyko and Komodakis 2016, Wide residual networks.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import NamedTuple

from torch import Tensor, nn

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._zoo import Grid

ORDERS = ("resnet", "preresnet")
BASIC = {
    "10": (1, 1, 1, 1),
    "12": (2, 1, 1, 1),
    "14": (2, 2, 1, 1),
    "16": (2, 2, 2, 1),
    "18": (2, 2, 2, 2),
    "26": (3, 3, 3, 3),
    "34": (3, 4, 6, 3),
}
_BOTTLENECK = {
    "14": (1, 1, 1, 1),
    "26": (2, 2, 2, 2),
    "38": (3, 3, 3, 3),
    "50": (3, 4, 6, 3),
    "101": (3, 4, 23, 3),
    "152": (3, 8, 36, 3),
    "200": (3, 24, 36, 3),
    "269": (3, 30, 48, 8),
}
BOTTLENECK = {f"{depth}{letter}": blocks for depth, blocks in _BOTTLENECK.items() for letter in "ab"}
WIDTHS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
INNER = (1, 2)
RESOLUTIONS = (96, 128, 160, 192, 224, 256, 288)
CHANNELS = (64, 128, 256, 512)
EXPANSION = 4


class Design(NamedTuple):
    """What an architecture string says."""

    order: str
    depth: str
    width: float
    inner: int
    resolution: int

    def __str__(self) -> str:
        return f"{self.order}-{self.depth}-x{self.width:g}-k{self.inner}-r{self.resolution}"


class ResNets(Grid):
    """The grid of residual networks; the largest may not fit in memory."""

    name = "resnets"

    @property
    def designs(self) -> dict[str, Design]:
        """Every architecture string with its design; the resolution changes fastest."""
        return _designs()

    def parse(self, arch: str) -> Design:
        """Return what an architecture string says, see `parse`."""
        return parse(arch)

    def _create(self, arch: str, num_classes: int) -> nn.Module:
        return Network(parse(arch), num_classes)


@cache
def _designs() -> dict[str, Design]:
    depths = [(depth, 1) for depth in BASIC] + list(product(BOTTLENECK, INNER))
    grid = product(ORDERS, depths, WIDTHS, RESOLUTIONS)
    designs = [Design(order, depth, width, inner, side) for order, (depth, inner), width, side in grid]
    return {str(design): design for design in designs}


def parse(arch: str) -> Design:
    """Return what an architecture string says; ``str`` of it is the string again.

    Raises
    ------
    ValueError
        When it is not on the grid, with the grid.
    """
    if arch not in _designs():
        widths, sides = (", ".join(f"{value:g}" for value in values) for values in (WIDTHS, RESOLUTIONS))
        why = (
            f"it must be {' or '.join(ORDERS)}, a depth of {', '.join([*BASIC, *BOTTLENECK])}, "
            f"x of {widths}, k of 1, or 2 with bottlenecks (a or b), and r of {sides}"
        )
        raise no_architecture(arch, "resnets", "resnet-50b-x1-k1-r224", why)
    return _designs()[arch]


class Network(nn.Module):
    """Stem, four stages of residual blocks, pooling, classifier."""

    def __init__(self, design: Design, num_classes: int) -> None:
        super().__init__()
        is_basic = design.depth in BASIC
        counts = BASIC[design.depth] if is_basic else BOTTLENECK[design.depth]
        expansion = 1 if is_basic else EXPANSION
        stem, last = int(CHANNELS[0] * design.width), CHANNELS[-1] * expansion
        outputs = [
            int(channels * expansion * design.width)
            for channels, count in zip(CHANNELS, counts, strict=True)
            for _ in range(count)
        ]
        strides = [2 if stage and not k else 1 for stage, count in enumerate(counts) for k in range(count)]
        pairs = pairwise([stem, *outputs[:-1], last])
        blocks = [_block(design, pair, stride) for pair, stride in zip(pairs, strides, strict=True)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False),
            *_activated(stem),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.Sequential(*(_activated(last) if design.order == "preresnet" else ()))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, side, side) to logits (batch, num_classes)."""
        features = self.norm(self.blocks(self.stem(x)))
        logits: Tensor = self.classifier(self.pool(features).flatten(1))
        return logits


def _activated(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU()


def _convolutions(design: Design, inputs: int, outputs: int, stride: int) -> list[nn.Conv2d]:
    """Return the convolutions of a block in a row."""
    if design.depth in BASIC:
        return [_conv(inputs, outputs, 3, stride), _conv(outputs, outputs, 3)]
    inner = design.inner * outputs // EXPANSION
    strides = (stride, 1) if design.depth.endswith("a") else (1, stride)
    return [
        _conv(inputs, inner, 1, strides[0]),
        _conv(inner, inner, 3, strides[1]),
        _conv(inner, outputs, 1),
    ]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def _block(design: Design, channels: tuple[int, int], stride: int) -> nn.Module:
    kind = PreActivationBlock if design.order == "preresnet" else Block
    projection = _conv(*channels, 1, stride) if stride > 1 or channels[0] != channels[1] else None
    return kind(_convolutions(design, *channels, stride), projection)


class Block(nn.Module):
    """Convolutions, each normalised, plus the shortcut, then ReLU."""

    def __init__(self, convolutions: list[nn.Conv2d], projection: nn.Conv2d | None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for conv in convolutions:
            layers += [conv, *_activated(conv.out_channels)]
        self.row = nn.Sequential(*layers[:-1])  # the last ReLU follows the addition
        self.shortcut: nn.Module = nn.Identity()
        if projection is not None:
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(projection.out_channels))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        output: Tensor = self.relu(self.row(x) + self.shortcut(x))
        return output


class PreActivationBlock(nn.Module):
    """Normalisation and ReLU before each convolution, plus the shortcut; a projection starts after both."""

    def __init__(self, convolutions: list[nn.Conv2d], projection: nn.Conv2d | None) -> None:
        super().__init__()
        first, *others = convolutions
        self.activation = nn.Sequential(*_activated(first.in_channels))
        layers: list[nn.Module] = [first]
        for conv in others:
            layers += [*_activated(conv.in_channels), conv]
        self.row = nn.Sequential(*layers)
        self.projection = projection

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        activated = self.activation(x)
        output: Tensor = self.row(activated) + (self.projection(activated) if self.projection else x)
        return output

"""The networks of TransNAS-Bench-101: the encoder that an architecture names, and the head of a task."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces.nb201 import relu_conv_bn
from zsnas.spaces.transnas import EDGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsnas.batches.tasks import Task
    from zsnas.spaces.transnas import Encoder

STEM_CHANNELS = 64
STEM_HALVINGS = 2
TILES = 9
SLOPE = 0.2
CELLS_PER_MODULE = 2
LONGEST_DECODER = 6  # times that the longest decoder doubles the side

NONE, SKIP, CONV_1X1, CONV_3X3 = range(4)


def network(encoder: Encoder, task: Task, outputs: int, seed: int) -> nn.Module:
    """Return an encoder with the head of a task, see `zsnas.spaces.transnas.TransNAS.build_for_task`."""
    with torch_seeded(seed):
        body = _encoder(encoder)
        channels = STEM_CHANNELS * 2 ** sum(module in (2, 4) for module in encoder.modules)
        halvings = STEM_HALVINGS + sum(module in (3, 4) for module in encoder.modules)
        if task.head == "segmentation":
            return nn.Sequential(body, _segmentation(channels, halvings, outputs))
        if task.head == "image":
            return nn.Sequential(body, _image(channels, halvings, outputs))
        if task.head == "jigsaw":
            return Jigsaw(body, _linear(TILES * channels, outputs))
        return nn.Sequential(body, _linear(channels, outputs))


class FactorizedReduce(nn.Module):
    """A skip connection that halves the image: two 1×1 convolutions that are one pixel apart."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=False)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False) for _ in range(2)
        )
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height/2, width/2), rounded up."""
        x = self.relu(x)
        straight, shifted = self.convolutions
        out: Tensor = self.norm(torch.cat([straight(x), shifted(self.pad(x)[:, :, 1:, 1:])], dim=1))
        return out


def _operation(operation: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    if operation == SKIP:
        return nn.Identity() if stride == 1 else FactorizedReduce(inputs, outputs)
    return relu_conv_bn(inputs, outputs, 3 if operation == CONV_3X3 else 1, stride)


class Cell(nn.Module):
    """Four nodes; the operations on node 0 change the channels and halve the image if the cell does."""

    def __init__(self, operations: tuple[int, ...], inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        self.operations = nn.ModuleDict(
            {
                f"{source}to{target}": _operation(operation, channels, channels, 1)
                if source
                else _operation(operation, inputs, channels, stride)
                for (source, target), operation in zip(EDGES, operations, strict=True)
                if operation != NONE
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to ``channels`` and sides divided by the stride, rounded up."""
        height, width = (-(-side // self.stride) for side in x.shape[2:])
        nothing = x.new_zeros(len(x), self.channels, height, width)
        nodes = [x]
        for target in (1, 2, 3):
            incoming = [(nodes[s], f"{s}to{target}") for s in range(target)]
            terms = [self.operations[key](node) for node, key in incoming if key in self.operations]
            nodes.append(sum(terms[1:], terms[0]) if terms else nothing)
        return nodes[3]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, a 1×1 convolution with batch norm where the shape changes."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            relu_conv_bn(inputs, channels, 3, stride), relu_conv_bn(channels, channels, 3)
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == channels
            else nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to ``channels`` and sides divided by the stride, rounded up."""
        out: Tensor = self.shortcut(x) + self.convolutions(x)
        return out


def _encoder(encoder: Encoder) -> nn.Sequential:
    """Return the stem, which halves the image twice, and the modules."""
    stem = nn.Sequential(
        nn.Conv2d(3, STEM_CHANNELS // 2, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(STEM_CHANNELS // 2),
        relu_conv_bn(STEM_CHANNELS // 2, STEM_CHANNELS, 3, stride=2),
    )
    body = nn.Sequential(stem, *_cells(encoder))
    for layer in body.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return body


def _cells(encoder: Encoder) -> Iterator[nn.Module]:
    channels = STEM_CHANNELS
    for module in encoder.modules:
        for position in range(CELLS_PER_MODULE):
            inputs = channels
            channels *= 2 if position == 0 and module in (2, 4) else 1
            stride = 2 if position == 0 and module in (3, 4) else 1
            if encoder.cell:
                yield Cell(encoder.cell, inputs, channels, stride)
            else:
                yield ResidualBlock(inputs, channels, stride)


def _linear(channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs))


class Jigsaw(nn.Module):
    """One encoder that sees nine tiles one after the other, and a classifier of all their features."""

    def __init__(self, body: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.body, self.classifier = body, classifier

    def forward(self, x: Tensor) -> Tensor:
        """Map nine tiles (batch, 27, height, width), three channels each, to logits (batch, permutations)."""
        logits: Tensor = self.classifier(
            torch.cat([self.body(tile) for tile in x.chunk(TILES, dim=1)], dim=1)
        )
        return logits


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    """Keep the side."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE)
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    """Double the side."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
    )


def _segmentation(channels: int, doublings: int, classes: int) -> nn.Sequential:
    """Return eight layers that double the side so many times; channels halve from 1024 on."""
    kept = LONGEST_DECODER - doublings
    widths = [1024 // 2**i for i in range(LONGEST_DECODER)]
    steps = [(_conv if i < kept else _up)(*step) for i, step in enumerate(pairwise(widths))]
    return nn.Sequential(
        _conv(channels, widths[0]),
        *steps,
        _up(widths[-1], widths[-1]),
        nn.Conv2d(widths[-1], classes, 3, padding=1),
    )


def _image(channels: int, doublings: int, outputs: int) -> nn.Sequential:
    """Return fourteen layers that double the side so many times, at least twice."""
    late = [_up if doublings >= needed else _conv for needed in (6, 5, 4, 3)]
    return nn.Sequential(
        _conv(channels, 1024),
        _conv(1024, 1024),
        late[0](1024, 512),
        _conv(512, 512),
        late[1](512, 256),
        _conv(256, 128),
        late[2](128, 64),
        _conv(64, 64),
        late[3](64, 32),
        _conv(32, 32),
        _up(32, 16),
        _conv(16, 32),
        _up(32, 16),
        nn.Conv2d(16, outputs, 3, padding=1),
    )

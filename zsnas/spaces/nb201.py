"""NAS-Bench-201, the topology space of NATS-Bench: 15,625 cells of six edges with five operations each.

A cell is a complete directed graph of four nodes. Node 0 is the input, node 3 the output; each edge carries
one operation and a node adds up what its edges bring. ``|a~0|+|b~0|c~1|+|d~0|e~1|f~2|`` reads: node 1 takes
operation ``a`` of node 0; node 2 adds ``b`` of node 0 and ``c`` of node 1; node 3 adds ``d``, ``e``, ``f``.

Source: Dong and Yang 2020, NAS-Bench-201.
"""

from __future__ import annotations

import random
import re
from functools import cached_property
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (from node, to node), in the order of the string
TEMPLATE = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
EXAMPLE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"
CHANNELS = (16, 32, 64)
CELLS_PER_STAGE = 5

_FORM = re.compile(re.escape(TEMPLATE).replace(re.escape("{}"), f"({'|'.join(OPERATIONS)})"))

# The benchmark numbers its architectures in the order of this shuffle of the full enumeration.
_INDEX_SHUFFLE_SEED = 88


class NB201(Space):
    """The 15,625 architectures of NAS-Bench-201 and their exact networks."""

    name = "nb201"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, in the benchmark's index order."""
        strings = [TEMPLATE.format(*ops) for ops in product(OPERATIONS, repeat=len(EDGES))]
        random.Random(_INDEX_SHUFFLE_SEED).shuffle(strings)
        return tuple(strings)

    def canonical(self, arch: str) -> str:
        """Return the representative of all architectures whose output node computes the same expression.

        Two cells are equivalent when :func:`expression` writes their output nodes alike: a skip connection
        stands for its input, an operation on nothing is nothing, and the terms of a sum are sorted. This is
        the equivalence by which the benchmark's paper counts 6,466 unique cells. Equivalent cells compute
        the same function; the reverse does not hold, since sums are neither flattened nor freed of nothings
        (a full simplification leaves 4,930 functions).

        Among equivalent cells the one with the fewest operations stands for all, so that every operation of
        it is on a path to the output (it may still be fed by nothing); among those, the first in index order.
        """
        parse(arch)
        return self._canonical[arch]

    @cached_property
    def _canonical(self) -> dict[str, str]:
        by_expression: dict[str, list[str]] = {}
        for arch in self.architectures:
            by_expression.setdefault(expression(arch), []).append(arch)
        return {
            arch: fewest
            for members in by_expression.values()
            for fewest in [min(members, key=_operation_count)]
            for arch in members
        }

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, its weights drawn from ``seed`` with torch's defaults.

        Takes images of shape (batch, 3, height, width) to logits of shape (batch, ``num_classes``).
        """
        operations = parse(arch)
        with torch_seeded(seed):
            return Network(operations, num_classes)

    def neighbours(self, arch: str) -> list[str]:
        """Return the 24 architectures that have another operation on one edge."""
        operations = parse(arch)
        return [
            TEMPLATE.format(*operations[:edge], other, *operations[edge + 1 :])
            for edge, operation in enumerate(operations)
            for other in OPERATIONS
            if other != operation
        ]


def parse(arch: str) -> tuple[str, ...]:
    """Return the six operations of an architecture string, one for each of :data:`EDGES`.

    Raises
    ------
    ValueError
        With the place in the string and what was expected there.
    """
    matched = _FORM.fullmatch(arch)
    if not matched:
        raise no_architecture(arch, "nb201", EXAMPLE, _where_malformed(arch))
    return matched.groups()


def _where_malformed(arch: str) -> str:
    """Say at which character the string stops being an architecture, and what belongs there."""
    at = 0
    for piece in re.split(r"(\{\})", TEMPLATE):
        if piece == "{}":
            found = re.split(r"[~|+]", arch[at:], maxsplit=1)[0]
            valid, expected = found in OPERATIONS, f"one of the operations {', '.join(OPERATIONS)}"
        else:
            found = arch[at : at + len(piece)]
            valid, expected = found == piece, repr(piece)
        if not valid:
            break
        at += len(found)
    else:
        found, expected = arch[at:], "the end"
    return f"at character {at} expected {expected}, found {found!r}"


def expression(arch: str) -> str:
    """Return what the output node computes: ``0`` is the cell's input, ``#`` is nothing.

    The notation, and with it the order in which the terms of a sum are written, is the benchmark's own.
    """
    nodes = ["0"]
    operations = dict(zip(EDGES, parse(arch), strict=True))
    for target in (1, 2, 3):
        nodes.append("+".join(sorted(_term(operations[s, target], nodes[s]) for s in range(target))))
    return nodes[3]


def _term(operation: str, source: str) -> str:
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"


def _operation_count(arch: str) -> int:
    return sum(operation != "none" for operation in parse(arch))


class Edge(NamedTuple):
    """One operation between two nodes of a cell."""

    source: int
    target: int
    operation: nn.Module


class Operation(nn.Module):
    """A module around what it runs, as in the published networks: MeCo counts what every module returns."""

    def __init__(self, op: nn.Module) -> None:
        super().__init__()
        self.op = op

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to what the operation makes of it."""
        out: Tensor = self.op(x)
        return out


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Operation:
    """Return an operation: ReLU, a convolution that pads to keep height and width at stride 1, batch norm.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel
        Height and width, an odd number.
    stride
        Of the convolution.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return Operation(nn.Sequential(nn.ReLU(inplace=False), conv, nn.BatchNorm2d(outputs)))


def operation(name: str, inputs: int, outputs: int) -> nn.Module:
    """Return an operation of an edge, not ``none``; a skip connection that changes channels has weights.

    Parameters
    ----------
    name
        One of ``OPERATIONS`` but ``none``.
    inputs, outputs
        Channels.
    """
    if name == "skip_connect" and inputs == outputs:
        return nn.Identity()
    if name == "skip_connect":
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
    if name == "avg_pool_3x3":
        return Operation(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))
    return relu_conv_bn(inputs, outputs, 3 if name == "nor_conv_3x3" else 1)


class Cell(nn.Module):
    """Four nodes; a node is the sum of its incoming operations, or zero when it has none.

    Node 0 has ``inputs`` channels, by default as many as the others. A cell that changes the channels, as in
    the size space, has only convolutions and skip connections, and an operation on each edge.
    """

    def __init__(self, operations: tuple[str, ...], channels: int, inputs: int | None = None) -> None:
        super().__init__()
        named = [(edge, name) for edge, name in zip(EDGES, operations, strict=True) if name != "none"]
        widths = (inputs or channels, channels, channels)
        self.operations = nn.ModuleDict(
            {
                f"{source}to{target}": operation(name, widths[source], channels)
                for (source, target), name in named
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, channels, height, width)."""
        nodes = [x]
        for target in (1, 2, 3):
            incoming = [(nodes[s], f"{s}to{target}") for s in range(target)]
            terms = [self.operations[key](node) for node, key in incoming if key in self.operations]
            nodes.append(sum(terms[1:], terms[0]) if terms else torch.zeros_like(x))
        return nodes[3]


class ResidualBlock(nn.Module):
    """The reduction between stages: halves height and width, doubles the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.halve = relu_conv_bn(inputs, outputs, 3, stride=2)
        self.keep = relu_conv_bn(outputs, outputs, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height/2, width/2)."""
        out: Tensor = self.shortcut(x) + self.keep(self.halve(x))
        return out


class Network(nn.Module):
    """Stem, three stages of five cells with a residual block between them, pooling, classifier."""

    def __init__(self, operations: tuple[str, ...], num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, CHANNELS[0], 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS[0])
        )
        body: list[nn.Module] = []
        for stage, channels in enumerate(CHANNELS):
            if stage:
                body.append(ResidualBlock(CHANNELS[stage - 1], channels))
            body += [Cell(operations, channels) for _ in range(CELLS_PER_STAGE)]
        self.body = nn.ModuleList(body)
        self.norm = nn.Sequential(nn.BatchNorm2d(CHANNELS[-1]), nn.ReLU(inplace=False))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(CHANNELS[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, height, width) to logits (batch, num_classes)."""
        features = self.stem(x)
        for block in self.body:
            features = block(features)
        logits: Tensor = self.classifier(self.pool(self.norm(features)).flatten(1))
        return logits

"""The size space of NATS-Bench: 32,768 networks of one topology that differ in five widths.

``c1:c2:c3:c4:c5``, each from 8 to 64 in steps of 8, are channels in a network that is otherwise fixed: a stem
and a cell of ``c1`` channels, a residual block to ``c2`` that halves the image, a cell from ``c2`` to ``c3``,
a residual block to ``c4`` that halves it again, a cell from ``c4`` to ``c5``; then batch norm, ReLU, global
pooling and a linear classifier. The cell is :data:`CELL`, the best of the topology space on CIFAR-100. Where
it changes the channels, its skip connection becomes a 1×1 convolution with batch norm.

Source: Dong et al. 2021, NATS-Bench, and its network ``DynamicShapeTinyNet``
(github.com/D-X-Y/AutoDL-Projects).
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces import nb201
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

WIDTHS = tuple(range(8, 65, 8))
LAYERS = 5
EXAMPLE = "8:16:32:48:64"
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


class NATSSizes(Space):
    """The 32,768 architectures of NATS-Bench's size space and their exact networks."""

    name = "nats-sss"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, in the benchmark's index order: the last width changes fastest."""
        return tuple(":".join(map(str, widths)) for widths in product(WIDTHS, repeat=LAYERS))

    def canonical(self, arch: str) -> str:
        """Return ``arch``: no two architectures compute the same function."""
        parse(arch)
        return arch

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, its weights drawn from ``seed`` with torch's defaults.

        Takes images of shape (batch, 3, height, width) to logits of shape (batch, ``num_classes``).
        """
        widths = parse(arch)
        with torch_seeded(seed):
            return Network(widths, num_classes)

    def neighbours(self, arch: str) -> list[str]:
        """Return the architectures, at most ten, that have one width one step narrower or wider."""
        widths = parse(arch)
        return [
            ":".join(map(str, (*widths[:layer], width + step, *widths[layer + 1 :])))
            for layer, width in enumerate(widths)
            for step in (-WIDTHS[0], WIDTHS[0])
            if width + step in WIDTHS
        ]


def parse(arch: str) -> tuple[int, ...]:
    """Return the five widths of an architecture string.

    Raises
    ------
    ValueError
        Saying which width is not on the grid, or how many there are.
    """
    given = arch.split(":")
    if len(given) != LAYERS:
        raise no_architecture(arch, "nats-sss", EXAMPLE, f"it has {len(given)} widths instead of {LAYERS}")
    for position, width in enumerate(given, start=1):
        if width not in map(str, WIDTHS):
            why = f"width {position} is {width!r}; valid are {', '.join(map(str, WIDTHS))}"
            raise no_architecture(arch, "nats-sss", EXAMPLE, why)
    return tuple(map(int, given))


class Network(nn.Module):
    """Stem, three cells with a residual block between them, pooling, classifier."""

    def __init__(self, widths: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        operations = nb201.parse(CELL)
        c1, c2, c3, c4, c5 = widths
        self.stem = nn.Sequential(nn.Conv2d(3, c1, 3, padding=1, bias=False), nn.BatchNorm2d(c1))
        self.body = nn.ModuleList(
            [
                nb201.Cell(operations, c1),
                nb201.ResidualBlock(c1, c2),
                nb201.Cell(operations, c3, inputs=c2),
                nb201.ResidualBlock(c3, c4),
                nb201.Cell(operations, c5, inputs=c4),
            ]
        )
        self.norm = nn.Sequential(nn.BatchNorm2d(c5), nn.ReLU(inplace=False))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(c5, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, height, width) to logits (batch, num_classes)."""
        features = self.stem(x)
        for block in self.body:
            features = block(features)
        logits: Tensor = self.classifier(self.pool(self.norm(features)).flatten(1))
        return logits

"""NAS-Bench-201's cells in networks for pictures of 8 × 8 pixels: stem, one cell, classifier.

The cell has eight channels. The stem is a 3×3 convolution of stride 3 with batch norm, so that the cell sees
3 × 3 positions. After the cell come batch norm, ReLU, global pooling and a linear classifier, as in the
networks of NAS-Bench-201. The architectures, their order and which of them compute the same are those of
:mod:`zsnas.spaces.nb201`.
"""

from __future__ import annotations

from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces._base import Counts
from zsnas.spaces.nb201 import NB201, Cell, parse

CHANNELS = 8
STRIDE = 3


class NB201Digits(NB201):
    """The 15,625 cells of NAS-Bench-201, each alone in a network for pictures of 8 × 8 pixels."""

    name = "nb201-digits"

    def build(self, arch: str, num_classes: int, seed: int) -> Network:
        """Return the untrained network of ``arch``, its weights drawn from ``seed`` with torch's defaults.

        Takes images of shape (batch, 3, height, width) to logits of shape (batch, ``num_classes``).
        """
        operations = parse(arch)
        with torch_seeded(seed):
            return Network(operations, num_classes)

    def counts(self, arch: str, num_classes: int, image_size: int) -> Counts:
        """Return what the proxies #Params and #FLOPs measure, from a formula.

        Parameters
        ----------
        arch
            One of the architectures.
        num_classes
            Outputs of the network.
        image_size
            Height and width of an image with three channels, in pixels.
        """
        operations = parse(arch)
        positions = ((image_size - 1) // STRIDE + 1) ** 2
        wide, narrow = (operations.count(name) for name in ("nor_conv_3x3", "nor_conv_1x1"))
        kernels = 27 * CHANNELS + (9 * wide + narrow) * CHANNELS**2
        scales = 2 * CHANNELS * (2 + wide + narrow)
        return Counts(
            params=kernels + scales + (CHANNELS + 1) * num_classes,
            macs=kernels * positions + CHANNELS * num_classes,
        )


class Network(nn.Module):
    """Stem, one cell, pooling, classifier."""

    def __init__(self, operations: tuple[str, ...], num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, CHANNELS, 3, stride=STRIDE, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)
        )
        self.cell = Cell(operations, CHANNELS)
        self.norm = nn.Sequential(nn.BatchNorm2d(CHANNELS), nn.ReLU(inplace=False))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(CHANNELS, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, height, width) to logits (batch, num_classes)."""
        features = self.cell(self.stem(x))
        logits: Tensor = self.classifier(self.pool(self.norm(features)).flatten(1))
        return logits

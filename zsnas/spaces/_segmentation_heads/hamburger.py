"""SegNeXt's head: three levels together, and what a few base vectors explain of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from zsnas.spaces._segmentation_heads.layers import Levels, pixels, resized

_GROUPS = 32


class Factorised(nn.Module):
    """Non-negative features as the product of `RANK` bases and a code for each pixel (Geng et al. 2021).

    The first bases are drawn once, with the weights, so that the network is a function of the image; the
    paper draws them for every batch in training. Each image then has its own, by multiplicative updates (Lee
    and Seung 2000) that no gradient goes through; it goes through a last update of the codes.
    """

    RANK, STEPS, EPSILON = 16, 6, 1e-6

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bases: Tensor
        self.register_buffer("bases", normalize(torch.rand(channels, self.RANK), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width), none of them negative, to the same shape."""
        points = pixels(x)
        with torch.no_grad():
            bases, codes = self._factors(points)
        codes = self._update(codes, points @ bases, bases)
        return (codes @ bases.transpose(1, 2)).transpose(1, 2).reshape(x.shape)

    def _factors(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return for (batch, pixels, channels) bases (batch, channels, rank), codes (batch, pixels, rank)."""
        bases = self.bases.expand(len(points), -1, -1)
        codes = (points @ bases).softmax(dim=-1)
        for _ in range(self.STEPS):
            codes = self._update(codes, points @ bases, bases)
            bases = self._update(bases, points.transpose(1, 2) @ codes, codes)
        return bases, codes

    def _update(self, factor: Tensor, projected: Tensor, other: Tensor) -> Tensor:
        return factor * projected / (factor @ (other.transpose(1, 2) @ other) + self.EPSILON)


class LightHamburger(nn.Module):
    """All levels but the finest, what a factorisation keeps of them added, at the sides of the second."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.squeeze = _grouped(sum(channels[1:]), width)
        self.context = nn.Sequential(
            *(nn.Conv2d(width, width, 1), nn.ReLU(), Factorised(width)),
            *(nn.Conv2d(width, width, 1, bias=False), nn.GroupNorm(_GROUPS, width)),
        )
        self.align = _grouped(width, width)

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the second one."""
        x = self.squeeze(torch.cat([resized(level, levels[1]) for level in levels[1:]], dim=1))
        out: Tensor = self.align((x + self.context(x)).relu())
        return out


def hamburger(width: int, channels: Sequence[int], _classes: int) -> tuple[nn.Module, int]:
    """Return the head of a width, and the channels that it gives."""
    return LightHamburger(channels, width), width


def _grouped(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 1×1 convolution, group norm and ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.GroupNorm(_GROUPS, outputs), nn.ReLU())

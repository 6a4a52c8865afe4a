"""Heads that bring feature maps of several sizes together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zsnas.spaces._segmentation_heads.layers import WIDTH, Levels, conv, resized, separable
from zsnas.spaces._segmentation_heads.pooling import REGIONS, Pooled, pyramid


def top_down(maps: Levels) -> Levels:
    """Add each level, from the coarsest on, to the next finer one."""
    summed = [maps[-1]]
    for finer in reversed(maps[:-1]):
        summed.insert(0, finer + resized(summed[0], finer))
    return summed


class UPerNet(nn.Module):
    """Pyramid pooling of the coarsest level, a feature pyramid down to the finest, all levels together."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.pool = pyramid(channels[-1], width, Pooled, REGIONS)
        self.laterals = nn.ModuleList(conv(inputs, width) for inputs in channels[:-1])
        self.smooth = nn.ModuleList(conv(width, width, 3) for _ in channels[:-1])
        self.merge = conv(len(channels) * width, width, 3)

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the finest one."""
        maps = [lateral(level) for lateral, level in zip(self.laterals, levels[:-1], strict=True)]
        maps = top_down([*maps, self.pool(levels[-1])])
        smooth = [layer(x) for layer, x in zip(self.smooth, maps[:-1], strict=True)]
        out: Tensor = self.merge(torch.cat([resized(x, maps[0]) for x in [*smooth, maps[-1]]], dim=1))
        return out


class FeaturePyramid(nn.Module):
    """A feature pyramid whose levels are brought to the finest one by convolutions, and added."""

    NARROW = 128

    def __init__(self, channels: Sequence[int], width: int = 256) -> None:
        super().__init__()
        narrow = self.NARROW
        self.laterals = nn.ModuleList(nn.Conv2d(inputs, width, 1) for inputs in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        # A level is enlarged after each of its convolutions, so that one that is coarser by 2ⁿ has n.
        self.scale = nn.ModuleList(
            nn.ModuleList(conv(narrow if i else width, narrow, 3) for i in range(max(1, level)))
            for level in range(len(channels))
        )

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, `NARROW`, …) at the sides of the finest one."""
        maps = top_down([layer(x) for layer, x in zip(self.laterals, levels, strict=True)])
        total = torch.zeros(())
        for level, (smooth, scale) in enumerate(zip(self.smooth, self.scale, strict=True)):
            x = smooth(maps[level])
            for step, layer in enumerate(scale.children(), start=1):
                x = layer(x)
                x = resized(x, maps[level - step]) if level else x
            total = x if level == 0 else total + x
        return total


class JointPyramid(nn.Module):
    """Three levels at the size of the second, through separable convolutions of four dilations."""

    def __init__(self, channels: Sequence[int], width: int = WIDTH) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(conv(inputs, width, 3) for inputs in channels[1:])
        self.dilated = nn.ModuleList(separable(3 * width, width, d, relu=False) for d in (1, 2, 4, 8))

    def forward(self, levels: Levels) -> Levels:
        """Return the levels, the last one replaced by (batch, 4 × width, …)."""
        maps = [layer(x) for layer, x in zip(self.laterals, levels[1:], strict=True)]
        joined = torch.cat([resized(x, maps[0]) for x in maps], dim=1)
        return [*levels[:-1], torch.cat([layer(joined) for layer in self.dilated], dim=1)]

"""Heads that look at an image at several scales: pooled to regions, or through dilated convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from zsnas.spaces._segmentation_heads.layers import Beside, Last, Levels, conv, pixels, resized, separable

REGIONS = (1, 2, 3, 6)  # sides of the pooled maps of a pyramid
DILATIONS = (12, 24, 36)
NARROW = 256


def pyramid(
    inputs: int, width: int, branch: Callable[[int, int, int], nn.Module], sizes: Sequence[int]
) -> Beside:
    """Return branches of several sizes beside the input itself."""
    branches = [branch(inputs, width, size) for size in sizes]
    return Beside(branches, inputs + len(sizes) * width, width, carry=True)


class Pooled(nn.Module):
    """The mean of each of side × side regions, through a 1×1 convolution, back at the size of the input."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.side, self.conv = side, conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, outputs, …)."""
        return resized(self.conv(adaptive_avg_pool2d(x, self.side)), x)


class AdaptiveContext(nn.Module):
    """Affinities between each pixel, in the light of the whole image, and side × side pooled regions."""

    def __init__(self, inputs: int, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.pooled, self.reduce = conv(inputs, width), conv(inputs, width)
        self.whole, self.residual, self.fuse = (conv(width, width) for _ in range(3))
        self.affinity = nn.Conv2d(width, side**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        regions = self.pooled(adaptive_avg_pool2d(x, self.side))
        x = self.reduce(x)
        affinity = self.affinity(x + self.whole(adaptive_avg_pool2d(x, 1))).sigmoid()
        mixed = (pixels(affinity) @ pixels(regions)).transpose(1, 2).reshape(x.shape)
        out: Tensor = self.fuse((self.residual(mixed) + x).relu())
        return out


class DynamicFilters(nn.Module):
    """A filter of side × side for each channel, computed from the image itself."""

    def __init__(self, inputs: int, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.filters = nn.Conv2d(inputs, width, 1)
        self.reduce = conv(inputs, width)
        self.norm = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        filters = self.filters(adaptive_avg_pool2d(x, self.side)).flatten(0, 1)[:, None]
        x = self.reduce(x)
        together = x.reshape(1, -1, *x.shape[2:])
        filtered = torch.conv2d(together, filters, padding=self.side // 2, groups=len(filters))
        out: Tensor = self.norm(filtered.view_as(x))
        return out


def atrous(inputs: int, width: int, dilated: Callable[[int, int, int], nn.Module], kernel: int = 3) -> Beside:
    """Return convolutions of several dilations beside the mean, merged by one of kernel × kernel."""
    branches = [
        Pooled(inputs, width, 1),
        conv(inputs, width),
        *(dilated(inputs, width, d) for d in DILATIONS),
    ]
    return Beside(branches, len(branches) * width, width, carry=False, kernel=kernel)


def dilated_conv(inputs: int, width: int, dilation: int) -> nn.Module:
    """Return a full 3×3 convolution with a dilation."""
    return conv(inputs, width, 3, dilation)


def narrow_atrous(inputs: int) -> Last:
    """Return the pyramid of DeepLabV3 as its paper has it, of 256 channels, and a 3×3 convolution."""
    return Last(atrous(inputs, NARROW, dilated_conv, kernel=1), conv(NARROW, NARROW, 3))


class DeepLabV3Plus(nn.Module):
    """The atrous pyramid beside the finest level, then two separable convolutions."""

    def __init__(self, channels: Sequence[int], width: int, fine: int = 48, kernel: int = 3) -> None:
        super().__init__()
        self.atrous = atrous(channels[-1], width, separable, kernel)
        self.fine = conv(channels[0], fine)
        self.merge = nn.Sequential(separable(width + fine, width), separable(width, width))

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the finest one."""
        fine = self.fine(levels[0])
        out: Tensor = self.merge(torch.cat([resized(self.atrous(levels[-1]), fine), fine], dim=1))
        return out


class LiteAtrous(nn.Module):
    """The coarsest level weighed by its own mean, and a level of stride 8, each with a classifier."""

    def __init__(self, channels: Sequence[int], classes: int, width: int = 128) -> None:
        super().__init__()
        self.high = conv(channels[-1], width)
        self.weigh = nn.Conv2d(channels[-1], width, 1, bias=False)
        self.classify = nn.ModuleList(nn.Conv2d(inputs, classes, 1) for inputs in (channels[1], width))

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, classes, …) at the sides of the second one."""
        fine, coarse = self.classify
        weights = self.weigh(adaptive_avg_pool2d(levels[-1], 1)).sigmoid()
        out: Tensor = fine(levels[1]) + coarse(resized(self.high(levels[-1]) * weights, levels[1]))
        return out

"""What the heads are made of: convolutions, and modules that read feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

Levels = list[Tensor]

WIDTH = 512


def conv(
    inputs: int, outputs: int, kernel: int = 1, dilation: int = 1, *, relu: bool = True
) -> nn.Sequential:
    """Return a convolution that keeps the sides, batch norm and, usually, ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 * dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        *([nn.ReLU()] if relu else []),
    ]
    return nn.Sequential(*layers)


def separable(inputs: int, outputs: int, dilation: int = 1, *, relu: bool = True) -> nn.Sequential:
    """Return a 3×3 convolution of each channel by itself and a 1×1 convolution, each with batch norm."""
    layers = [
        nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        *([nn.ReLU()] if relu else []),
    ]
    return nn.Sequential(*layers, conv(inputs, outputs))


def resized(x: Tensor, like: Tensor) -> Tensor:
    """Return maps (batch, channels, …) at the sides of another tensor, bilinear."""
    return interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)


def pixels(x: Tensor) -> Tensor:
    """Return (batch, channels, height, width) as (batch, pixels, channels)."""
    return x.flatten(2).transpose(1, 2)


class Last(nn.Sequential):
    """Layers that read the coarsest level only."""

    def forward(self, levels: Levels) -> Tensor:
        """Map the last of the levels."""
        x = levels[-1]
        for layer in self:
            x = layer(x)
        return x


class Around(nn.Module):
    """Convolution, context, convolution; then the input beside the result (FCN, and what was put into it)."""

    def __init__(self, inputs: int, width: int, context: nn.Module) -> None:
        super().__init__()
        self.context = nn.Sequential(conv(inputs, width, 3), context, conv(width, width, 3))
        self.merge = conv(inputs + width, width, 3)

    def forward(self, levels: Levels) -> Tensor:
        """Map the last of the levels to (batch, width, height, width)."""
        out: Tensor = self.merge(torch.cat([levels[-1], self.context(levels[-1])], dim=1))
        return out


class Beside(nn.Module):
    """Several branches that read the same map, their results one behind the other, and a convolution."""

    def __init__(
        self, branches: Sequence[nn.Module], inputs: int, outputs: int, *, carry: bool, kernel: int = 3
    ) -> None:
        super().__init__()
        self.branches, self.carry = nn.ModuleList(branches), carry
        self.merge = conv(inputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to (batch, outputs, …); `carry` puts the input before the branches."""
        maps = [branch(x) for branch in self.branches]
        out: Tensor = self.merge(torch.cat([x, *maps] if self.carry else maps, dim=1))
        return out

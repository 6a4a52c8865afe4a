"""MogaNet: gated contexts of several orders, and a mean over channels that features are set off from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.layers.layer_scale import LayerScale2d
from torch import Tensor, nn

from zsnas.spaces._segmentation_backbones.layers import Pyramid, Residual, depthwise, scaled
from zsnas.spaces._segmentation_backbones.van import entries, network


class SetOff(nn.Module):
    """Features plus their difference from a common map, scaled for each channel."""

    def __init__(self, channels: int, common: nn.Module) -> None:
        super().__init__()
        self.common, self.scale = common, LayerScale2d(channels, init_values=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        out: Tensor = x + self.scale(x - self.common(x))
        return out


class Orders(nn.Module):
    """Contexts of three sizes: an eighth of the channels, three, and four, the last ones the largest."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parts = [channels * eighths // 8 for eighths in (1, 3, 4)]
        self.near = depthwise(channels, 5)
        self.middle = depthwise(self.parts[1], 5, dilation=2)
        self.far = depthwise(self.parts[2], 7, dilation=3)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        near, middle, far = torch.split(self.near(x), self.parts, dim=1)
        out: Tensor = self.mix(torch.cat([near, self.middle(middle), self.far(far)], dim=1))
        return out


class GatedContext(nn.Module):
    """Contexts of several orders, multiplied by a gate that each pixel computes from itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.SiLU())
        self.context = nn.Sequential(Orders(channels), nn.SiLU())

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        out: Tensor = self.gate(x) * self.context(x)
        return out


def moganet(channels: Sequence[int], depths: Sequence[int]) -> Pyramid:
    """Return a MogaNet with these channels and numbers of blocks of its four stages."""
    return network(entries(channels), channels, depths, _block, nn.BatchNorm2d)


def _block(channels: int, expansion: int) -> nn.Sequential:
    aggregation = Residual(
        nn.Conv2d(channels, channels, 1),
        SetOff(channels, nn.AdaptiveAvgPool2d(1)),
        nn.SiLU(),
        GatedContext(channels),
        nn.Conv2d(channels, channels, 1),
    )
    wide = channels * expansion
    return nn.Sequential(
        scaled(channels, nn.BatchNorm2d(channels), aggregation),
        scaled(
            channels,
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, wide, 1),
            depthwise(wide, 3),
            nn.GELU(),
            SetOff(wide, nn.Sequential(nn.Conv2d(wide, 1, 1), nn.GELU())),
            nn.Conv2d(wide, channels, 1),
        ),
    )

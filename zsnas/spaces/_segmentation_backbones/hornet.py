"""HorNet: a map is multiplied by a convolution's result again and again, from few channels to all."""

from __future__ import annotations

from itertools import pairwise

import torch
from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn
from torch.nn.functional import interpolate

from zsnas.spaces._segmentation_backbones.layers import Pyramid, depthwise, scaled

_DEPTHS = (2, 3, 18, 2)
_ORDERS = (2, 3, 4, 5)
_KERNEL = 7
_FILTERS = (None, None, 24, 12)  # sides of the maps of an image of 384 × 384 in the last two stages


class GlobalFilter(nn.Module):
    """A 3×3 convolution of half of the channels; the frequencies of the others weighed, each by itself.

    The weights are for square maps of a side, and resized for other maps. The paper starts them at nearly
    nothing, with a standard deviation of 0.02; here they keep the variance of the map.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        half = channels // 2
        self.before, self.after = LayerNorm2d(channels), LayerNorm2d(channels)
        self.local = depthwise(half, 3, bias=False)
        self.weights = nn.Parameter(torch.randn(half, 2, side, side // 2 + 1) / 2**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        local, others = self.before(x).chunk(2, dim=1)
        frequencies = torch.fft.rfft2(others, norm="ortho")
        weights = interpolate(self.weights, frequencies.shape[2:], mode="bilinear", align_corners=True)
        weighed = frequencies * torch.complex(weights[:, 0], weights[:, 1])
        everywhere = torch.fft.irfft2(weighed, s=x.shape[2:], norm="ortho")
        in_turn = torch.stack([self.local(local), everywhere], dim=2).flatten(1, 2)
        out: Tensor = self.after(in_turn)
        return out


class RecursiveGate(nn.Module):
    """The recursive gated convolution, gⁿConv, of an order, with a global filter if `side` is given."""

    SCALE = 1 / 3  # of the convolution's results, as the trained networks have it

    def __init__(self, channels: int, order: int, side: int | None) -> None:
        super().__init__()
        self.widths = [channels >> halvings for halvings in reversed(range(order))]
        self.enter = nn.Conv2d(channels, 2 * channels, 1)
        gates = sum(self.widths)
        self.spread = GlobalFilter(gates, side) if side else depthwise(gates, _KERNEL)
        self.widen = nn.ModuleList(nn.Conv2d(narrow, wide, 1) for narrow, wide in pairwise(self.widths))
        self.leave = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        x, gates = torch.split(self.enter(x), [self.widths[0], sum(self.widths)], dim=1)
        first, *others = torch.split(self.spread(gates) * self.SCALE, self.widths, dim=1)
        x = x * first
        for widen, gate in zip(self.widen, others, strict=True):
            x = widen(x) * gate
        out: Tensor = self.leave(x)
        return out


def hornet(width: int, *, filters: bool = False) -> Pyramid:
    """Return a HorNet of `width` channels in its first stage.

    With `filters` the last two stages have global filters instead of 7×7 convolutions (HorNet-GF), of the
    size with which the networks were trained to segment.
    """
    channels = [width << level for level in range(len(_DEPTHS))]
    entries = [
        nn.Sequential(nn.Conv2d(3, width, 4, 4), LayerNorm2d(width)),
        *(
            nn.Sequential(LayerNorm2d(narrow), nn.Conv2d(narrow, 2 * narrow, 2, 2))
            for narrow in channels[:-1]
        ),
    ]
    sides = _FILTERS if filters else (None,) * len(_DEPTHS)
    stages = [
        nn.Sequential(entry, *(_block(width, order, side) for _ in range(depth)))
        for entry, width, depth, order, side in zip(entries, channels, _DEPTHS, _ORDERS, sides, strict=True)
    ]
    return Pyramid(stages, channels, map(LayerNorm2d, channels))


def _block(channels: int, order: int, side: int | None) -> nn.Sequential:
    return nn.Sequential(
        scaled(channels, LayerNorm2d(channels), RecursiveGate(channels, order, side)),
        scaled(
            channels,
            LayerNorm2d(channels),
            nn.Conv2d(channels, 4 * channels, 1),
            nn.GELU(),
            nn.Conv2d(4 * channels, channels, 1),
        ),
    )

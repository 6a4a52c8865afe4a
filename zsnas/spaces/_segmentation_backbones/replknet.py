"""RepLKNet and UniRepLKNet: very large convolutions of each channel, trained beside smaller ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn

from zsnas.spaces._segmentation_backbones.layers import (
    Added,
    Gated,
    Pyramid,
    Residual,
    depthwise,
    halved,
    scaled,
)

_DEPTHS = (2, 2, 18, 2)
_LARGE = 13
_DILATED = ((5, 1), (7, 2), (3, 3), (3, 4), (3, 5))  # sides and dilations beside `_LARGE`


class ResponseNorm(nn.Module):
    """Channels by how strongly each responds to the image, added to themselves (Woo et al. 2023)."""

    EPSILON = 1e-6

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        strength = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        relative = strength / (strength.mean(1, keepdim=True) + self.EPSILON)
        out: Tensor = x + self.weight * relative * x + self.bias
        return out


def replknet(
    width: int,
    kernels: Sequence[int] = (31, 29, 27, 13),
    *,
    small: int | None = 5,
    expansion: float = 1,
) -> Pyramid:
    """Return a RepLKNet of `width` channels in its first stage.

    `kernels` are the sides of the large convolutions of each stage, `small` of those beside them; `expansion`
    is how many times more channels these have than the stage.
    """
    channels = [width << level for level in range(len(_DEPTHS))]
    entries = [_stem(width), *(_transition(inputs, 2 * inputs) for inputs in channels[:-1])]
    stages = []
    for entry, inputs, depth, kernel in zip(entries, channels, _DEPTHS, kernels, strict=True):
        sides = [kernel, small] if small else [kernel]
        pairs = [(_large(inputs, int(expansion * inputs), sides), _feedforward(inputs)) for _ in range(depth)]
        stages.append(nn.Sequential(entry, *chain.from_iterable(pairs)))
    return Pyramid(stages, channels, map(nn.BatchNorm2d, channels))


def _norm_conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def _stem(width: int) -> nn.Sequential:
    return nn.Sequential(
        *(_norm_conv(3, width, 3, stride=2), nn.ReLU()),
        *(_norm_conv(width, width, 3, groups=width), nn.ReLU()),
        *(_norm_conv(width, width), nn.ReLU()),
        *(_norm_conv(width, width, 3, stride=2, groups=width), nn.ReLU()),
    )


def _transition(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(_norm_conv(inputs, outputs), nn.ReLU()),
        *(_norm_conv(outputs, outputs, 3, stride=2, groups=outputs), nn.ReLU()),
    )


def _large(channels: int, inner: int, sides: Sequence[int]) -> Residual:
    return Residual(
        nn.BatchNorm2d(channels),
        *(_norm_conv(channels, inner), nn.ReLU()),
        *(Added([_norm_conv(inner, inner, side, groups=inner) for side in sides]), nn.ReLU()),
        _norm_conv(inner, channels),
    )


def _feedforward(channels: int) -> Residual:
    return Residual(
        nn.BatchNorm2d(channels),
        *(_norm_conv(channels, 4 * channels), nn.GELU()),
        _norm_conv(4 * channels, channels),
    )


def unireplknet(width: int, depth: int) -> Pyramid:
    """Return a UniRepLKNet of `depth` blocks in its third stage, the first one of `width` channels.

    In the third stage every second block of 18, or every third of 27, has the large kernel, others 3×3; in
    the second and the fourth stage all have it, in the first none.
    """
    channels = [width << level for level in range(4)]
    period = depth // 9
    third = [3 if block % period else _LARGE for block in range(depth)]
    kernels = ([3] * 3, [_LARGE] * 3, third, [_LARGE] * 3)
    entries = [_steps(width), *(_smaller(inputs) for inputs in channels[:-1])]
    stages = [
        nn.Sequential(entry, *(_universal(width, kernel) for kernel in sides))
        for entry, width, sides in zip(entries, channels, kernels, strict=True)
    ]
    return Pyramid(stages, channels, map(LayerNorm2d, channels))


def _steps(width: int) -> nn.Sequential:
    half = width // 2
    return nn.Sequential(
        halved(3, half), LayerNorm2d(half), nn.GELU(), halved(half, width), LayerNorm2d(width)
    )


def _smaller(inputs: int) -> nn.Sequential:
    return nn.Sequential(halved(inputs, 2 * inputs), LayerNorm2d(2 * inputs))


def _universal(channels: int, kernel: int) -> Residual:
    wide = 4 * channels
    return scaled(
        channels,
        *(_spatial(channels, kernel), nn.BatchNorm2d(channels), _weighed(channels)),
        *(nn.Conv2d(channels, wide, 1), nn.GELU(), ResponseNorm(wide)),
        *(nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels)),
    )


def _spatial(channels: int, kernel: int) -> nn.Module:
    if kernel != _LARGE:
        return depthwise(channels, kernel, bias=False)
    sides = ((kernel, 1), *_DILATED)
    return Added(
        [
            nn.Sequential(depthwise(channels, side, dilation, bias=False), nn.BatchNorm2d(channels))
            for side, dilation in sides
        ]
    )


def _weighed(channels: int) -> Gated:
    """Return squeeze and excitation with a quarter of the channels."""
    narrow = channels // 4
    return Gated(
        nn.AdaptiveAvgPool2d(1),
        *(nn.Conv2d(channels, narrow, 1), nn.ReLU()),
        *(nn.Conv2d(narrow, channels, 1), nn.Sigmoid()),
    )

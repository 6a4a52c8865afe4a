"""VAN and MSCAN: maps are multiplied by what convolutions of a large field see around each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from timm.layers.norm import LayerNorm2d
from torch import nn

from zsnas.spaces._segmentation_backbones.layers import (
    Added,
    Gated,
    Pyramid,
    Residual,
    depthwise,
    halved,
    scaled,
)

_EXPANSIONS = (8, 8, 4, 4)  # how many times wider the feed-forward part of each stage is


def van(channels: Sequence[int], depths: Sequence[int]) -> Pyramid:
    """Return a VAN with these channels and numbers of blocks of its four stages."""
    first = nn.Sequential(nn.Conv2d(3, channels[0], 7, 4, 3), nn.BatchNorm2d(channels[0]))
    return network([first, *entries(channels)[1:]], channels, depths, _with(_large_kernel), LayerNorm2d)


def mscan(channels: Sequence[int], depths: Sequence[int]) -> Pyramid:
    """Return an MSCAN, the encoder of SegNeXt, with these channels and numbers of blocks."""
    return network(entries(channels), channels, depths, _with(_strips), LayerNorm2d)


def entries(channels: Sequence[int]) -> list[nn.Sequential]:
    """Return what comes first in each stage: convolutions to a quarter of the sides, then to their half."""
    half = channels[0] // 2
    stem = nn.Sequential(*_smaller(3, half), nn.GELU(), *_smaller(half, channels[0]))
    return [stem, *(_smaller(inputs, width) for inputs, width in pairwise(channels))]


def network(
    entries: Sequence[nn.Module],
    channels: Sequence[int],
    depths: Sequence[int],
    block: Callable[[int, int], nn.Module],
    norm: Callable[[int], nn.Module],
) -> Pyramid:
    """Return four stages of an entry, equal blocks and a norm; a block takes channels and expansion."""
    stages = [
        nn.Sequential(entry, *(block(width, expansion) for _ in range(depth)), norm(width))
        for entry, width, depth, expansion in zip(entries, channels, depths, _EXPANSIONS, strict=True)
    ]
    return Pyramid(stages, channels)


def _smaller(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(halved(inputs, outputs), nn.BatchNorm2d(outputs))


def _large_kernel(channels: int) -> Gated:
    """Return a gate that sees 23 × 23 pixels through a dense, a dilated and a 1×1 convolution."""
    return Gated(depthwise(channels, 5), depthwise(channels, 7, dilation=3), nn.Conv2d(channels, channels, 1))


def _strips(channels: int) -> Gated:
    """Return a gate that sees 5 × 5 pixels, and more through pairs of strips of three lengths."""
    pairs = [
        nn.Sequential(depthwise(channels, (1, length)), depthwise(channels, (length, 1)))
        for length in (7, 11, 21)
    ]
    return Gated(depthwise(channels, 5), Added([nn.Identity(), *pairs]), nn.Conv2d(channels, channels, 1))


def _with(gate: Callable[[int], nn.Module]) -> Callable[[int, int], nn.Module]:
    return lambda channels, expansion: _block(channels, expansion, gate(channels))


def _block(channels: int, expansion: int, gate: nn.Module) -> nn.Sequential:
    attention = Residual(nn.Conv2d(channels, channels, 1), nn.GELU(), gate, nn.Conv2d(channels, channels, 1))
    wide = channels * expansion
    return nn.Sequential(
        scaled(channels, nn.BatchNorm2d(channels), attention),
        scaled(
            channels,
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, wide, 1),
            depthwise(wide, 3),
            nn.GELU(),
            nn.Conv2d(wide, channels, 1),
        ),
    )

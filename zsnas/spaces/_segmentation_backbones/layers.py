"""What the backbones are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from timm.layers.layer_scale import LayerScale2d
from timm.models import FeatureInfo
from torch import Tensor, nn


class Pyramid(nn.Module):
    """Four stages, one after the other, and a norm for the map that each of them gives away.

    `feature_info` describes the maps as timm's backbones do.
    """

    def __init__(
        self, stages: Iterable[nn.Module], channels: Sequence[int], norms: Iterable[nn.Module] | None = None
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.norms = nn.ModuleList(norms if norms is not None else [nn.Identity() for _ in channels])
        maps = [
            {"num_chs": width, "reduction": 4 << level, "module": f"norms.{level}"}
            for level, width in enumerate(channels)
        ]
        self.feature_info = FeatureInfo(maps, tuple(range(len(maps))))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (batch, 3, height, width) to four levels, the finest one quarter of its sides."""
        levels = []
        for stage, norm in zip(self.stages, self.norms, strict=True):
            x = stage(x)
            levels.append(norm(x))
        return levels


class Branch(nn.Module):
    """Layers beside which their input is carried along."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)


class Residual(Branch):
    """Layers whose result is added to their input."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        out: Tensor = x + self.branch(x)
        return out


class Gated(Branch):
    """Layers whose result multiplies their input."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        out: Tensor = x * self.branch(x)
        return out


class Added(nn.ModuleList):
    """Layers that read the same map, their results added."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        first, *others = self
        total: Tensor = first(x)
        for layer in others:
            total = total + layer(x)
        return total


def scaled(channels: int, *layers: nn.Module) -> Residual:
    """Return layers whose result has a scale for each channel, one at first, and is added to their input."""
    return Residual(*layers, LayerScale2d(channels, init_values=1.0))


def depthwise(
    channels: int, kernel: int | tuple[int, int], dilation: int = 1, *, bias: bool = True
) -> nn.Conv2d:
    """Return a convolution of each channel by itself that keeps the sides; `kernel` is odd."""
    high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (high // 2 * dilation, wide // 2 * dilation)
    return nn.Conv2d(channels, channels, (high, wide), 1, padding, dilation, channels, bias)


def halved(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3×3 convolution that halves the sides."""
    return nn.Conv2d(inputs, outputs, 3, 2, 1)


def initialise(module: nn.Module) -> None:
    """Draw the weights of convolutions by the number of outputs that an input reaches; biases are zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            reached = layer.out_channels // layer.groups * prod(layer.kernel_size)
            nn.init.normal_(layer.weight, std=(2 / reached) ** 0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

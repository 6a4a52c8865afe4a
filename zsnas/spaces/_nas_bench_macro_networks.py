"""The networks of NAS-Bench-Macro: a stem, three stages of inverted residual blocks, and a classifier."""

from __future__ import annotations

from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces.nas_bench_macro import FEATURES, STEM

_SHAPES = {"1": (3, 3), "2": (5, 6)}  # side of the filters, expansion


def network(stages: tuple[str, ...], num_classes: int, seed: int) -> nn.Module:
    """Return the untrained network, see `zsnas.spaces.nas_bench_macro.NASBenchMacro.build`."""
    with torch_seeded(seed):
        body: list[nn.Module] = [_convolution(3, STEM, 3)]
        channels = STEM
        for stage in stages:
            body.append(_layer(stage[0], channels, 2 * channels, stride=2))
            channels *= 2
            body += [_layer(operation, channels, channels, stride=1) for operation in stage[1:]]
        body.append(_convolution(channels, FEATURES, 1))
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(FEATURES, num_classes))


def _layer(operation: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    if operation in _SHAPES:
        return InvertedResidual(*_SHAPES[operation], inputs, outputs, stride)
    if stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=False),
    )


class InvertedResidual(nn.Module):
    """Widen by a 1×1 convolution, filter each channel, narrow; the input is added where the shape stays."""

    def __init__(self, side: int, expansion: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * inputs
        self.has_shortcut = stride == 1
        self.body = nn.Sequential(
            _convolution(inputs, hidden, 1),
            _convolution(hidden, hidden, side, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to ``outputs`` and sides divided by the stride, rounded up."""
        out: Tensor = self.body(x)
        return x + out if self.has_shortcut else out

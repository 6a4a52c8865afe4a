"""MobileNet-v2 for ImageNet: depth, width and resolution on a grid, in the three forms that are in use.

``mobilenetv2-d1-x0.35-r96`` reads: form, multiplier of the depth, multiplier of the width, resolution.

==================  ====================================================================================
form                what differs
==================  ====================================================================================
``mobilenetv2``     as first published and in torchvision: channels are multiples of 8 (of 4 below ×0.25),
                    and the first block has no expansion
``gluon``           channels are rounded down, the first block has an expansion to as many channels as it
                    takes in, and the classifier has no bias
``b``               as ``gluon``, without that expansion
==================  ====================================================================================

The head has 1,280 channels, more only above ×1. The depth multiplies the blocks of each stage but the first
and the last, rounded up; deeper networks (timm's ``mobilenetv2_110d`` and ``120d``) keep stem and head of ×1.

Source: Sandler et al. 2018, MobileNetV2: inverted residuals and linear bottlenecks.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from math import ceil
from typing import NamedTuple

from torch import Tensor, nn

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._zoo import Grid

FORMS = ("mobilenetv2", "gluon", "b")
DEPTHS = (1.0, 1.2, 1.4)
WIDTHS = (0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0)
RESOLUTIONS = (96, 128, 160, 192, 224, 256, 288)
# Expansion, channels, blocks and stride of each stage.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, HEAD = 32, 1280


class Design(NamedTuple):
    """What an architecture string says."""

    form: str
    depth: float
    width: float
    resolution: int

    def __str__(self) -> str:
        return f"{self.form}-d{self.depth:g}-x{self.width:g}-r{self.resolution}"

    def channels(self, base: int) -> int:
        """Return the channels of a layer that has ``base`` of them at ×1."""
        scaled = base * self.width
        if self.form != "mobilenetv2":
            return int(scaled)
        divisor = 4 if self.width < 0.25 else 8
        nearest = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
        return nearest + divisor if nearest < 0.9 * scaled else nearest


class MobileNetV2(Grid):
    """The grid of MobileNet-v2 networks."""

    name = "mobilenet-v2"

    @property
    def designs(self) -> dict[str, Design]:
        """Every architecture string with its design; the resolution changes fastest."""
        return _designs()

    def parse(self, arch: str) -> Design:
        """Return what an architecture string says, see `parse`."""
        return parse(arch)

    def _create(self, arch: str, num_classes: int) -> nn.Module:
        return Network(parse(arch), num_classes)


@cache
def _designs() -> dict[str, Design]:
    designs = [Design(*parts) for parts in product(FORMS, DEPTHS, WIDTHS, RESOLUTIONS)]
    return {str(design): design for design in designs}


def parse(arch: str) -> Design:
    """Return what an architecture string says; ``str`` of it is the string again.

    Raises
    ------
    ValueError
        When it is not on the grid, with the grid.
    """
    if arch not in _designs():
        depths, widths, sides = (
            ", ".join(f"{value:g}" for value in values) for values in (DEPTHS, WIDTHS, RESOLUTIONS)
        )
        why = f"its form is one of {', '.join(FORMS)}, d of {depths}, x of {widths}, r of {sides}"
        raise no_architecture(arch, "mobilenet-v2", "mobilenetv2-d1-x1-r224", why)
    return _designs()[arch]


class Network(nn.Module):
    """Stem, inverted bottlenecks, head, pooling, classifier."""

    def __init__(self, design: Design, num_classes: int) -> None:
        super().__init__()
        is_deep = design.depth > 1
        channels = STEM if is_deep else design.channels(STEM)
        head = HEAD if is_deep or design.width < 1 else design.channels(HEAD)
        layers = _convolution(3, channels, 3, stride=2)
        for stage, (expansion, base, count, stride) in enumerate(STAGES):
            inner_stage = 0 < stage < len(STAGES) - 1
            for k in range(ceil(count * design.depth) if inner_stage else count):
                expands = expansion > 1 or design.form == "gluon"
                outputs = design.channels(base)
                layers.append(
                    Block(channels, expansion * channels, outputs, 1 if k else stride, expands=expands)
                )
                channels = outputs
        self.features = nn.Sequential(*layers, *_convolution(channels, head, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(head, num_classes, bias=design.form == "mobilenetv2")
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        nn.init.normal_(self.classifier.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, side, side) to logits (batch, num_classes)."""
        logits: Tensor = self.classifier(self.pool(self.features(x)).flatten(1))
        return logits


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution, its normalisation and ReLU6."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6()]


class Block(nn.Module):
    """Inverted bottleneck: expansion, depthwise convolution, projection; plus the input where it fits."""

    def __init__(self, inputs: int, inner: int, outputs: int, stride: int, *, expands: bool) -> None:
        super().__init__()
        self.has_shortcut = stride == 1 and inputs == outputs
        self.row = nn.Sequential(
            *(_convolution(inputs, inner, 1) if expands else ()),
            *_convolution(inner, inner, 3, stride, groups=inner),
            *_convolution(inner, outputs, 1)[:-1],
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        output: Tensor = self.row(x)
        return x + output if self.has_shortcut else output

"""Networks of inverted residual blocks, the parts that the MobileNet spaces share, and what these cost.

A network is a 3×3 convolution that halves the image, the blocks, a 1×1 convolution to the features that are
pooled, and a linear classifier. A block widens its input by a 1×1 convolution (left out where the expansion
is 1), filters each channel by itself, and narrows the result by another 1×1 convolution; its input is added
where the shape stays. A block may weight its channels before it narrows them (squeeze and excitation). Batch
norm follows every convolution, and ReLU6 all but the last of a block.

Source: Sandler et al. 2018, MobileNetV2; Hu et al. 2018, Squeeze-and-Excitation Networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces._base import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

SQUEEZED = 4  # how many times fewer channels than the block's input the bottleneck of an excitation has


class Block(NamedTuple):
    """One inverted residual block: channels in and out, side of the filters, expansion, stride."""

    inputs: int
    outputs: int
    kernel: int
    expansion: int
    stride: int
    excited: bool = False

    @property
    def hidden(self) -> int:
        """Channels between the two 1×1 convolutions."""
        return self.inputs * self.expansion

    @property
    def squeezed(self) -> int:
        """Channels in the bottleneck of the excitation."""
        return max(1, self.inputs // SQUEEZED)


class Plan(NamedTuple):
    """All of a network but its classes: channels of the stem, blocks, features before the classifier."""

    stem: int
    blocks: tuple[Block, ...]
    features: int


def network(plan: Plan, num_classes: int, seed: int) -> nn.Module:
    """Return the untrained network of a plan; no global generator is touched.

    Convolutions are drawn as He et al. 2015 do (normal, by the number of outputs), linear layers with torch's
    defaults. Takes images (batch, 3, height, width) to logits (batch, ``num_classes``).
    """
    with torch_seeded(seed):
        built = _network(plan, num_classes)
        for layer in built.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        return built


def _network(plan: Plan, num_classes: int) -> nn.Sequential:
    last = plan.blocks[-1].outputs
    return nn.Sequential(
        _convolution(3, plan.stem, 3, stride=2),
        *map(InvertedResidual, plan.blocks),
        _convolution(last, plan.features, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(plan.features, num_classes),
    )


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=False),
    )


class Excitation(nn.Module):
    """Weight each channel by what a small network makes of the means of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(inplace=False),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, channels, height, width)."""
        out: Tensor = x * self.weights(x)
        return out


class InvertedResidual(nn.Module):
    """The block that a `Block` describes."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.has_shortcut = block.stride == 1 and block.inputs == block.outputs
        hidden = block.hidden
        widen = [_convolution(block.inputs, hidden, 1)] if block.expansion > 1 else []
        excite = [Excitation(hidden, block.squeezed)] if block.excited else []
        self.body = nn.Sequential(
            *widen,
            _convolution(hidden, hidden, block.kernel, block.stride, groups=hidden),
            *excite,
            nn.Conv2d(hidden, block.outputs, 1, bias=False),
            nn.BatchNorm2d(block.outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to ``outputs`` and sides divided by the stride, rounded up."""
        out: Tensor = self.body(x)
        return x + out if self.has_shortcut else out


def counts(plan: Plan, num_classes: int, side: int) -> Counts:
    """Return the parameters of a plan's network and the multiply-accumulates of one image, by formula.

    What counts is what the proxies #Params and #FLOPs count: convolutions and the classifier cost operations;
    batch norm, biases and activations do not.
    """
    side = _halved(side)
    params, macs = 27 * plan.stem + 2 * plan.stem, 27 * plan.stem * side**2
    for block in plan.blocks:
        reduced = _halved(side) if block.stride == 2 else side
        params += sum(_params(block))
        macs += sum(_macs(block, side**2, reduced**2))
        side = reduced
    last = plan.blocks[-1].outputs * plan.features
    params += last + 2 * plan.features + (plan.features + 1) * num_classes
    return Counts(params, macs + last * side**2 + plan.features * num_classes)


def _halved(side: int) -> int:
    return (side + 1) // 2


def _params(block: Block) -> Iterator[int]:
    hidden, squeezed = block.hidden, block.squeezed
    if block.expansion > 1:
        yield block.inputs * hidden + 2 * hidden
    yield block.kernel**2 * hidden + 2 * hidden
    if block.excited:
        yield 2 * hidden * squeezed + hidden + squeezed
    yield hidden * block.outputs + 2 * block.outputs


def _macs(block: Block, pixels: int, reduced: int) -> Iterator[int]:
    hidden = block.hidden
    if block.expansion > 1:
        yield block.inputs * hidden * pixels
    yield block.kernel**2 * hidden * reduced
    if block.excited:
        yield 2 * hidden * block.squeezed
    yield hidden * block.outputs * reduced

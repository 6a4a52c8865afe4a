"""The heads of segmentation networks: from a backbone's feature maps to the logits of each class.

A head takes four feature maps, the finest first, and gives (batch, classes, height, width), the sides being
those of one of its inputs; whoever asks for pixels resizes. All are written from their papers:

==================  ===================================================================================
``fcn``             Long et al. 2015, two convolutions around which the input is carried
``fcn1``            the same with one 1×1 convolution, Sun et al. 2019 (HRNetV2)
``c1``              Zhou et al. 2018, one 3×3 convolution to a quarter of the channels
``pspnet``          Zhao et al. 2017, pyramid pooling
``upernet``         Xiao et al. 2018, pyramid pooling and a feature pyramid
``fpn``             Kirillov et al. 2019, a feature pyramid whose levels are brought to one size
``deeplabv3``       Chen et al. 2017, convolutions of several dilations
``deeplabv3plus``   Chen et al. 2018, the same from separable convolutions, and a fine feature map
``nonlocal``        Wang et al. 2018, every pixel attends to every other
``dnl``             Yin et al. 2020, pairs and single pixels attended to apart
``gcnet``           Cao et al. 2019, one attention map for all pixels
``ccnet``           Huang et al. 2019, attention along the row and the column, twice
``danet``           Fu et al. 2019, attention of positions beside attention of channels
``ann``             Zhu et al. 2019, attention to the pooled pixels of two feature maps
``isanet``          Huang et al. 2019, attention among far pixels, then among near ones
``encnet``          Zhang et al. 2018, a codebook of features that weighs the channels
``apcnet``          He et al. 2019, affinities between pixels and pooled regions
``dmnet``           He et al. 2019, filters that are computed from the image
``ocr``             Yuan et al. 2020, attention to the mean features of each class
``lraspp``          Howard et al. 2019, for mobile networks
``jpu-…``           Wu et al. 2019, a joint pyramid that stands in for dilation, before another head
==================  ===================================================================================

Auxiliary classifiers, which training adds and throws away, and dropout are left out. Where a paper starts a
branch at zero (the scale of an attention, the last layer of a non-local block), it starts at one or at random
here: a proxy would see nothing of such a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate, pad

Levels = list[Tensor]

WIDTH = 512
REGIONS = (1, 2, 3, 6)  # sides of the pooled maps of a pyramid
DILATIONS = (12, 24, 36)


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


class Pooled(nn.Module):
    """The mean of each of side × side regions, through a 1×1 convolution, back at the size of the input."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.side, self.conv = side, conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, outputs, …)."""
        return resized(self.conv(adaptive_avg_pool2d(x, self.side)), x)


class Beside(nn.Module):
    """Several branches that read the same map, their results one behind the other, and a convolution."""

    def __init__(self, branches: Sequence[nn.Module], inputs: int, outputs: int, *, carry: bool) -> None:
        super().__init__()
        self.branches, self.carry = nn.ModuleList(branches), carry
        self.merge = conv(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to (batch, outputs, …); `carry` puts the input before the branches."""
        maps = [branch(x) for branch in self.branches]
        out: Tensor = self.merge(torch.cat([x, *maps] if self.carry else maps, dim=1))
        return out


def _pyramid(
    inputs: int, width: int, branch: Callable[[int, int, int], nn.Module], sizes: Sequence[int]
) -> Beside:
    branches = [branch(inputs, width, size) for size in sizes]
    return Beside(branches, inputs + len(sizes) * width, width, carry=True)


def _atrous(inputs: int, width: int, dilated: Callable[[int, int, int], nn.Module]) -> Beside:
    branches = [
        Pooled(inputs, width, 1),
        conv(inputs, width),
        *(dilated(inputs, width, d) for d in DILATIONS),
    ]
    return Beside(branches, len(branches) * width, width, carry=False)


class DeepLabV3Plus(nn.Module):
    """The atrous pyramid beside the finest level, then two separable convolutions."""

    def __init__(self, channels: Sequence[int], width: int, fine: int = 48) -> None:
        super().__init__()
        self.atrous = _atrous(channels[-1], width, separable)
        self.fine = conv(channels[0], fine)
        self.merge = nn.Sequential(separable(width + fine, width), separable(width, width))

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the finest one."""
        fine = self.fine(levels[0])
        out: Tensor = self.merge(torch.cat([resized(self.atrous(levels[-1]), fine), fine], dim=1))
        return out


class UPerNet(nn.Module):
    """Pyramid pooling of the coarsest level, a feature pyramid down to the finest, all levels together."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.pool = _pyramid(channels[-1], width, Pooled, REGIONS)
        self.laterals = nn.ModuleList(conv(inputs, width) for inputs in channels[:-1])
        self.smooth = nn.ModuleList(conv(width, width, 3) for _ in channels[:-1])
        self.merge = conv(len(channels) * width, width, 3)

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the finest one."""
        maps = [lateral(level) for lateral, level in zip(self.laterals, levels[:-1], strict=True)]
        maps = _top_down([*maps, self.pool(levels[-1])])
        smooth = [layer(x) for layer, x in zip(self.smooth, maps[:-1], strict=True)]
        out: Tensor = self.merge(torch.cat([resized(x, maps[0]) for x in [*smooth, maps[-1]]], dim=1))
        return out


def _top_down(maps: Levels) -> Levels:
    """Add each level, from the coarsest on, to the next finer one."""
    summed = [maps[-1]]
    for finer in reversed(maps[:-1]):
        summed.insert(0, finer + resized(summed[0], finer))
    return summed


class FeaturePyramid(nn.Module):
    """A feature pyramid whose levels are brought to the finest one by convolutions, and added."""

    NARROW = 128

    def __init__(self, channels: Sequence[int], width: int = 256) -> None:
        super().__init__()
        narrow = self.NARROW
        self.laterals = nn.ModuleList(nn.Conv2d(inputs, width, 1) for inputs in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        # A level is enlarged after each of its convolutions, so that one that is coarser by 2ⁿ has n.
        self.scale = nn.ModuleList(
            nn.ModuleList(conv(narrow if i else width, narrow, 3) for i in range(max(1, level)))
            for level in range(len(channels))
        )

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, `NARROW`, …) at the sides of the finest one."""
        maps = _top_down([layer(x) for layer, x in zip(self.laterals, levels, strict=True)])
        total = torch.zeros(())
        for level, (smooth, scale) in enumerate(zip(self.smooth, self.scale, strict=True)):
            x = smooth(maps[level])
            for step, layer in enumerate(scale.children(), start=1):
                x = layer(x)
                x = resized(x, maps[level - step]) if level else x
            total = x if level == 0 else total + x
        return total


def _pixels(x: Tensor) -> Tensor:
    """Return (batch, channels, height, width) as (batch, pixels, channels)."""
    return x.flatten(2).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """Return for each pixel of `query` the values weighed by a softmax over the keys.

    Maps (batch, channels, height, width); keys and values may have other sides. The result has the channels
    of the values and the sides of the query.
    """
    weights = (_pixels(query) @ key.flatten(2) * scale).softmax(dim=-1)
    mixed = (weights @ _pixels(value)).transpose(1, 2)
    return mixed.reshape(len(query), -1, *query.shape[2:])


class NonLocal(nn.Module):
    """Every pixel attends to every other; the result is added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.query, self.key, self.value = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        self.out = conv(inner, channels, relu=False)

    def mixed(self, x: Tensor) -> Tensor:
        """Return what the pixels take from each other, (batch, channels / 2, …)."""
        query, key = self.query(x), self.key(x)
        return attend(query, key, self.value(x), query.shape[1] ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to the same shape."""
        out: Tensor = x + self.out(self.mixed(x))
        return out


class Disentangled(NonLocal):
    """A non-local block whose pairs are compared without their means, beside one map for single pixels."""

    TEMPERATURE = 0.05

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.mask = nn.Conv2d(channels, 1, 1)

    def mixed(self, x: Tensor) -> Tensor:
        """Return what the pixels take from each other and from the image, (batch, channels / 2, …)."""
        query, key, value = self.query(x), self.key(x), self.value(x)
        query, key = (y - y.mean((2, 3), keepdim=True) for y in (query, key))
        pairs = attend(query, key, value, query.shape[1] ** -0.5 / self.TEMPERATURE)
        weights = self.mask(x).flatten(2).softmax(dim=-1)
        whole: Tensor = (weights @ _pixels(value)).transpose(1, 2)[..., None]
        return pairs + whole


class GlobalContext(nn.Module):
    """One attention map for all pixels; what it gathers is transformed and added to each."""

    def __init__(self, channels: int, ratio: int = 4) -> None:
        super().__init__()
        inner = channels // ratio
        self.mask = nn.Conv2d(channels, 1, 1)
        self.transform = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.LayerNorm([inner, 1, 1]),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to the same shape."""
        weights = self.mask(x).flatten(2).softmax(dim=-1)
        gathered = (weights @ _pixels(x)).transpose(1, 2)[..., None]
        out: Tensor = x + self.transform(gathered)
        return out


class Positions(nn.Module):
    """Attention of every pixel to every other with short queries, scaled and added (DANet's first half)."""

    def __init__(self, channels: int, ratio: int = 8) -> None:
        super().__init__()
        self.query, self.key = (nn.Conv2d(channels, channels // ratio, 1) for _ in range(2))
        self.value = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to the same shape."""
        return x + self.scale * attend(self.query(x), self.key(x), self.value(x))


class CrissCross(Positions):
    """Attention of every pixel to its row and its column, twice, so that each sees the whole map."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to the same shape."""
        for _ in range(2):
            x = x + self.scale * self._cross(self.query(x), self.key(x), self.value(x))
        return x

    @staticmethod
    def _cross(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        height, width = query.shape[2:]
        itself = torch.eye(height, dtype=torch.bool, device=query.device)  # the row has it already
        column = torch.einsum("bchw,bcgw->bhwg", query, key)
        column = column.masked_fill(itself[:, None, :], float("-inf"))
        row = torch.einsum("bchw,bchv->bhwv", query, key)
        vertical, horizontal = torch.split(torch.cat([column, row], -1).softmax(-1), [height, width], -1)
        return torch.einsum("bhwg,bcgw->bchw", vertical, value) + torch.einsum(
            "bhwv,bchv->bchw", horizontal, value
        )


class Channels(nn.Module):
    """Attention of every channel to every other, the most different ones first (DANet's second half)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, …) to the same shape."""
        flat = x.flatten(2)
        alike = flat @ flat.transpose(1, 2)
        weights = (alike.amax(dim=-1, keepdim=True) - alike).softmax(dim=-1)
        return x + self.scale * (weights @ flat).view_as(x)


class DualAttention(nn.Module):
    """Attention of positions and of channels, added."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.positions, self.channels = (
            nn.Sequential(conv(inputs, width, 3), attention, conv(width, width, 3))
            for attention in (Positions(width), Channels())
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        out: Tensor = self.positions(x) + self.channels(x)
        return out


class AsymmetricAttention(nn.Module):
    """Pixels of one map attend to the pooled regions of another; the result comes before the first map."""

    SIDES = (1, 3, 6, 8)

    def __init__(self, low: int, high: int, inner: int = 256, *, shared: bool = False) -> None:
        super().__init__()
        self.query = conv(high, inner)
        self.key = self.query if shared else conv(low, inner)
        self.value, self.out = nn.Conv2d(low, inner, 1), nn.Conv2d(inner, high, 1)
        self.merge = conv(2 * high, high, relu=not shared)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Map (batch, low, …) and (batch, high, …) to the shape of the latter."""
        key, value = (self._pool(layer(low)) for layer in (self.key, self.value))
        query = self.query(high)
        mixed = self.out(attend(query, key, value, query.shape[1] ** -0.5))
        out: Tensor = self.merge(torch.cat([mixed, high], dim=1))
        return out

    def _pool(self, x: Tensor) -> Tensor:
        """Return all regions in one row, (batch, channels, 1, regions)."""
        return torch.cat([adaptive_avg_pool2d(x, side).flatten(2) for side in self.SIDES], -1)[:, :, None]


class Asymmetric(nn.Module):
    """Asymmetric attention of the last level to the one before it, and then to itself."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.fuse = AsymmetricAttention(channels[-2], channels[-1])
        self.reduce = conv(channels[-1], width, 3)
        self.context = AsymmetricAttention(width, width, shared=True)

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, width, …) at the sides of the last one."""
        x = self.reduce(self.fuse(levels[-2], levels[-1]))
        out: Tensor = self.context(x, x)
        return out


class SelfAttention(nn.Module):
    """Attention with two-layer queries and keys; `outputs` channels, from `inner` values or directly."""

    def __init__(self, inputs: int, inner: int, outputs: int | None = None) -> None:
        super().__init__()
        self.query, self.key = (nn.Sequential(conv(inputs, inner), conv(inner, inner)) for _ in range(2))
        if outputs is None:
            self.value, self.out = nn.Sequential(nn.Conv2d(inputs, inputs, 1)), conv(inputs, inputs)
        else:
            self.value, self.out = conv(inputs, inner), conv(inner, outputs)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Let (batch, inputs, …) attend to another map of as many channels."""
        query = self.query(x)
        mixed = attend(query, self.key(other), self.value(other), query.shape[1] ** -0.5)
        out: Tensor = self.out(mixed)
        return out


class Interlaced(nn.Module):
    """Attention among pixels that are far from each other, then among near ones."""

    PARTS = 8  # a side has so many near groups

    def __init__(self, inputs: int, width: int, inner: int = 256) -> None:
        super().__init__()
        self.reduce = conv(inputs, width, 3)
        self.far, self.near = (SelfAttention(width, inner) for _ in range(2))
        self.merge = conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        x = self.reduce(x)
        height, width = x.shape[2:]
        padded = pad(x, (0, -width % self.PARTS, 0, -height % self.PARTS))
        batch, channels, rows, columns = padded.shape
        grid = padded.view(batch, channels, self.PARTS, rows // self.PARTS, self.PARTS, columns // self.PARTS)
        order = (0, 3, 5, 1, 2, 4)  # the places of a pixel in its group come before the groups
        far = self._within(grid.permute(order), self.far)
        near = self._within(far.permute(0, 4, 5, 3, 1, 2), self.near)
        mixed = near.permute(0, 3, 1, 4, 2, 5).reshape(padded.shape)
        out: Tensor = self.merge(torch.cat([x, mixed[:, :, :height, :width]], dim=1))
        return out

    @staticmethod
    def _within(groups: Tensor, attention: SelfAttention) -> Tensor:
        """Attend inside each group of (batch, group rows, group columns, channels, rows, columns)."""
        flat = groups.flatten(0, 2)
        mixed: Tensor = attention(flat, flat).view(groups.shape)
        return mixed


class Encoding(nn.Module):
    """A codebook of features; how far an image is from it weighs the channels."""

    def __init__(self, inputs: int, width: int, codes: int = 32) -> None:
        super().__init__()
        self.reduce = conv(inputs, width, 3)
        self.project = conv(width, width)
        bound = (codes * width) ** -0.5
        self.codes = nn.Parameter(torch.empty(codes, width).uniform_(-bound, bound))
        self.smoothing = nn.Parameter(torch.empty(codes).uniform_(-1, 0))
        self.norm = nn.BatchNorm1d(codes)
        self.weigh = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        x = self.reduce(x)
        pixels = _pixels(self.project(x))
        squares = pixels.square().sum(-1, keepdim=True) + self.codes.square().sum(-1)
        distances = squares - 2 * pixels @ self.codes.T
        weights = (self.smoothing * distances).softmax(dim=-1)
        residuals = weights.transpose(1, 2) @ pixels - weights.sum(1)[..., None] * self.codes
        encoded = self.norm(residuals).relu().mean(1)
        out: Tensor = (x + x * self.weigh(encoded).sigmoid()[..., None, None]).relu()
        return out


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
        mixed = (_pixels(affinity) @ _pixels(regions)).transpose(1, 2).reshape(x.shape)
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


class ObjectContext(nn.Module):
    """A first guess of the classes gathers a feature for each, and every pixel attends to these."""

    def __init__(self, inputs: int, width: int, classes: int) -> None:
        super().__init__()
        self.guess = nn.Sequential(conv(inputs, inputs), nn.Conv2d(inputs, classes, 1))
        self.reduce = conv(inputs, width, 3)
        self.attention = SelfAttention(width, width // 2, width)
        self.merge = conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        weights = self.guess(x).flatten(2).softmax(dim=-1)
        x = self.reduce(x)
        objects = (weights @ _pixels(x)).transpose(1, 2)[..., None]
        out: Tensor = self.merge(torch.cat([self.attention(x, objects), x], dim=1))
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


class JointPyramid(nn.Module):
    """Three levels at the size of the second, through separable convolutions of four dilations."""

    def __init__(self, channels: Sequence[int], width: int = WIDTH) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(conv(inputs, width, 3) for inputs in channels[1:])
        self.dilated = nn.ModuleList(separable(3 * width, width, d, relu=False) for d in (1, 2, 4, 8))

    def forward(self, levels: Levels) -> Levels:
        """Return the levels, the last one replaced by (batch, 4 × width, …)."""
        maps = [layer(x) for layer, x in zip(self.laterals, levels[1:], strict=True)]
        joined = torch.cat([resized(x, maps[0]) for x in maps], dim=1)
        return [*levels[:-1], torch.cat([layer(joined) for layer in self.dilated], dim=1)]


Builder = Callable[[Sequence[int], int], tuple[nn.Module, int]]
"""From the channels of the levels and the number of classes to layers and the channels that they give."""


def _last(
    module: Callable[[int, int], nn.Module], channels: Sequence[int], _classes: int
) -> tuple[nn.Module, int]:
    return Last(module(channels[-1], WIDTH)), WIDTH


def _all(
    module: Callable[[Sequence[int], int], nn.Module], channels: Sequence[int], _: int
) -> tuple[nn.Module, int]:
    return module(channels, WIDTH), WIDTH


def _around(context: Callable[[int], nn.Module], channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return Around(channels[-1], WIDTH, context(WIDTH)), WIDTH


def _plain(kernel: int, share: int, channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    width = channels[-1] // share
    return Last(conv(channels[-1], width, kernel)), width


def _feature_pyramid(channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return FeaturePyramid(channels), FeaturePyramid.NARROW


def _object_context(channels: Sequence[int], classes: int) -> tuple[nn.Module, int]:
    return Last(ObjectContext(channels[-1], WIDTH, classes)), WIDTH


def _dilated(inputs: int, width: int, dilation: int) -> nn.Module:
    return conv(inputs, width, 3, dilation)


_BODIES: dict[str, Builder] = {
    "fcn": partial(_around, lambda _: nn.Identity()),
    "fcn1": partial(_plain, 1, 1),
    "c1": partial(_plain, 3, 4),
    "pspnet": partial(_last, partial(_pyramid, branch=Pooled, sizes=REGIONS)),
    "upernet": partial(_all, UPerNet),
    "fpn": _feature_pyramid,
    "deeplabv3": partial(_last, partial(_atrous, dilated=_dilated)),
    "deeplabv3plus": partial(_all, DeepLabV3Plus),
    "nonlocal": partial(_around, NonLocal),
    "dnl": partial(_around, Disentangled),
    "gcnet": partial(_around, GlobalContext),
    "ccnet": partial(_around, CrissCross),
    "danet": partial(_last, DualAttention),
    "ann": partial(_all, Asymmetric),
    "isanet": partial(_last, Interlaced),
    "encnet": partial(_last, Encoding),
    "apcnet": partial(_last, partial(_pyramid, branch=AdaptiveContext, sizes=REGIONS)),
    "dmnet": partial(_last, partial(_pyramid, branch=DynamicFilters, sizes=(1, 3, 5, 7))),
    "ocr": _object_context,
}
_JOINT = "jpu-"
AFTER_JOINT = ("deeplabv3", "pspnet", "encnet")
"""Heads that a joint pyramid is put before."""
HEADS = (*_BODIES, "lraspp", *(f"{_JOINT}{name}" for name in AFTER_JOINT))
"""Every head; which backbones it fits is up to the space."""


def head(name: str, channels: Sequence[int], classes: int) -> nn.Module:
    """Return one of `HEADS` for levels with these channels, with weights drawn from the global generator."""
    if name == "lraspp":
        return _initialised(LiteAtrous(channels, classes))
    if name.startswith(_JOINT):
        joint = JointPyramid(channels)
        after = head(name.removeprefix(_JOINT), [*channels[:-1], 4 * WIDTH], classes)
        return nn.Sequential(_initialised(joint), after)
    body, width = _BODIES[name](channels, classes)
    return _initialised(nn.Sequential(body, nn.Conv2d(width, classes, 1)))


def _initialised(module: nn.Module) -> nn.Module:
    """Draw the weights of convolutions as He et al. 2015 do, by the number of outputs; biases are zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module

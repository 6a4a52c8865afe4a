"""Heads in which pixels, or channels, attend to each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, pad

from zsnas.spaces._segmentation_heads.layers import Levels, conv, pixels, resized


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """Return for each pixel of `query` the values weighed by a softmax over the keys.

    Maps (batch, channels, height, width); keys and values may have other sides. The result has the channels
    of the values and the sides of the query.
    """
    weights = (pixels(query) @ key.flatten(2) * scale).softmax(dim=-1)
    mixed = (weights @ pixels(value)).transpose(1, 2)
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
        whole: Tensor = (weights @ pixels(value)).transpose(1, 2)[..., None]
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
        gathered = (weights @ pixels(x)).transpose(1, 2)[..., None]
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


class PointWise(nn.Module):
    """Each pixel says by how much it takes from, and gives to, every other, by their offset (PSANet).

    What a pixel says is a mask of `SIDE` × `SIDE` offsets: more than the 63 × 63 of two pixels in a map of
    32 × 32, which is half of what a backbone of stride 8 makes of 512 × 512, the crop that mmsegmentation
    trains with. A smaller map reads the middle of the masks, so that the parameters do not depend on the
    images; of a larger one, pixels beyond the mask count as zeros, before the softmax. The reference
    implementation of Zhao et al. trains with 465 × 465 and has masks of 59 × 59, 2 % fewer parameters.
    """

    SIDE = 66
    BEFORE, AFTER = 32, 33  # offsets on either side of the pixel itself

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(conv(inputs, width) for _ in range(2))
        self.masks = nn.ModuleList(
            nn.Sequential(conv(width, width), nn.Conv2d(width, self.SIDE**2, 1, bias=False)) for _ in range(2)
        )
        self.project = conv(2 * width, inputs)
        self.merge = conv(2 * inputs, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, …) to (batch, width, …)."""
        halves = [avg_pool2d(layer(x), 2, ceil_mode=True) for layer in self.reduce]
        taken, given = (self.between(mask(half)) for mask, half in zip(self.masks, halves, strict=True))
        weights = (taken.softmax(dim=-1), given.transpose(1, 2).softmax(dim=-1))
        mixed = [
            (weight @ pixels(half)).transpose(1, 2).view(half.shape)
            for weight, half in zip(weights, halves, strict=True)
        ]
        out: Tensor = self.merge(torch.cat([x, resized(self.project(torch.cat(mixed, dim=1)), x)], dim=1))
        return out

    @classmethod
    def between(cls, masks: Tensor) -> Tensor:
        """Return what each pixel's mask says of every other, (batch, pixels, pixels)."""
        batch, _, height, width = masks.shape
        offsets = masks.view(batch, cls.SIDE, cls.SIDE, height, width).permute(0, 3, 4, 1, 2)
        spare = [side - 1 - most for side in (width, height) for most in (cls.BEFORE, cls.AFTER)]
        offsets = pad(offsets, spare)  # which cuts off where it is negative
        row, column = (torch.arange(side, device=masks.device) for side in (height, width))
        down = (row - row[:, None] + height - 1)[:, None, :, None]
        right = (column - column[:, None] + width - 1)[None, :, None, :]
        said = offsets[:, row[:, None, None, None], column[:, None, None], down, right]
        return said.reshape(batch, height * width, height * width)

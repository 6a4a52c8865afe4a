"""The networks of FlexiBERT. Attention is computed step by step, so that it has second derivatives."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from zsnas._numbers import torch_seeded

if TYPE_CHECKING:
    from zsnas.spaces.flexibert import Layer, Plan

VOCABULARY, LONGEST, SEGMENTS = 30_522, 512, 2
EMBEDDED = 128
"""Width of the tables of tokens, positions and segments."""

_EPSILON = 1e-12
_DEVIATION = 0.02


def network(plan: Plan, num_classes: int, seed: int) -> nn.Module:
    """Return the untrained network, see `zsnas.spaces.flexibert.FlexiBERT.build`."""
    with torch_seeded(seed):
        return Transformer(plan, num_classes)


class SelfAttention(nn.Module):
    """Several heads with scaled dot products; ``weighted`` multiplies queries by a matrix before."""

    def __init__(self, channels: int, heads: int, *, weighted: bool = False, share: int = 1) -> None:
        super().__init__()
        self.heads, inner = heads // share, channels // share
        self.query, self.key, self.value = (nn.Linear(channels, inner) for _ in range(3))
        self.weight = nn.Linear(inner, inner, bias=False) if weighted else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, tokens, channels) to (batch, tokens, channels / share)."""
        query: Tensor = self.query(x)
        return self.attended(x, query)

    def attended(self, x: Tensor, query: Tensor) -> Tensor:
        """Return the values of tokens, weighted by how well their keys fit the queries."""
        parts = self.weight(query), self.key(x), self.value(x)
        query, key, value = (_by_head(part, self.heads).transpose(1, 2) for part in parts)
        weights = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(dim=-1)
        return (weights @ value).transpose(1, 2).flatten(2)


class DynamicConvolution(SelfAttention):
    """Half of the heads attend, half are convolutions along tokens, each token with a kernel of its own.

    As in ConvBERT (Jiang et al. 2020): the query and a convolution of the tokens say which kernel.
    """

    def __init__(self, channels: int, heads: int, span: int) -> None:
        super().__init__(channels, heads, share=2)
        self.span, inner = span, channels // 2
        self.depthwise = nn.Conv1d(channels, channels, span, padding=span // 2, groups=channels, bias=False)
        self.pointwise = nn.Conv1d(channels, inner, 1)
        self.kernels = nn.Linear(inner, self.heads * span)
        self.convolved = nn.Linear(channels, inner)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        query: Tensor = self.query(x)
        around: Tensor = self.pointwise(self.depthwise(x.transpose(1, 2))).transpose(1, 2)
        kernels = _by_head(self.kernels(around * query), self.heads).softmax(dim=-1)
        edge = self.span // 2
        windows = pad(self.convolved(x), (0, 0, edge, edge)).unfold(1, self.span, 1)
        convolved = windows.reshape(*kernels.shape[:3], -1, self.span) @ kernels.unsqueeze(-1)
        return torch.cat([self.attended(x, query), convolved.flatten(2)], dim=2)


class Attending(nn.Module):
    """An operation, a linear layer, a shortcut and a layer norm."""

    def __init__(self, channels: int, operation: SelfAttention) -> None:
        super().__init__()
        self.operation = operation
        self.projection = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        out: Tensor = self.norm(self.projection(self.operation(x)) + x)
        return out


class Transform(nn.Module):
    """A linear layer, then a transform of each head along tokens and channels; there is no shortcut."""

    def __init__(self, channels: int, heads: int, kind: str) -> None:
        super().__init__()
        self.heads, self.kind = heads, kind
        self.input = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        heads = _by_head(self.input(x), self.heads).transpose(1, 2)
        if self.kind == "dft":
            transformed: Tensor = torch.fft.fft2(heads).real
        else:
            transformed = cosine_transform(cosine_transform(heads).transpose(-1, -2)).transpose(-1, -2)
        return transformed.transpose(1, 2).flatten(2)


def cosine_transform(x: Tensor) -> Tensor:
    r"""Return the second discrete cosine transform along the last axis, twice :math:`\sum_n x_n \cos \ldots`.

    That is the real part of a Fourier transform of twice the length, turned by half a step.
    """
    length = x.shape[-1]
    spectrum: Tensor = torch.fft.fft(x, 2 * length)[..., :length]
    angle = torch.arange(length, dtype=x.dtype, device=x.device) * (math.pi / (2 * length))
    return 2 * (spectrum.real * angle.cos() + spectrum.imag * angle.sin())


def _by_head(x: Tensor, heads: int) -> Tensor:
    """Turn (batch, tokens, numbers) into (batch, tokens, heads, numbers of a head)."""
    return x.reshape(*x.shape[:2], heads, -1)


class FeedForward(nn.Module):
    """Linear layers with GELUs between them, a shortcut and a layer norm."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (channels, *widths)
        inner = [part for pair in pairwise(sizes) for part in (nn.Linear(*pair), nn.GELU())]
        self.layers = nn.Sequential(*inner, nn.Linear(sizes[-1], channels))
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        out: Tensor = self.norm(self.layers(x) + x)
        return out


def _operation(channels: int, layer: Layer) -> nn.Module:
    if layer.operation in ("dft", "dct"):
        return Transform(channels, layer.heads, layer.operation)
    if layer.operation.startswith("dsc"):
        span = int(layer.operation.removeprefix("dsc"))
        return Attending(channels, DynamicConvolution(channels, layer.heads, span))
    return Attending(channels, SelfAttention(channels, layer.heads, weighted=layer.operation == "wma"))


class Transformer(nn.Module):
    """Tables of tokens, positions and segments, layers, and a classifier of the first token."""

    def __init__(self, plan: Plan, num_classes: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, EMBEDDED)
        self.positions = nn.Embedding(LONGEST, EMBEDDED)
        self.segments = nn.Embedding(SEGMENTS, EMBEDDED)
        self.norm = nn.LayerNorm(EMBEDDED, eps=_EPSILON)
        same = plan.channels == EMBEDDED
        self.widen = nn.Identity() if same else nn.Linear(EMBEDDED, plan.channels)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(_operation(plan.channels, layer), FeedForward(plan.channels, layer.widths))
                for layer in plan.layers
            )
        )
        self.classifier = nn.Linear(plan.channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Embedding):
                nn.init.normal_(module.weight, std=_DEVIATION)
                bias = getattr(module, "bias", None)
                if bias is not None:
                    nn.init.zeros_(bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (batch, length) of one segment to logits (batch, num_classes)."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        rows = self.tokens(tokens) + self.positions(places) + self.segments.weight[0]
        logits: Tensor = self.classifier(self.layers(self.widen(self.norm(rows)))[:, 0])
        return logits

"""The networks of ViT-Bench-101. Attention is computed step by step, so that it has second derivatives."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces.vitbench import SIDE, Block, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, PIT_STRIDE = 16, 8
_EPSILON = 1e-6
_DEVIATION = 0.02


def network(family: str, plan: Plan, num_classes: int, seed: int) -> nn.Module:
    """Return the untrained network, see `zsnas.spaces.vitbench.Transformers.build`."""
    built: dict[str, Callable[[Plan, int], nn.Module]] = {"autoformer": AutoFormer, "pit": PiT}
    with torch_seeded(seed):
        return built[family](plan, num_classes)


class Attention(nn.Module):
    """Self-attention with several heads."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        batch, tokens, channels = x.shape
        query, key, value = (
            self.qkv(x).view(batch, tokens, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        )
        weights = (query @ key.transpose(-1, -2) * (channels // self.heads) ** -0.5).softmax(dim=-1)
        out: Tensor = self.projection((weights @ value).transpose(1, 2).reshape(batch, tokens, channels))
        return out


class TransformerBlock(nn.Module):
    """Attention and an MLP, each behind a layer norm and with a shortcut."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        hidden = int(block.channels * block.expansion)
        self.norm1 = nn.LayerNorm(block.channels, eps=_EPSILON)
        self.attention = Attention(block.channels, block.heads)
        self.norm2 = nn.LayerNorm(block.channels, eps=_EPSILON)
        self.mlp = nn.Sequential(
            nn.Linear(block.channels, hidden), nn.GELU(), nn.Linear(hidden, block.channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, tokens, channels)."""
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class AutoFormer(nn.Module):
    """Patches, a class token, positions, blocks, and a classifier of the mean of the patches."""

    def __init__(self, plan: Plan, num_classes: int) -> None:
        super().__init__()
        channels = plan[0][0].channels
        self.patches = nn.Conv2d(3, channels, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.empty(1, 1, channels))
        self.positions = nn.Parameter(torch.empty(1, (SIDE // PATCH) ** 2 + 1, channels))
        self.blocks = nn.Sequential(*map(TransformerBlock, plan[0]))
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)
        self.classifier = nn.Linear(channels, num_classes)
        _draw(self.class_token)
        _draw(self.positions)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _draw(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, 224, 224) to logits (batch, num_classes)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), tokens], dim=1) + self.positions
        logits: Tensor = self.classifier(self.norm(self.blocks(tokens))[:, 1:].mean(dim=1))
        return logits


class PiT(nn.Module):
    """Overlapping patches, positions, stages with pooling between them, a classifier of the class token."""

    def __init__(self, plan: Plan, num_classes: int) -> None:
        super().__init__()
        channels = [stage[0].channels for stage in plan]
        side = (SIDE - PATCH) // PIT_STRIDE + 1
        self.patches = nn.Conv2d(3, channels[0], PATCH, PIT_STRIDE)
        self.class_token = nn.Parameter(torch.empty(1, 1, channels[0]))
        self.positions = nn.Parameter(torch.empty(1, channels[0], side, side))
        self.stages = nn.ModuleList(nn.Sequential(*map(TransformerBlock, stage)) for stage in plan)
        self.pools = nn.ModuleList(
            nn.Conv2d(before, after, 3, 2, 1, groups=before) for before, after in pairwise(channels)
        )
        self.widen = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(channels))
        self.norm = nn.LayerNorm(channels[-1], eps=_EPSILON)
        self.classifier = nn.Linear(channels[-1], num_classes)
        _draw(self.class_token)
        _draw(self.positions)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, 224, 224) to logits (batch, num_classes)."""
        image = self.patches(x) + self.positions
        token = self.class_token.expand(len(x), -1, -1)
        for number, stage in enumerate(self.stages):
            if number:
                image, token = self.pools[number - 1](image), self.widen[number - 1](token)
            tokens = stage(torch.cat([token, image.flatten(2).transpose(1, 2)], dim=1))
            token, image = tokens[:, :1], tokens[:, 1:].transpose(1, 2).reshape(image.shape)
        logits: Tensor = self.classifier(self.norm(token)[:, 0])
        return logits


def _draw(weights: Tensor) -> None:
    nn.init.trunc_normal_(weights, std=_DEVIATION)

"""Heads that sum an image up in a few features, of codes or of classes, before they look at its pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsnas.spaces._segmentation_heads.attention import SelfAttention
from zsnas.spaces._segmentation_heads.layers import conv, pixels


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
        points = pixels(self.project(x))
        squares = points.square().sum(-1, keepdim=True) + self.codes.square().sum(-1)
        distances = squares - 2 * points @ self.codes.T
        weights = (self.smoothing * distances).softmax(dim=-1)
        residuals = weights.transpose(1, 2) @ points - weights.sum(1)[..., None] * self.codes
        encoded = self.norm(residuals).relu().mean(1)
        out: Tensor = (x + x * self.weigh(encoded).sigmoid()[..., None, None]).relu()
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
        objects = (weights @ pixels(x)).transpose(1, 2)[..., None]
        out: Tensor = self.merge(torch.cat([self.attention(x, objects), x], dim=1))
        return out

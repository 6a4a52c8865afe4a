"""Batch norm that takes each image for a batch of its own, with the channels last in memory."""

# ruff: noqa: ANN401 (autograd hands over a ctx that takes any attribute)

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class InstanceNorm(torch.autograd.Function):
    """Normalise (batch, channels, …) by each image's own statistics; differentiable once, in the input only.

    Torch's own leaves the channels last order, so that every layer after it has to reorder its input.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
        """Return the normalised, scaled and shifted input."""
        axes = tuple(range(2, x.dim()))
        centred = x - x.mean(axes, keepdim=True)
        inverse_std = (centred.square().mean(axes, keepdim=True) + eps).rsqrt_()
        normalised = centred.mul_(inverse_std)
        shape = (1, -1, *[1] * len(axes))
        gamma = torch.ones_like(inverse_std[:1]) if weight is None else weight.view(shape)
        ctx.save_for_backward(normalised, inverse_std * gamma)
        ctx.axes = axes
        return normalised * gamma if bias is None else torch.addcmul(bias.view(shape), normalised, gamma)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None, None]:
        (dy,) = grad
        normalised, slope = ctx.saved_tensors
        mean = dy.mean(ctx.axes, keepdim=True)
        along = (dy * normalised).mean(ctx.axes, keepdim=True)
        return (dy - mean).addcmul_(normalised, along, value=-1).mul_(slope), None, None, None

r"""Functions with a second derivative that torch lacks, or that costs several times the first.

GraSP needs one number of the Hessian :math:`H`: :math:`\theta^\top H g`, how :math:`g^\top \nabla L`
changes when the weights :math:`\theta` are scaled. Torch's own double backward computes all of :math:`Hg` for
it, takes batch norm apart into many element-wise kernels and costs several times the rest of the pass.
Convolution and batch norm here compute the same derivative with fused kernels.
"""

# ruff: noqa: ANN401 (autograd hands over a ctx that takes any attribute)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


class Wanted:
    """What a backward pass is for, so that convolutions do not compute the rest.

    Attributes
    ----------
    what
        ``"weights"``: gradients with respect to weights and inputs. ``"scales"``: with respect to the factors
        by which each convolution's weight is scaled. ``"inputs"``: with respect to the images only.
    """

    def __init__(self) -> None:
        self.what: Literal["weights", "scales", "inputs"] = "weights"

    @contextmanager
    def only(self, what: Literal["scales", "inputs"]) -> Iterator[None]:
        """Want only this in the body of the ``with`` statement."""
        self.what = what
        try:
            yield
        finally:
            self.what = "weights"


class Geometry(NamedTuple):
    """The arguments of a convolution after its bias."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class Convolution(torch.autograd.Function):
    """Convolve (batch, channels, height, width) without bias.

    ``scale`` is the number 1, a factor of the weight that exists to be differentiated. The gradient with
    respect to the weight may be differentiated once more, with respect to the scale and the input.

    With torch's own in its place, GraSP of 16 images and six 3×3 convolutions a cell costs 4.4 bare passes
    instead of 3.1, in as much memory; and its published scores, which single precision may round by per
    cents, would be others.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, scale: Tensor, geometry: Geometry, wanted: Wanted
    ) -> Tensor:
        """Return the output of the convolution."""
        out = torch.conv2d(x, weight, None, *geometry)
        ctx.save_for_backward(x, weight, scale, out)
        ctx.geometry, ctx.wanted = geometry, wanted
        return out

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale, out = ctx.saved_tensors
        if ctx.wanted.what == "scales":
            dx, _ = _convolution_gradient(grad[0], x, weight, ctx.geometry, (True, False))
            return dx, None, _inner(out, grad[0]), None, None
        both = ctx.wanted.what == "weights"
        dx, dweight = _ConvolutionGradient.apply(grad[0], x, weight, scale, ctx.geometry, both)
        return dx, dweight, None, None, None


class _ConvolutionGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, dy: Tensor, x: Tensor, weight: Tensor, scale: Tensor, geometry: Geometry, with_weight: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        del scale  # it is 1, and here to receive its derivative
        ctx.save_for_backward(dy, x, weight)
        ctx.geometry = geometry
        ctx.set_materialize_grads(False)
        return _convolution_gradient(dy, x, weight, geometry, (True, with_weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vx: Tensor | None, vweight: Tensor | None) -> tuple[Tensor | None, ...]:
        dy, x, weight = ctx.saved_tensors
        gdy = gx = gscale = None
        if vx is not None:
            gdy = torch.conv2d(vx, weight, None, *ctx.geometry)
            gscale = _inner(gdy, dy)
        if vweight is not None:
            along = torch.conv2d(x, vweight, None, *ctx.geometry)
            gdy = along if gdy is None else gdy.add_(along)
            gx, _ = _convolution_gradient(dy, x, vweight, ctx.geometry, (True, False))
        return gdy, gx, None, gscale, None, None


def _convolution_gradient(
    dy: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, mask: tuple[bool, bool]
) -> tuple[Tensor, Tensor | None]:
    stride, padding, dilation, groups = geometry
    if groups > 1 == len(x) and x.stride(0) != x.numel():
        # Of groups in one image that was taken out of a batch, torch's gradient of the weight is wrong.
        x = x.clone(memory_format=torch.channels_last)
    if weight.shape[1] < 16 and weight.shape[2:].numel() == 1 < max(stride) and not any(padding):
        # Of such layers oneDNN writes beyond its memory when the channels are last. Only each stride-th place
        # counts, so that it is a convolution without a stride.
        places = (..., slice(None, None, stride[0]), slice(None, None, stride[1]))
        dx = torch.zeros_like(x)
        dx[places], dweight = _convolution_gradient(
            dy, x[places], weight, geometry._replace(stride=(1, 1)), mask
        )
        return dx, dweight
    dx, dweight, _ = torch.ops.aten.convolution_backward(
        dy, x, weight, None, stride, padding, dilation, False, (0, 0), groups, (*mask, False)
    )
    return dx, dweight


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product, without a copy when the channels are last in memory."""
    return torch.dot(a.permute(0, 2, 3, 1).reshape(-1), b.permute(0, 2, 3, 1).reshape(-1))


class BatchNorm(torch.autograd.Function):
    r"""Normalise (batch, channels, …) by the batch's own statistics; differentiable in the input only.

    With :math:`P(u) = u - \bar u - \hat x\,\overline{u\hat x}` (means over all axes but the channels', of
    :math:`M` elements) the gradient :math:`dx = \gamma r P(dy)` is linear and self-adjoint in :math:`dy`, so
    that its own gradient with respect to :math:`dy` is the same fused kernel applied to the incoming
    :math:`v`: :math:`w = \gamma r P(v)`. What is left is its gradient with respect to :math:`x`,
    :math:`-r\,(\overline{dy\,\hat x}\,w + \overline{v\hat x}\,dx + \overline{v\,dx}\,\hat x)`, in which both
    first means come out of the fused kernels as gradients of :math:`\gamma`.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
        """Return the normalised, scaled and shifted input."""
        out, mean, inverse_std = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, inverse_std)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None, None]:
        dx: Tensor = _BatchNormGradient.apply(*grad, *ctx.saved_tensors, ctx.eps)
        return dx, None, None, None


class _BatchNormGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, dy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, inverse_std: Tensor, eps: float
    ) -> Tensor:
        dx, dweight = _batch_norm_gradient(dy, x, weight, mean, inverse_std, eps)
        ctx.save_for_backward(x, weight, mean, inverse_std, dx, dweight)
        ctx.eps = eps
        return dx

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, r, dx, sum_dy_xhat = ctx.saved_tensors
        w, sum_v_xhat = _batch_norm_gradient(v, x, weight, mean, r, ctx.eps)
        sum_v_dx = _channel_products(v, dx)
        shape = [1, -1] + [1] * (x.dim() - 2)
        m = x.numel() // x.shape[1]
        of_w, of_dx, of_x = ((-r / m * s).view(shape) for s in (sum_dy_xhat, sum_v_xhat, sum_v_dx * r))
        gx = (w * of_w).addcmul_(dx, of_dx).addcmul_(x, of_x).sub_(of_x * mean.view(shape))
        return w, gx, None, None, None, None


def _batch_norm_gradient(
    dy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, inverse_std: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return the gradients with respect to the input and to the weight (which is 1 where it is absent)."""
    if weight is None:
        weight = torch.ones_like(mean)
    dx, dweight, _ = torch.ops.aten.native_batch_norm_backward(
        dy, x, weight, None, None, mean, inverse_std, True, eps, [True, True, False]
    )
    return dx, dweight


def _channel_products(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product of each channel, which the fused kernel knows as the gradient of a weight."""
    zeros, ones = a.new_zeros(a.shape[1]), a.new_ones(a.shape[1])
    products: Tensor = torch.ops.aten.native_batch_norm_backward(
        a, b, ones, None, None, zeros, ones, True, 0.0, [False, True, False]
    )[1]
    return products


class AveragePool(torch.autograd.Function):
    """Average (batch, channels, height, width) over windows, with the arguments of torch's own.

    Torch's own second derivative adds a gradient of zeros that has lost the channels-last order.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, *settings: Any) -> Tensor:
        """Return the averages."""
        ctx.save_for_backward(x)
        ctx.settings = settings
        return F.avg_pool2d(x, *settings)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor | None, ...]:
        dx: Tensor = _AveragePoolGradient.apply(*grad, *ctx.saved_tensors, *ctx.settings)
        return dx, *[None] * len(ctx.settings)


class _AveragePoolGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dy: Tensor, x: Tensor, *settings: Any) -> Tensor:
        ctx.settings = settings
        dx: Tensor = torch.ops.aten.avg_pool2d_backward(dy, x, *settings)
        return dx

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor | None, ...]:
        return F.avg_pool2d(v, *ctx.settings), None, *[None] * len(ctx.settings)


class HardSigmoid(torch.autograd.Function):
    """Map x to 0 below −3, 1 above 3 and a straight line between; torch's own has no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        ctx.save_for_backward(x)
        return F.hardsigmoid(x)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Tensor:
        dx: Tensor = _HardSigmoidGradient.apply(*grad, *ctx.saved_tensors)
        return dx


class _HardSigmoidGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dy: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        dx: Tensor = torch.ops.aten.hardsigmoid_backward(dy, x)
        return dx

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor, None]:
        return torch.ops.aten.hardsigmoid_backward(v, *ctx.saved_tensors), None

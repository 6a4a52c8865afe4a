"""Weight gradients of every image by itself, layer by layer, from one backward pass for the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from zsnas.proxies._trace import Output
from zsnas.proxies._undefined import Undefined

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES = 16
"""How many images are taken at a time: with fewer and with more, convolutions are slower."""

_PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


def sample_gradients(outputs: list[Output], gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """Yield for each weight its gradients, one row for each image, in blocks (:data:`IMAGES`, weights).

    Parameters
    ----------
    outputs
        Of all layers, in a network whose images do not influence each other.
    gradients
        For each of them the derivative of what is differentiated, a sum over images, with respect to it.

    Raises
    ------
    Undefined
        For layers whose weight is not used as it is, such as weight-standardised convolutions.
    """
    uses: dict[int, list[tuple[Output, Tensor]]] = {}
    for output, gradient in zip(outputs, gradients, strict=True):
        uses.setdefault(id(output.layer.weight), []).append((output, gradient))
    for of_one_weight in uses.values():
        of_uses = [_of_layer(output, gradient) for output, gradient in of_one_weight]
        yield [sum(rest, first) for first, *rest in zip(*of_uses, strict=True)]


def _of_layer(output: Output, gradient: Tensor) -> list[Tensor]:
    layer = output.layer
    if not any(type(layer).forward is plain.forward for plain in _PLAIN):
        raise Undefined(f"gradients of single images are not known for layers of type {type(layer).__name__}")
    parts = [slice(start, start + IMAGES) for start in range(0, len(gradient), IMAGES)]
    return [_of_images(layer, output.input[part], gradient[part]) for part in parts]


def _of_images(layer: nn.Module, x: Tensor, dy: Tensor) -> Tensor:
    return _of_convolution(layer, x, dy) if isinstance(layer, _ConvNd) else _of_positions(x, dy)


def _of_positions(x: Tensor, dy: Tensor) -> Tensor:
    """Multiply inputs (batch, …, inputs) and output gradients (batch, …, outputs), position by position."""
    x, dy = (tensor.reshape(len(tensor), -1, tensor.shape[-1]) for tensor in (x, dy))
    return torch.bmm(dy.transpose(1, 2), x).flatten(1)


def _of_convolution(layer: _ConvNd, x: Tensor, dy: Tensor) -> Tensor:
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise Undefined(
            f"gradients of single images are not known for padding {layer.padding!r}, {layer.padding_mode}"
        )
    if (
        isinstance(layer, nn.Conv2d)
        and layer.groups == 1
        and layer.kernel_size == (1, 1)
        and layer.padding == (0, 0)
    ):
        seen = x[:, :, :: layer.stride[0], :: layer.stride[1]]
        return _of_positions(seen.movedim(1, -1), dy.movedim(1, -1))
    # The images become groups of channels of one image, whose weights do not mix.
    images = len(x)
    weight = layer.weight.detach().repeat(images, *[1] * (layer.weight.dim() - 1))
    _, gradient, _ = torch.ops.aten.convolution_backward(
        _side_by_side(dy),
        _side_by_side(x),
        weight,
        None,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.transposed,
        layer.output_padding,
        images * layer.groups,
        (False, True, False),
    )
    rows: Tensor = gradient.reshape(images, -1)
    return rows


def _side_by_side(images: Tensor) -> Tensor:
    """Turn (batch, channels, …) into (1, batch × channels, …)."""
    return images.clone(memory_format=torch.contiguous_format).flatten(0, 1).unsqueeze(0)

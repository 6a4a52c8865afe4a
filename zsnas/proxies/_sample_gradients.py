"""Weight gradients of every image by itself, told apart in one backward pass of the whole batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes, Training, gradient_of, shared_pass
from zsnas.proxies._trace import Output
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import LOOKUPS, PRODUCTS, TRANSPOSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

IMAGES = 16
"""How many images are taken at a time: with fewer and with more, convolutions are slower."""

SWITCH = 0.1
"""The part of a gradient that a ReLU may change which rounding switches: the next two images decide then."""


class UnknownGradients(Exception):
    """The gradients of single images cannot be told from what was recorded of the batch."""


def gradients_of_images(passes: Passes, summed: Callable[[Training], Tensor]) -> Iterator[list[Tensor]]:
    """Yield for each weight the gradients of each image by itself, in blocks (images, weights).

    They are told apart in what was recorded of the batch, if that gives an image the gradients that it has
    alone; otherwise each image runs alone.
    """
    if passes.statistics == "batch":
        raise Undefined("with batch statistics no image has a gradient of its own")
    outputs = passes.differentiable.trace.outputs
    with passes.training.trace.wanted.only("inputs"):
        gradients = gradient_of([summed(passes.training)], [output.value for output in outputs])
    if _is_told(passes, lambda image: _error(passes, outputs, gradients, summed, image)):
        yield from sample_gradients(outputs, gradients, passes.weights, len(passes.images))
        return
    alone = [_alone(passes, image, summed) for image in range(len(passes.images))]
    for of_one_weight in zip(*alone, strict=True):
        yield [torch.stack([gradient.flatten() for gradient in of_one_weight])]


def _alone(passes: Passes, image: int, summed: Callable[[Training], Tensor]) -> list[Tensor]:
    """Return the gradients of one image that runs alone, one for each weight."""
    alone = passes.of_images(slice(image, image + 1)) if image else _first_image(passes)
    return gradient_of([summed(alone.training)], passes.weights)


@shared_pass
def _first_image(passes: Passes) -> Passes:
    """Return the passes of the first image, which all that ask whether images are told apart run alone."""
    return passes.of_images(slice(1))


def _is_told(passes: Passes, error: Callable[[int], float]) -> bool:
    """Tell whether what was recorded of the batch gives the first image its own gradients.

    If it nearly does, the next two decide. It does not say so of a layer that sees no image, whose gradient
    may be too small to be missed.
    """
    precision = math.sqrt(torch.finfo(passes.weights[0].dtype).eps)
    of_first = error(0)
    if of_first <= precision or not of_first <= SWITCH:
        return of_first <= precision
    others = range(1, min(3, len(passes.images)))
    return len(others) > 0 and all(error(image) <= precision for image in others)


def _error(
    passes: Passes,
    outputs: list[Output],
    gradients: list[Tensor],
    summed: Callable[[Training], Tensor],
    image: int,
) -> float:
    """Return how far an image's gradients that are told are from its own, as a part of a weight's norm."""
    if not all(_is_of_images(output, len(passes.images)) for output in outputs):
        return math.inf
    own = _alone(passes, image, summed)
    part = slice(image, image + 1)
    of_image = [output._replace(input=output.input[part]) for output in outputs]
    try:
        told = list(sample_gradients(of_image, [dy[part] for dy in gradients], passes.weights, 1))
    except (UnknownGradients, RuntimeError):
        return math.inf
    pairs = zip(told, own, strict=True)
    errors = torch.tensor([float((block.view_as(weight) - weight).norm()) for (block,), weight in pairs])
    norms = torch.tensor([float(weight.norm()) for weight in own])
    least = max(1e-3 * float(norms.max()), torch.finfo(norms.dtype).tiny)
    return float((errors / norms.clamp(min=least)).max())


def _is_of_images(output: Output, images: int) -> bool:
    """Tell whether a layer works on so many images or tokens, and not on a table or a parameter."""
    return len(output.value) == images and (output.source is not None or output.function in LOOKUPS)


def sample_gradients(
    outputs: Sequence[Output], gradients: Sequence[Tensor], weights: Sequence[Tensor], images: int
) -> Iterator[list[Tensor]]:
    """Yield for each weight its gradients, one row for each image, in blocks (:data:`IMAGES`, weights).

    Parameters
    ----------
    outputs
        Of all layers, in a network whose images do not influence each other.
    gradients
        For each of them the derivative of what is differentiated, a sum over images, with respect to it.
    weights
        Those of the layers; one that made none of the outputs has gradients of zero.
    images
        How many there are in the batch.

    Raises
    ------
    UnknownGradients
        For an operation that takes something else than a weight as it is, such as standardised weights.
    """
    uses: dict[int, list[tuple[Output, Tensor]]] = {id(weight): [] for weight in weights}
    for output, gradient in zip(outputs, gradients, strict=True):
        if id(output.weight) not in uses or output.function in PRODUCTS or len(gradient) != images:
            raise UnknownGradients
        uses[id(output.weight)].append((output, gradient))
    for weight in weights:
        of_uses = [_of_layer(output, gradient) for output, gradient in uses[id(weight)]]
        yield [sum(rest, first) for first, *rest in zip(*of_uses, strict=True)] or [
            weight.new_zeros(images, weight.numel())
        ]


def _of_layer(output: Output, gradient: Tensor) -> list[Tensor]:
    parts = [slice(start, start + IMAGES) for start in range(0, len(gradient), IMAGES)]
    return [_of_images(output, output.input[part], gradient[part]) for part in parts]


def _of_images(output: Output, x: Tensor, dy: Tensor) -> Tensor:
    if output.function in LOOKUPS:
        return _of_rows(output, x, dy)
    return _of_convolution(output, x, dy) if output.is_convolution else _of_positions(x, dy)


def _of_rows(output: Output, tokens: Tensor, dy: Tensor) -> Tensor:
    """Add up the gradients (batch, length, width) of the rows that each sequence looks up."""
    if tokens.shape != dy.shape[:-1] or tokens.dim() != 2:
        raise UnknownGradients
    rows = dy.new_zeros(len(tokens), *output.weight.shape)
    rows.scatter_add_(1, tokens.unsqueeze(-1).expand(dy.shape), dy)
    return rows.flatten(1)


def _of_positions(x: Tensor, dy: Tensor) -> Tensor:
    """Multiply inputs (batch, …, inputs) and output gradients (batch, …, outputs), position by position."""
    x, dy = (tensor.reshape(len(tensor), -1, tensor.shape[-1]) for tensor in (x, dy))
    return torch.bmm(dy.transpose(1, 2), x).flatten(1)


def _of_convolution(output: Output, x: Tensor, dy: Tensor) -> Tensor:
    weight = output.weight.detach()
    axes = weight.dim() - 2
    stride, padding, dilation, extra = (
        _of_axes(output.arguments.get(name, default), axes)
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0))
    )
    groups = output.arguments.get("groups", 1)
    if x.dim() != axes + 2:
        raise UnknownGradients
    if output.function is torch.conv2d and groups == math.prod(weight.shape[2:]) == 1 and not any(padding):
        seen = x[:, :, :: stride[0], :: stride[1]]
        return _of_positions(seen.movedim(1, -1), dy.movedim(1, -1))
    # The images become groups of channels of one image, whose weights do not mix.
    images = len(x)
    _, gradient, _ = torch.ops.aten.convolution_backward(
        _side_by_side(dy),
        _side_by_side(x),
        weight.repeat(images, *[1] * (weight.dim() - 1)),
        None,
        stride,
        padding,
        dilation,
        output.function in TRANSPOSED,
        extra,
        images * groups,
        (False, True, False),
    )
    rows: Tensor = gradient.reshape(images, -1)
    return rows


def _of_axes(given: int | str | Sequence[int], axes: int) -> list[int]:
    """Return an argument of a convolution for each axis."""
    if isinstance(given, str):
        raise UnknownGradients
    listed = [given] if isinstance(given, int) else list(given)
    return listed * axes if len(listed) == 1 else listed


def _side_by_side(images: Tensor) -> Tensor:
    """Turn (batch, channels, …) into (1, batch × channels, …)."""
    return images.clone(memory_format=torch.contiguous_format).flatten(0, 1).unsqueeze(0)

"""Where the images of a batch are in what a network computes: first, unless the network moves them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from zsnas.proxies._undefined import Undefined

if TYPE_CHECKING:
    from zsnas.proxies._passes import Passes
    from zsnas.proxies._trace import Trace


class Layout(NamedTuple):
    """Where the images are in a tensor."""

    axis: int = 0
    rows: int = 1
    """How many of the axis belong to an image; none in what sees no image, such as a table of positions."""
    together: bool = True
    """Whether they follow one another; otherwise the images alternate."""


def by_image(tensor: Tensor, layout: Layout) -> Tensor:
    """Bring a tensor, with the images anywhere, to (batch, …); one that sees no image, to (1, …)."""
    axis, rows, together = layout
    if not rows:
        return tensor.unsqueeze(0)
    images = tensor.shape[axis] // rows
    sizes = (images, rows) if together else (rows, images)
    return _split(tensor, axis, sizes).movedim(axis + (not together), 0)


def _split(tensor: Tensor, axis: int, sizes: tuple[int, int]) -> Tensor:
    return tensor.reshape(*tensor.shape[:axis], *sizes, *tensor.shape[axis + 1 :])


def layouts(passes: Passes, tensors: Callable[[Trace], list[Tensor]]) -> list[Layout]:
    """Find the images in tensors of the trace of a forward pass.

    The first two images run alone and together.
    """
    given, images = tensors(passes.training.trace), len(passes.images)
    if images == 1:
        return [Layout(rows=0)] * len(given)
    first, second, both = (_of(passes, part, tensors) for part in (slice(1), slice(1, 2), slice(2)))
    if len({len(given), len(first), len(second), len(both)}) == 1:
        found = [_layout(*four, images) for four in zip(given, first, second, both, strict=True)]
        if None not in found:
            return [layout for layout in found if layout]
    raise Undefined("the network moves values along the batch, and which image they belong to is not known")


def _of(passes: Passes, part: slice, tensors: Callable[[Trace], list[Tensor]]) -> list[Tensor]:
    some = passes.using("running").of_images(part)
    with some.tracing(copies=True) as trace:
        some.model(some.images.clone())
    return tensors(trace)


def _layout(given: Tensor, first: Tensor, second: Tensor, both: Tensor, images: int) -> Layout | None:
    """Find the values of the first of two images; what is the same for any image belongs to none."""
    for axis, rows in enumerate(first.shape):
        if both.shape == _grown(first, axis, 2) and given.shape == _grown(first, axis, images):
            if _close(both.narrow(axis, 0, rows), first):
                return Layout(axis, rows)
            if _close(_split(both, axis, (rows, 2)).select(axis + 1, 0), first):
                return Layout(axis, rows, together=False)
    is_of_none = given.shape == both.shape and _close(both, first) and _close(second, first)
    return Layout(rows=0) if is_of_none else None


def _grown(tensor: Tensor, axis: int, times: int) -> tuple[int, ...]:
    return *tensor.shape[:axis], times * tensor.shape[axis], *tensor.shape[axis + 1 :]


def _close(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or not one.numel():
        return one.shape == other.shape
    return torch.allclose(one, other, rtol=0, atol=1e-3 * float(other.abs().max()))

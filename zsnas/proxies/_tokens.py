"""Noise through a transformer, and gradients back through each attention and MLP, for AZ-NAS."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zsnas._watching import Functions
from zsnas.proxies._blocks import BlockProbe, block_probe, entropy_of, gain_of, is_composite, is_features
from zsnas.proxies._graph import reached
from zsnas.proxies._outputs import check_output
from zsnas.proxies._passes import Passes, noise_like, shared_pass
from zsnas.proxies._placement import check_values
from zsnas.proxies._undefined import Undefined

if TYPE_CHECKING:
    from torch.autograd.graph import Node

ADDITIONS = {torch.add, Tensor.add, Tensor.add_}


@shared_pass
def feature_probe(passes: Passes) -> BlockProbe:
    """Probe a transformer by its tokens, any other network by :func:`zsnas.proxies._blocks.block_probe`."""
    places = _token_sums(passes.model, passes.images[:2]) if passes.batch.kind == "images" else {}
    probe = _token_probe(passes, places) if len(places) > 1 else None
    return probe if probe and len(probe.entropies) > 1 else block_probe(passes)


def _token_probe(passes: Passes, places: dict[int, int]) -> BlockProbe:
    """Send noise through the network as it is, and random signs back from each residual sum to the last.

    Features are the sums of a batch of tokens, (images, tokens, channels) or (tokens, images, channels), and
    what an attention or an MLP made of it. Signs go back where the number of tokens stays, and what returns
    them unchanged is left out.
    """
    check_values(passes.model)
    probe = BlockProbe([], [], of_tokens=True)
    with _Residuals(probe, places):
        check_output(passes.model(noise_like(passes.images)))
    return probe


class _Additions(Functions):
    """Sees additions of two tensors of one shape that has three axes, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if function in ADDITIONS and len(args) == 2 and _are_alike(*args):
            self.seen += 1
            return self.added(function, *args)
        return function(*args, **kwargs)

    def added(self, function: Callable[..., Any], one: Tensor, other: Tensor) -> object:
        return function(one, other)


def _are_alike(one: object, other: object) -> bool:
    if not (isinstance(one, Tensor) and isinstance(other, Tensor)):
        return False
    return one.shape == other.shape and one.dim() == 3


def _token_sums(model: nn.Module, images: Tensor) -> dict[int, int]:
    """Return which additions of tokens are in no block that takes feature maps to feature maps.

    For each of them the axis of the images.
    """
    places: dict[int, int] = {}
    with ExitStack() as stack:
        additions = stack.enter_context(_Sums(len(images), places))
        for name, module in model.named_modules():
            if name and is_composite(module):
                started: list[int] = []
                before, after = _watch(additions, started)
                stack.callback(module.register_forward_pre_hook(before).remove)
                stack.callback(module.register_forward_hook(after).remove)
        stack.enter_context(torch.no_grad())
        model(images.clone())  # which the network may overwrite
    return places


class _Sums(_Additions):
    def __init__(self, images: int, places: dict[int, int]) -> None:
        super().__init__()
        self.images = images
        self.places = places

    def added(self, function: Callable[..., Any], one: Tensor, other: Tensor) -> object:
        if self.images in one.shape[:2]:
            self.places[self.seen] = one.shape.index(self.images)
        return function(one, other)


def _watch(
    sums: _Sums, started: list[int]
) -> tuple[Callable[[nn.Module, Any], None], Callable[[nn.Module, Any, Any], None]]:
    def before(_module: nn.Module, _inputs: tuple[object, ...]) -> None:
        started.append(sums.seen)

    def after(_module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        first = started.pop()
        if len(inputs) == 1 and is_features(inputs[0]) and is_features(output):
            for place in range(first + 1, sums.seen + 1):
                sums.places.pop(place, None)

    return before, after


class _Residuals(_Additions):
    """Measures each residual sum, and cuts the graph there."""

    def __init__(self, probe: BlockProbe, places: dict[int, int]) -> None:
        super().__init__()
        self.probe = probe
        self.places = places
        self.last: Tensor | None = None

    def added(self, function: Callable[..., Any], one: Tensor, other: Tensor) -> object:
        if self.seen not in self.places or not (_is_behind(one, other) or _is_behind(other, one)):
            return function(one, other)
        if function is Tensor.add_:
            raise Undefined("the network adds to its tokens in place; let it write x = x + y")
        axis = self.places[self.seen]
        feature = (one + other).movedim(axis, 0).transpose(1, 2).unsqueeze(-1)  # as a map of one column
        self.probe.entropies.append(entropy_of(feature.detach()))
        if self.last is not None and self.last.shape[2] == feature.shape[2]:
            stretch = gain_of(self.last, feature)
            self.probe.gains.extend([stretch] * (stretch != math.inf))
        self.last = feature.detach().requires_grad_()
        return self.last.squeeze(-1).transpose(1, 2).movedim(0, axis)


def _is_behind(source: Tensor, value: Tensor) -> bool:
    """Tell whether a value was computed from a source."""
    ends: set[Node] = {node for node in [source.grad_fn] if node is not None}
    return bool(ends) and source is not value and next(reached([value.grad_fn], ends), None) is not None

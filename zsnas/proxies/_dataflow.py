"""What a forward pass computed from what: the graph of its values, from the images to the logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zsnas._watching import Functions

Kind = Literal["images", "layer", "addition", "concatenation", "other"]

_LAYERS = {torch.conv1d, torch.conv2d, torch.conv3d, F.linear}
_ADDITIONS = {torch.add, Tensor.add, Tensor.add_}
_CONCATENATIONS = {torch.cat, torch.concat, torch.concatenate}
_SELECTIONS = {
    Tensor.__getitem__,
    *(getattr(torch, name) for name in ("chunk", "split", "narrow", "index_select")),
    *(getattr(Tensor, name) for name in ("chunk", "split", "narrow", "index_select")),
}

_CONSTANTS = {torch.zeros_like, torch.ones_like, torch.full_like, torch.rand_like, torch.randn_like}
_PRODUCTS = {torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__}


class Layer(NamedTuple):
    """The shape of one convolution or linear layer."""

    inputs: int
    outputs: int
    groups: int
    kernel: int
    """How many positions the kernel covers; 1 for a linear layer."""

    @property
    def is_depthwise(self) -> bool:
        """Whether every channel is convolved on its own."""
        return self.groups == self.inputs > 1

    @property
    def is_pointwise(self) -> bool:
        """Whether it mixes the channels of one position only."""
        return self.kernel == self.groups == 1


@dataclass(eq=False)
class Value:
    """One tensor that the forward pass computed."""

    index: int
    """Its place in the order of computation."""
    kind: Kind
    shape: torch.Size
    sources: tuple[Value, ...]
    """What it was computed from; what had to be broadcast for it, such as a gate, is left out."""
    origins: Tensor
    """For each channel, the index of the value that made it. Selections and concatenations make none."""
    layer: Layer | None = None
    """The layer that returned it."""

    def __post_init__(self) -> None:
        self.fork: Value = self
        """The nearest earlier value that every path from the images to this one goes through."""
        if self.sources:
            self.fork = self.sources[0]
            for source in self.sources[1:]:
                self.fork = _meeting(self.fork, source)


def _meeting(one: Value, other: Value) -> Value:
    while one is not other:
        if one.index > other.index:
            one = one.fork
        else:
            other = other.fork
    return one


def record(model: nn.Module, images: Tensor) -> list[Value]:
    """Return what ``model`` computes of ``images`` (batch, channels, height, width), in order."""
    recorder = _Recorder(images)
    with torch.no_grad(), recorder:
        model(images)
    return recorder.values


class _Call(NamedTuple):
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def argument(self, position: int, name: str, default: object = None) -> Any:  # noqa: ANN401
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)

    @property
    def is_constant(self) -> bool:
        """Whether the result has nothing of its arguments, such as zeros like them or zero times them."""
        by_zero = any(isinstance(given, int | float) and given == 0 for given in self.args)
        return self.function in _CONSTANTS or (self.function in _PRODUCTS and by_zero)

    @property
    def layer(self) -> Layer | None:
        if self.function not in _LAYERS:
            return None
        weight: Tensor = self.argument(1, "weight")
        groups: int = 1 if self.function is F.linear else self.argument(6, "groups", 1)
        return Layer(weight.shape[1] * groups, weight.shape[0], groups, math.prod(weight.shape[2:]))

    @property
    def concatenates_channels(self) -> bool:
        if self.function not in _CONCATENATIONS:
            return False
        parts, axis = self.argument(0, "tensors"), self.argument(1, "dim", 0)
        return all(part.dim() == 4 for part in parts) and axis % 4 == 1


class _Recorder(Functions):
    """Sees every torch function that the network calls, and adds what it returns to the graph."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.values: list[Value] = []
        self._known: dict[int, Value] = {}
        self._alive: list[Tensor] = []  # an id is a tensor's own only while the tensor lives
        self._keep(images, Value(0, "images", images.shape, (), _made_by(0, images.shape[1])))

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = _Call(function, args, kwargs)
        result = function(*args, **kwargs)
        if call.is_constant:
            return result
        sources = [self._known[id(t)] for t in _tensors([args, kwargs]) if id(t) in self._known]
        outputs = list(_tensors(args[0] if function is Tensor.__setitem__ else result))
        if function in _SELECTIONS and len(sources) == 1:
            origins = _selected(call, sources[0])
            for output, made in zip(outputs, origins, strict=True):
                self._keep(output, Value(len(self.values), "other", output.shape, (sources[0],), made))
        elif sources:
            for output in outputs:
                self._keep(output, self._value(call, sources, output.shape))
        return result

    def _value(self, call: _Call, sources: list[Value], shape: torch.Size) -> Value:
        index, layer = len(self.values), call.layer
        if call.concatenates_channels:
            origins = torch.cat([source.origins for source in sources])
            return Value(index, "concatenation", shape, tuple(sources), origins)
        if layer:
            return Value(index, "layer", shape, tuple(sources[:1]), _made_by(index, layer.outputs), layer)
        sources = [source for source in sources if source.shape == shape] or sources
        if len(sources) == 1:
            return Value(index, "other", shape, (sources[0],), sources[0].origins)
        kind: Kind = "addition" if call.function in _ADDITIONS else "other"
        return Value(index, kind, shape, tuple(sources), _made_by(index, shape[1:2].numel()))

    def _keep(self, tensor: Tensor, value: Value) -> None:
        self.values.append(value)
        self._known[id(tensor)] = value
        self._alive.append(tensor)


def _made_by(index: int, channels: int) -> Tensor:
    return torch.full((channels,), index, device="cpu")


def _tensors(tree: object) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple | list):
        for branch in tree:
            yield from _tensors(branch)
    elif isinstance(tree, dict):
        yield from _tensors(list(tree.values()))


def _on_cpu(tree: Any) -> Any:  # noqa: ANN401
    if isinstance(tree, dict):
        return {name: _on_cpu(branch) for name, branch in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(map(_on_cpu, tree))
    return tree.cpu() if isinstance(tree, Tensor) else tree


def _selected(call: _Call, source: Value) -> list[Tensor]:
    """Return the origins of the channels of each part that is selected.

    The same selection is made once more, of a tensor whose entries are their origins.
    """
    origins = source.origins
    if len(source.shape) == 4 and source.shape[1] == len(origins):
        origins = origins.view(1, -1, 1, 1).expand(source.shape)
    else:
        origins = _made_by(source.index, 1).expand(source.shape)
    args, kwargs = _on_cpu([call.args[1:], call.kwargs])
    parts = _tensors(call.function(origins, *args, **kwargs))
    return [part[0, :, 0, 0] if part.dim() == 4 else part.flatten()[:1] for part in parts]

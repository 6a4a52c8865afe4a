"""Batch norm in forms other than torch's modules: a function that the network calls, a module that is frozen.

A frozen batch norm is a module that holds a running mean and a running variance and is none of torch's, such
as torchvision's. The function may take the batch's statistics in training only, which is found out by trying.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from zsnas._watching import Functions
from zsnas.proxies._undefined import Undefined, reason_of

_NAMES = {
    F.batch_norm: ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    torch.batch_norm: (
        *("input", "weight", "bias", "running_mean", "running_var"),
        *("training", "momentum", "eps", "cudnn_enabled"),
    ),
}
"""Torch's functions that are batch norm, and what their arguments are called."""
_EITHER_WAY = {"add", "mul", "multiply"}
_INPUT_FIRST = {"sub", "subtract", "div", "divide", "true_divide"}


class BatchNormCall(NamedTuple):
    """What batch norm is called with, in the order of :func:`torch.nn.functional.batch_norm`."""

    input: Tensor
    running_mean: Tensor | None = None
    running_var: Tensor | None = None
    weight: Tensor | None = None
    bias: Tensor | None = None
    training: bool = False
    momentum: float = 0.1
    eps: float = 1e-5


def batch_norm_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> BatchNormCall | None:
    """Return what a function of torch is called with if it is batch norm."""
    if function not in _NAMES:
        return None
    named = dict(zip(_NAMES[function], args, strict=False)) | (kwargs or {})
    named.pop("cudnn_enabled", None)
    return BatchNormCall(**named)


class Live(NamedTuple):
    """A batch norm that a network computes by the function alone, from the batch when it trains."""

    running_mean: str
    """The name of the buffer."""
    affine: dict[str, float]
    """The names of scale and shift, with what they are when they change nothing."""


class OtherNorms(NamedTuple):
    """The batch norms of a network that are no modules of torch's and do not stay as they are in training."""

    live: list[Live]
    unknown: str = ""
    """Why it is not known how one of them normalises in training."""

    def neutral(self, model: nn.Module) -> dict[int, Tensor]:
        """Return, by the ids of the parameters, scales of 1 and shifts of 0."""
        tensors = dict(chain(model.named_parameters(), model.named_buffers()))
        named = {name: value for norm in self.live for name, value in norm.affine.items()}
        return {id(tensors[name]): torch.full_like(tensors[name], value) for name, value in named.items()}


def other_norms(model: nn.Module, image: Tensor) -> OtherNorms:
    """Find out how a network without gradients normalises in training, by a copy that runs on one image."""
    if not any(buffer.dim() == 1 and buffer.is_floating_point() for buffer in _own_buffers(model)):
        return OtherNorms([])
    trial = copy.deepcopy(model)
    watch = _Watch(trial)
    frozen = dict(frozen_norms(trial))
    before = {name: [statistic.clone() for statistic in _statistics(norm)] for name, norm in frozen.items()}
    try:
        with watch, torch.no_grad():
            trial.train()(image.clone())
    except Exception as error:  # noqa: BLE001 - a network may raise anything
        why = "the network does not run in training, so that it is not known what a batch norm uses there"
        return OtherNorms(watch.live, reason_of(error, why) if frozen else "")
    for name, norm in frozen.items():
        if not all(map(torch.equal, before[name], _statistics(norm))):
            return OtherNorms(
                watch.live,
                f"the module {name!r} changes its running statistics in training by code of its own, which "
                "cannot be told from the rest; make it a torch.nn.BatchNorm2d",
            )
    return OtherNorms(watch.live)


def _own_buffers(model: nn.Module) -> Iterator[Tensor]:
    """Yield the buffers that could be statistics of a batch norm that is no module of torch's."""
    for module in model.modules():
        if not isinstance(module, _NormBase):
            yield from module.buffers(recurse=False)
            yield from _statistics(module)


def _statistics(module: nn.Module) -> list[Tensor]:
    found = [getattr(module, role, None) for role in ("running_mean", "running_var")]
    return [tensor for tensor in found if isinstance(tensor, Tensor)]


class _Watch(Functions):
    """Sees which running statistics are to be updated, and keeps torch from doing it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names = {
            id(tensor): f"{path}.{role}".lstrip(".")
            for path, module in model.named_modules()
            if not isinstance(module, _NormBase)
            for role, tensor in _named_tensors(module)
        }
        self.live: list[Live] = []

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = batch_norm_call(function, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        if call.training and id(call.running_mean) in self.names:
            affine = {id(call.weight): 1.0, id(call.bias): 0.0}
            named = {self.names[key]: value for key, value in affine.items() if key in self.names}
            self.live.append(Live(self.names[id(call.running_mean)], named))
        return call.input if call.running_mean is None else F.batch_norm(*call._replace(training=False))


def _named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(module.named_parameters(recurse=False), module.named_buffers(recurse=False))


@contextmanager
def by_the_batch(model: nn.Module, live: list[Live]) -> Iterator[None]:
    """Let the live ones take the batch's statistics, as in training, and not update the running ones."""
    with _ByTheBatch(model, live) if live else ExitStack():
        yield


class _ByTheBatch(Functions):
    def __init__(self, model: nn.Module, live: list[Live]) -> None:
        super().__init__()
        self.places = [(model.get_submodule(path), role) for path, role in map(_split, live)]

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = batch_norm_call(function, args, kwargs)
        if call is not None and any(call.running_mean is getattr(*place) for place in self.places):
            return F.batch_norm(*call._replace(training=True))
        return function(*args, **kwargs)


def _split(live: Live) -> tuple[str, str]:
    path, _, role = live.running_mean.rpartition(".")
    return path, role


def frozen_norms(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield name and module of each frozen batch norm."""
    return ((name, module) for name, module in model.named_modules() if is_frozen_norm(module))


def is_frozen_norm(module: nn.Module) -> bool:
    """Tell whether a module holds running statistics and is none of torch's."""
    return len(_statistics(module)) == 2 and not isinstance(module, _NormBase)


@contextmanager
def taken_out(model: nn.Module, is_out: Callable[[BatchNormCall], bool]) -> Iterator[None]:
    """Let frozen batch norms, and those calls of the function that ``is_out`` tells, return what they take.

    What else a module does, such as an activation, stays. Run with :func:`marks`.
    """
    bypass = _Bypass(is_out)
    with ExitStack() as stack:
        for name, module in frozen_norms(model):
            if not all(any(t is held for held in _held(module)) for t in _statistics(module)):
                raise Undefined(f"the running statistics of the batch norm {name!r} are no buffers of it")
            stack.callback(module.register_forward_pre_hook(bypass.enter).remove)
            stack.callback(module.register_forward_hook(bypass.leave(name)).remove)
        stack.enter_context(bypass)
        yield


def marks(model: nn.Module) -> dict[int, Tensor]:
    """Return, by id, NaN in place of what frozen batch norms hold: it shows where one is not taken out."""
    return {
        id(tensor): torch.full_like(tensor, torch.nan)
        for _, module in frozen_norms(model)
        for tensor in _held(module)
    }


def _held(module: nn.Module) -> list[Tensor]:
    """Return statistics, scale and shift of a frozen batch norm."""
    shape = _statistics(module)[0].shape
    return [tensor for _, tensor in _named_tensors(module) if tensor.shape == shape]


class _Bypass(Functions):
    """Leaves out the arithmetic of an input with what a frozen batch norm holds, or computed from that."""

    def __init__(self, is_out: Callable[[BatchNormCall], bool]) -> None:
        super().__init__()
        self.is_out = is_out
        self.held: list[Tensor] = []
        """By the frozen batch norm that runs, and what was computed from that alone."""

    def enter(self, module: nn.Module, _inputs: object) -> None:
        self.held = _held(module)

    def leave(self, name: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            self.held = []
            if _has_nan(output) and not any(map(_has_nan, inputs)):
                kind = type(module).__name__
                raise Undefined(
                    f"the batch norm {name!r} cannot be taken out: it is not known how {kind} computes it; "
                    "make it a torch.nn.BatchNorm2d"
                )

        return hook

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = batch_norm_call(function, args, kwargs)
        if call is not None and self.is_out(call):
            return call.input
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        is_held = [any(tensor is held for held in self.held) for tensor in tensors]
        if not kwargs and len(args) == 2 and _is_affine(function, is_held):
            return args[is_held.index(False)]
        result = function(*args, **kwargs)
        if is_held and all(is_held) and isinstance(result, Tensor):
            self.held.append(result)
        return result


def _has_nan(value: object) -> bool:
    return isinstance(value, Tensor) and bool(value.isnan().any())


def _is_affine(function: Callable[..., Any], is_held: list[bool]) -> bool:
    """Tell whether a function adds what is held to the other tensor, subtracts, multiplies or divides."""
    name = function.__name__.strip("_")
    if is_held == [False, True]:
        return name in _EITHER_WAY or name in _INPUT_FIRST
    return is_held == [True, False] and name in _EITHER_WAY

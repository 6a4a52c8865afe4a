"""A copy of a network, whatever it comes in: compiled, parallel, averaged, or with what it kept of a pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.fx import GraphModule
from torch.nn.parameter import is_lazy

from zsnas._watching import Functions
from zsnas.proxies._undefined import Undefined, reason_of

_WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
    "ActivationWrapper": "_checkpoint_wrapped_module",
}
"""Classes of torch, by name because some are slow to import, and which attribute of them is the network."""


def copy_of(model: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, of the network itself where it or a part of it is wrapped.

    A wrapper changes how a network runs, not what it computes.

    Raises
    ------
    Undefined
        When the network has no weights yet or hides them, sharded or quantised, or cannot be copied.
    """
    _check_weights(model)
    copies: dict[int, Any] = {}  # of copy.deepcopy: what takes the place of each object
    try:
        with torch.inference_mode(False), torch.no_grad(), _LeavingTheGraph():
            for module in model.modules():
                if (inner := unwrapped(module)) is not module:
                    copies[id(module)] = copy.deepcopy(inner, copies)
            copied: nn.Module = copy.deepcopy(model, copies)
            copied.eval()  # which a class of its own may answer with nothing
            return copied
    except Exception as error:
        raise Undefined(reason_of(error, "the network cannot be copied")) from error


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the network that torch's wrappers hold; a network without a wrapper is its own."""
    attribute = next((_WRAPPERS[name] for name in _ancestors(model) if name in _WRAPPERS), None)
    return unwrapped(getattr(model, attribute)) if attribute else model


def _ancestors(module: nn.Module) -> list[str]:
    """Return the names of those of a module's classes that are torch's."""
    return [kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("torch.")]


def why_opaque(model: nn.Module) -> str | None:
    """Return why nothing can be seen that runs inside the network; None if it can."""
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            return "the network is TorchScript, whose layers cannot be seen; score what it was made from"
        if isinstance(module, GraphModule) and _calls_operators(module):
            return "the network is an exported graph without layers; score what it was made from"
    return None


def _calls_operators(graph: GraphModule) -> bool:
    """Tell whether its nodes are torch's inner operators, as torch.export writes, and not modules."""
    return any(isinstance(node.target, OpOverload) for node in graph.graph.nodes)


class _LeavingTheGraph(Functions):
    """Copies what a network kept of a pass, such as an activation, which torch refuses to: as a constant."""

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if function is not Tensor.__deepcopy__ or args[0].is_leaf:
            return function(*args, **kwargs)
        tensor, copies = args
        return copies.setdefault(id(tensor), tensor.detach().clone())


def _check_weights(model: nn.Module) -> None:
    if any(map(is_lazy, chain(model.parameters(), model.buffers()))):
        raise Undefined("some weights of the network have no shape yet; run it on images once")
    for module in model.modules():
        if "FullyShardedDataParallel" in _ancestors(module):
            raise Undefined("the network is sharded; score it before FullyShardedDataParallel wraps it")
        where = type(module).__module__
        if where.startswith("torch.ao.nn.") and ".quantized" in where:
            raise Undefined(
                f"the network is quantised: the weights of its {type(module).__name__} are no parameters; "
                "score the network that it was made from"
            )

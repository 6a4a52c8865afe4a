"""The weights that proxies add up over: what a network convolves with or multiplies matrices by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils.weak import WeakTensorKeyDictionary

from zsnas._watching import Functions

LAYERS = (_ConvNd, nn.Linear)
CONVOLUTIONS = {torch.conv1d, torch.conv2d, torch.conv3d}
TRANSPOSED = {torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}
_SUMS = {torch.addmm, Tensor.addmm}
"""Products to which what they are given first is added."""
PRODUCTS = {
    *(torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm),
    *_SUMS,
}
OPERATIONS = {F.linear, *CONVOLUTIONS, *TRANSPOSED, *PRODUCTS}
"""Torch's functions that take an input and a weight, in this order."""

LOOKUPS = {F.embedding, F.embedding_bag}
"""Those that take a table's rows at the places of tokens: products with what is 1 there and 0 elsewhere."""

_OTHERS = {
    *("einsum", "tensordot", "inner", "dot", "mv", "chain_matmul", "linalg_matmul", "linalg_multi_dot"),
    *("__rmatmul__", "addmv", "addmv_", "addmm", "addmm_", "addbmm", "addbmm_", "baddbmm", "baddbmm_"),
    "deform_conv2d",
}
"""Names of other products. What is first in one with "add" in its name is added to the product."""
_WITHOUT = (nn.Embedding, nn.EmbeddingBag, nn.PReLU, nn.Bilinear)
"""Modules whose parameters of two or more axes are no weights of layers."""


_NAMES = ("input", "weight", "bias", "stride", "padding")
_ALIASES = {"self": "input", "mat1": "input", "other": "weight", "mat2": "weight", "tensor2": "weight"}


def named_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return what one of :data:`OPERATIONS` is given: ``input``, ``weight`` and, of a layer, what follows."""
    if function in _SUMS:
        args, kwargs = args[1:], {name: kwargs[name] for name in kwargs.keys() & {"mat1", "mat2"}}
    rest = ("output_padding", "groups", "dilation") if function in TRANSPOSED else ("dilation", "groups")
    named = {_ALIASES.get(name, name): value for name, value in kwargs.items()}
    return dict(zip((*_NAMES, *rest), args, strict=False)) | named


_IMAGE = 0
"""Stands among the ids of parameters for the image, and what was computed from it."""


def layer_weights(model: nn.Module, image: Tensor) -> list[Tensor]:
    """Return the weights of a network's layers, each once, in the order of its modules.

    They are the weights of convolutions and linear layers, called or used as an argument of a function; the
    projections inside :class:`torch.nn.MultiheadAttention`; the matrices of recurrent layers; and any other
    parameter that the network, run on ``image`` (1, channels, height, width), convolves with or multiplies
    matrices by, as it is, a part of it, or what has as many entries and was computed from parameters alone,
    such as scaled or transposed weights; and the tables of embeddings in which it looks up tokens (1,
    length), but not those of positions, which are added whatever the tokens are. What is learned and goes
    into a layer in place of an image, such as the queries of a pooling by attention, is no weight. Only
    numbers with a fraction can be differentiated.
    """
    tables = set() if image.is_floating_point() else _seen(_Lookups(image), model)
    found = {
        id(weight): weight
        for module in model.modules()
        for weight in (
            *module_weights(module),
            *(table for table in module.parameters(recurse=False) if id(table) in tables),
        )
    }
    known = {id(p) for module in model.modules() if _makes_no_more(module) for p in module.parameters()}
    others = [p for p in model.parameters() if p.dim() > 1 and id(p) not in found and id(p) not in known]
    if others:
        used = _seen(_Watch(image, others), model)
        found |= {id(parameter): parameter for parameter in others if id(parameter) in used}
    return [weight for weight in found.values() if weight.is_floating_point()]


def _makes_no_more(module: nn.Module) -> bool:
    """Tell whether parameters are no weights themselves, as those that a layer computes its weight from."""
    computes = isinstance(module, LAYERS) and "weight" not in dict(module.named_parameters(recurse=False))
    return computes or isinstance(module, _WITHOUT)


def module_weights(module: nn.Module) -> Iterator[Tensor]:
    """Yield the weights that a module of torch has by itself, without those of the modules inside it."""
    if isinstance(module, LAYERS):
        if isinstance(module.weight, Tensor):
            yield module.weight
    elif isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.RNNCellBase):
        for parameter in module.parameters(recurse=False):
            if parameter.dim() == 2:
                yield parameter


def module_biases(module: nn.Module) -> Iterator[Tensor]:
    """Yield the biases beside these weights."""
    if isinstance(module, LAYERS):
        if module.bias is not None:
            yield module.bias
    elif isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.RNNCellBase):
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() == 1 and "bias" in name:
                yield parameter


def _seen(watch: _Watch | _Lookups, model: nn.Module) -> set[int]:
    """Return the ids of the weights that a watch sees the network use."""
    try:
        with watch, torch.no_grad():
            model(watch.image)
    except Exception:  # noqa: BLE001 - the passes run the network again and say what it raises
        return set()
    return watch.used


class _Watch(Functions):
    """Sees by which of the candidates the network multiplies."""

    def __init__(self, image: Tensor, candidates: Iterable[Tensor]) -> None:
        super().__init__()
        self.image = image.clone()  # which the network may overwrite
        self.origins = WeakTensorKeyDictionary({candidate: {id(candidate)} for candidate in candidates})
        self.origins[self.image] = {_IMAGE}
        self.used: set[int] = set()

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        given = {operand: self._origins(operand) for operand in operands([*args, *kwargs.values()])}
        if function in OPERATIONS - PRODUCTS:
            weight = named_arguments(function, args, kwargs)["weight"]
            if _IMAGE not in given[weight]:  # what a layer is given is no weight, be it learned
                given = {one: of if one is weight else of & {_IMAGE} for one, of in given.items()}
        origins: set[int] = set().union(*given.values())
        name = function.__name__
        if function in OPERATIONS or name in _OTHERS:
            multiplied = list(given.values())["add" in name :]
            self.used |= set().union(*multiplied) - {_IMAGE}
        result = function(*args, **kwargs)
        for made in given if result is None else operands([result]):  # such as of an assignment to a part
            as_many = (of for operand, of in given.items() if operand.numel() == made.numel())
            self.origins[made] = {_IMAGE} if _IMAGE in origins else set().union(*as_many)
        return result

    def _origins(self, tensor: Tensor) -> set[int]:
        """Return the ids of the candidates that it was made of, or that it was made of the image."""
        base = tensor._base  # noqa: SLF001 (torch has no public name)
        found = (self.origins[one] for one in (tensor, base) if one is not None and one in self.origins)
        return next(filter(None, found), set())


class _Lookups(Functions):
    """Sees in which tables the network looks up tokens, or what it makes of them."""

    def __init__(self, tokens: Tensor) -> None:
        super().__init__()
        self.image = tokens.clone()
        self.made = [self.image]  # kept alive, so that an id is a tensor's own
        self.used: set[int] = set()

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        result = function(*args, **kwargs)
        given = list(operands([*args, *kwargs.values()]))
        if any(operand is made for operand in given for made in self.made):
            if function in LOOKUPS:
                self.used |= {id(operand) for operand in given if operand.is_floating_point()}
            self.made += [made for made in operands([result]) if not made.is_floating_point()]
        return result


def operands(arguments: list[Any]) -> Iterator[Tensor]:
    """Yield the tensors among a function's arguments."""
    for argument in arguments:
        if isinstance(argument, Tensor):
            yield argument
        elif isinstance(argument, tuple | list):
            yield from operands(list(argument))

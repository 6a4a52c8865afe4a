"""A proxy from outside this package: its random numbers follow the seed, and what it changes is found out."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from zsnas.proxies._passes import _isolated
from zsnas.proxies._placement import double
from zsnas.proxies._undefined import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zsnas.proxies._passes import Passes

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_MADE = ("results", "failures", "notes")
"""Attributes of passes that a proxy fills by asking."""
_NUMPY_SEEDS = 2**32


def is_foreign(function: Callable[..., Any]) -> bool:
    """Tell whether a proxy's function was written outside this package."""
    return not str(getattr(function, "__module__", "")).startswith("zsnas.proxies.")


def watched(function: Callable[[Passes], object], passes: Passes) -> object:
    """Return what a foreign function makes of passes.

    It draws from the global generators of torch, numpy and random, seeded by ``passes.seed`` and left as they
    were.

    Raises
    ------
    Undefined
        When it changed the network, the images or the labels, with what it changed.
    """
    model, names = passes.model, [name for name in vars(passes) if name not in _MADE and name[0] != "_"]
    before = _state(model, passes, names)
    with _own_generators(passes):
        returned = function(passes)
    after = _state(model, passes, names)
    changed = [what for what in [*before, *after] if before.get(what) != after.get(what)]
    if changed:
        raise Undefined(
            f"it changed {changed[0]}; let it work on a copy, such as copy.deepcopy(passes.model) or "
            "passes.images.clone()"
        )
    return returned


@contextmanager
def _own_generators(passes: Passes) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(_isolated(passes.seed, passes.images.device))
        stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002 - the global one is meant
        np.random.seed(passes.seed % _NUMPY_SEEDS)  # noqa: NPY002
        stack.callback(random.setstate, random.getstate())
        random.seed(passes.seed)
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        yield


def _state(model: nn.Module, passes: Passes, names: list[str]) -> dict[str, object]:
    """Return by its name in words each thing that a proxy is given and could change."""
    modules = dict(model.named_modules(remove_duplicate=False))
    state: dict[str, object] = {
        "the modules of the network": [(name, id(module)) for name, module in modules.items()],
        "the mode of the network": [module.training for module in modules.values()],
    }
    for name, module in modules.items():
        state[f"the hooks of {name!r}"] = [list(getattr(module, kind)) for kind in _HOOKS]
        for role, tensor in chain(module.named_parameters("", False), module.named_buffers("", False)):
            if role != "num_batches_tracked":  # a batch norm counts the passes
                state[f"{name}.{role}".lstrip(".") + " of the network"] = _identity(tensor)
    return state | {f"passes.{name}": _identity(getattr(passes, name, None)) for name in names}


def _identity(thing: object) -> object:
    """Return what tells a thing from others: of a tensor also its values, of a list what is in it."""
    if isinstance(thing, list):
        return [id(item) for item in thing]
    if not isinstance(thing, Tensor):
        return id(thing)
    values = b"" if thing.is_meta else double(thing.detach()).numpy(force=True).tobytes()
    return id(thing), thing.requires_grad, thing.dtype, thing.shape, blake2b(values).digest()

"""A copy of a network, and its batch, on the device and in the precision that they are scored in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor, nn

from zsnas.proxies._copying import copy_of, why_opaque
from zsnas.proxies._undefined import Undefined, reason_of
from zsnas.proxies._weights import LAYERS, module_weights

if TYPE_CHECKING:
    from zsnas.batches import Batch

DeviceType = Literal["cpu", "cuda", "mps"]
Precision = Literal["float32", "float64"]

_OFF = ("inplace", "grad_checkpointing")
"""What modules have switched on that changes no output. The last is timm's, which then goes around the module
that holds a sequence, and which MeCo would miss."""


def check_placement(device: str | torch.device | None, dtype: str | torch.dtype | None) -> None:
    """Raise a ValueError, in one sentence, for a device that is not here or an unknown precision."""
    kind = _checked_kind(str(device)) if device is not None else ""
    name = str(dtype).removeprefix("torch.")
    if dtype is not None and name not in get_args(Precision):
        raise ValueError(
            f"unknown dtype {name!r}; valid are {', '.join(get_args(Precision))}; "
            "leave it out to score the network in its own precision"
        )
    if kind == "mps" and name == "float64":
        raise ValueError("the device 'mps' has no float64; choose the device 'cpu', or dtype 'float32'")


def _checked_kind(device: str) -> str:
    kind, colon, index = device.partition(":")
    if kind not in get_args(DeviceType) or (colon and not index.isdecimal()):
        raise ValueError(
            f"unknown device {device!r}; valid are {', '.join(get_args(DeviceType))}, with a number as in "
            "cuda:1 where there are several; leave it out to score the network where it is"
        )
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if int(index or 0) >= count[kind]:
        here = ", ".join(name for name, number in count.items() if number)
        raise ValueError(
            f"the device {device!r} is not on this machine, which has {here}; "
            "choose another, or leave it out to score the network where it is"
        )
    return kind


@contextmanager
def whole_precision() -> Iterator[None]:
    """Let a GPU convolve and multiply with all bits of float32, and the same way each time."""
    multiplies = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = multiplies


def private_copy(
    model: nn.Module, device: str | torch.device | None = None, dtype: str | torch.dtype | None = None
) -> nn.Module:
    """Return a copy in evaluation mode, channels last in memory, none of whose modules works in place.

    What a network is wrapped in is left away, see :func:`copy_of`. Lower precision becomes single precision,
    in which gradients and their squares do not underflow.

    Parameters
    ----------
    model
        The network; it is not changed.
    device
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; by default where the network is.
    dtype
        ``"float32"`` or ``"float64"``; by default the network's own, single precision for half.

    Raises
    ------
    Undefined
        When the network has no weights yet or hides them, sharded or quantised, or cannot be copied.
    """
    copied = copy_of(model)
    try:
        with torch.inference_mode(False):
            for tensor in chain(copied.parameters(), copied.buffers()):
                tensor.data = _in_precision(tensor.data, dtype)
            copied.to(device)
            for tensor in chain(copied.parameters(), copied.buffers()):
                if tensor.dim() == 4:
                    tensor.data = tensor.data.to(memory_format=torch.channels_last)
    except Exception as error:
        raise Undefined(reason_of(error, "the network cannot be copied")) from error
    for module in copied.modules():
        for flag in _OFF:
            if getattr(module, flag, False) is True and not isinstance(module, torch.jit.ScriptModule):
                setattr(module, flag, False)
    return copied


def with_network(
    batch: Batch,
    model: nn.Module,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> Batch:
    """Return the batch where a copied network's first parameter is, in its precision.

    Parameters
    ----------
    batch
        Images with the labels or targets of their task.
    model
        The network, already copied.
    device, dtype
        Where the images go, and in which precision, beside a network without parameters.
    """
    first = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), None)
    if first is None:
        images = _in_precision(batch.images, dtype).to(device or batch.images.device)
    elif batch.kind == "tokens":
        images = batch.images.to(first.device)
    else:
        images = batch.images.to(first)
    floats = images.dtype if images.is_floating_point() else getattr(first, "dtype", torch.float32)
    numbers = torch.int64 if batch.task.criterion == "cross_entropy" else floats
    return replace(batch, images=images, labels=batch.labels.to(images.device, numbers))


def where(model: nn.Module) -> torch.device:
    """Return the device of a network's first parameter; without any, the processor."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def check_values(model: nn.Module) -> None:
    """Say why the layers' weights are no real numbers that could be added up, if they are none."""
    opaque = why_opaque(model)
    if opaque:
        raise Undefined(opaque)
    for layer in model.modules():
        for weight in module_weights(layer):
            if weight.is_meta:
                raise Undefined("the weights of the network have no values: they are on the device 'meta'")
            if not weight.is_floating_point():
                kind = str(weight.dtype).removeprefix("torch.")
                raise Undefined(
                    f"the weight of a {type(layer).__name__} is of type {kind}, and scores are defined for "
                    "real numbers; score the network with floating-point weights, as before quantisation"
                )


def check_layers(model: nn.Module) -> None:
    """Say why a layer's weight or bias cannot be differentiated or redrawn, if it is no parameter."""
    check_values(model)
    for layer in (module for module in model.modules() if isinstance(module, LAYERS)):
        parameters = dict(layer.named_parameters(recurse=False))
        for role in ("weight", "bias"):
            if role in parameters or getattr(layer, role, None) is None:
                continue
            how = "is computed from other parameters, as by weight norm; remove this parametrisation first"
            if hasattr(layer, f"{role}_mask"):
                how = f"is pruned; make that permanent first: torch.nn.utils.prune.remove(layer, {role!r})"
            raise Undefined(f"the {role} of a {type(layer).__name__} {how}")


def double(tensor: Tensor) -> Tensor:
    """Return a floating-point tensor in float64; from a device that has none, on the processor."""
    here = tensor.cpu() if tensor.device.type == "mps" else tensor
    return here.double() if here.is_floating_point() else here


def _in_precision(tensor: Tensor, dtype: str | torch.dtype | None) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    if dtype is not None:
        return tensor.to(getattr(torch, str(dtype).removeprefix("torch.")))
    return tensor.float() if tensor.dtype.itemsize < torch.float32.itemsize else tensor

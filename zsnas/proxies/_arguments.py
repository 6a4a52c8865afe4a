"""What is scored: a network on a batch; what to say of something else, and of two that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zsnas._numbers import torch_seeded
from zsnas.batches import Batch
from zsnas.proxies._outputs import logits_of
from zsnas.proxies._placement import private_copy, with_network

if TYPE_CHECKING:
    from collections.abc import Callable

_MODEL = "a torch.nn.Module, such as zsnas.model('timm:resnet18', num_classes=10, seed=0)"


def check_model(given: object) -> None:
    """Raise a ValueError, in one sentence, for anything that is no network."""
    if isinstance(given, nn.Module):
        return
    if isinstance(given, str):
        name = given if ":" in given else f"timm:{given}"
        step = f"the name {given!r}; give the network: zsnas.model({name!r}, num_classes, seed)"
    elif isinstance(given, type):
        step = f"the class {given.__name__}; give a network that is made of it: {given.__name__}(…)"
    elif isinstance(given, torch.export.ExportedProgram):
        step = "an exported program; give the network that it was made from, or its .module()"
    elif callable(given):
        step = f"the function {_name_of(given)}; give the network that it returns, {_MODEL}"
    else:
        step = f"of type {type(given).__name__}; it must be {_MODEL}"
    raise ValueError(f"the model is {step}")


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def misfit(
    model: nn.Module,
    batch: Batch,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> str | None:
    """Return why a copy of the network makes nothing of the images that their task can use; None if it does.

    It runs once, on all images of the batch, without gradients.

    Parameters
    ----------
    model
        The network; it is not changed.
    batch
        Images (batch, channels, height, width) with the labels or targets of their task.
    device
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; by default where the network is.
    dtype
        ``"float32"`` or ``"float64"``; by default the network's own, single precision for half.
    """
    try:
        trial = private_copy(model, device, dtype)
        with torch.no_grad(), torch_seeded(0):
            logits = logits_of(trial(with_network(batch, trial, device, dtype).images), batch)
    except Exception as error:  # noqa: BLE001 (a network may raise anything)
        return " ".join(str(error).split()) or type(error).__name__
    wanted = (len(batch.images), batch.num_classes, *(batch.labels.shape[-2:] if batch.task.is_dense else ()))
    if batch.task.has_classes and len(logits) == wanted[0] and logits.shape[1] >= wanted[1]:
        return None  # a network may have outputs that are never right
    if logits.shape == wanted:
        return None
    step = f"; build it with num_classes={batch.num_classes}" if batch.task.has_classes else ""
    return f"its output is {tuple(logits.shape)}, not {wanted}{step}"

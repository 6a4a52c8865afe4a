"""Networks by name: models of timm and torchvision, or of any function, at random initialisation."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zsnas._names import unknown
from zsnas.batches import Batch, resized
from zsnas.proxies import check_placement, first_tensor, private_copy, with_network


class ModelError(ValueError):
    """A network that cannot be had by this name, or that is no classifier of these images."""


def model(name: str, num_classes: int, seed: int) -> nn.Module:
    """Return a network with random weights; nothing is downloaded.

    Parameters
    ----------
    name
        ``timm:resnet18``, ``torchvision:resnet50``, or ``module:function`` for a function that returns an
        ``nn.Module``, called with ``num_classes`` if it has such a parameter.
    num_classes
        Size of the output.
    seed
        Draws the weights; the state of torch's global generator is the same before and after.

    Raises
    ------
    ModelError, UnknownNameError
        Both are ValueErrors, in one sentence.
    """
    library, separator, rest = name.partition(":")
    if not (library and separator and rest):
        raise ModelError(
            f"cannot read the model {name!r}: write timm:NAME, torchvision:NAME or MODULE:FUNCTION"
        )
    makers = {"timm": _from_timm, "torchvision": _from_torchvision}
    with _torch_seeded(seed):
        return makers[library](rest, num_classes) if library in makers else _from_function(name, num_classes)


def fit(
    batch: Batch, network: nn.Module, name: str, side: int | None = None, device: str | None = None
) -> Batch:
    """Return the batch at a size that the network accepts.

    The images keep their own size when the network takes it, since that is where proxies are cheap and what
    the images hold; otherwise they are resized (bicubic, antialiased) to the model's default input size.

    Parameters
    ----------
    side
        Height and width in pixels to resize to in any case.
    device
        Where to try the network; by default where it is.

    Raises
    ------
    ValueError
        When there is no such device.
    ModelError
        When the network takes neither, or gives something other than logits (batch, classes).
    """
    check_placement(device, None)
    own, default = batch.images.shape[-1], _default_side(name)
    sides = [side] if side else list(dict.fromkeys([own, default or own]))
    failures = []
    for pixels in sides:
        candidate = resized(batch, pixels)
        failure = _failure(network, candidate, device)
        if failure is None:
            return candidate
        failures.append(f"{pixels}×{pixels}: {failure}")
    raise ModelError(f"{name} does not classify images of this batch ({'; '.join(failures)})")


def _from_timm(name: str, num_classes: int) -> nn.Module:
    import timm

    if not timm.is_model(name):
        raise unknown("timm model", name, timm.list_models(), "timm.list_models()")
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes)
    return network


def _from_torchvision(name: str, num_classes: int) -> nn.Module:
    from torchvision import models

    names = models.list_models(module=models)
    if name not in names:
        raise unknown("torchvision model", name, names, "torchvision.models.list_models()")
    initialise = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **initialise)
    return network


def _from_function(name: str, num_classes: int) -> nn.Module:
    function = _function(name)
    takes_classes = "num_classes" in inspect.signature(function).parameters
    arguments = {"num_classes": num_classes} if takes_classes else {}
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise ModelError(f"{name} must be callable with num_classes or without arguments: {error}") from error
    network = function(**arguments)
    if not isinstance(network, nn.Module):
        raise ModelError(f"{name} returned {type(network).__name__}, not a torch.nn.Module")
    return network


def _function(name: str) -> Callable[..., Any]:
    """Return the function of ``module:function``, looked for in the current folder too."""
    module_name, _, function_name = name.partition(":")
    with _current_folder_importable():
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            raise ModelError(f"cannot import {error.name!r} for the model {name!r}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ModelError(f"the module {module_name!r} has no function {function_name!r}")
    return function  # type: ignore[no-any-return]


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path.pop(0)


@contextmanager
def _torch_seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator of the processor, and put its state back."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _default_side(name: str) -> int | None:
    """Return the height and width in pixels that a library gives its model, None for other models."""
    library, _, rest = name.partition(":")
    if library == "timm":
        import timm

        settings = timm.get_pretrained_cfg(rest)
        return int(settings.input_size[-1]) if settings else None
    if library == "torchvision":
        from torchvision import models

        return int(models.get_model_weights(rest).DEFAULT.transforms.keywords["crop_size"])
    return None


def _failure(network: nn.Module, batch: Batch, device: str | None) -> str | None:
    """Return why a copy of the network does not classify two of the images; None when it does."""
    try:
        trial = private_copy(network, device)
        with torch.no_grad(), _torch_seeded(0):
            output = trial(with_network(batch, trial, device).images[:2])
    except Exception as error:  # noqa: BLE001 (a network may raise anything)
        return " ".join(str(error).split()) or type(error).__name__
    logits = first_tensor(output)
    if logits is None or logits.ndim != 2 or logits.shape[1] < batch.num_classes:
        found = type(output).__name__ if logits is None else tuple(logits.shape)
        return f"its output is {found}, not logits (2, {batch.num_classes})"
    return None

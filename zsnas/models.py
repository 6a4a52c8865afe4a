"""Networks by name: models of timm and torchvision, or of any function, at random initialisation."""

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from zsnas._names import as_known, unknown
from zsnas._numbers import as_whole, torch_seeded
from zsnas._own import load, said
from zsnas.batches import Batch, resized
from zsnas.proxies import check_placement, misfit


class ModelError(ValueError):
    """A network that is unavailable by this name, or that is no classifier of these images."""


def model(name: str, num_classes: int, seed: int) -> nn.Module:
    """Return a network with random weights; nothing is downloaded.

    Parameters
    ----------
    name
        ``timm:resnet18``, ``torchvision:resnet50``, or ``module:function`` for a function that returns an
        ``nn.Module``, called with ``num_classes`` if it has such a parameter. Instead of the module, the
        path of its file, ``folder/networks.py:function``.
    num_classes
        Size of the output.
    seed
        Draws the weights; the state of torch's global generator is the same before and after.

    Raises
    ------
    ModelError, UnknownNameError
        Both are ValueErrors, in one sentence.
    """
    given: object = name  # which a caller may have taken for a network or for a function
    library, separator, rest = given.partition(":") if isinstance(given, str) else ("", "", "")
    if not (library and separator and rest):
        raise ModelError(
            f"cannot read the model {name!r}: write timm:NAME, torchvision:NAME, MODULE:FUNCTION or "
            f"FILE.py:FUNCTION{_hint(name)}"
        )
    num_classes = as_whole("num_classes of a model", num_classes, 1, example="10")
    makers = {"timm": _from_timm, "torchvision": _from_torchvision}
    with torch_seeded(seed):
        return makers[library](rest, num_classes) if library in makers else _from_function(name, num_classes)


def list_models() -> list[str]:
    """Return the names of the networks of timm and torchvision, with their library before them."""
    import timm
    from torchvision import models

    others = models.list_models(module=models)
    return [*(f"timm:{name}" for name in timm.list_models()), *(f"torchvision:{name}" for name in others)]


def network_of(given: object, num_classes: int, seed: int) -> nn.Module:
    """Return the network that a name or a function stands for, or the one that is given.

    Parameters
    ----------
    given
        A name as :func:`model` takes it; a function or a class, called with ``num_classes`` if it takes it;
        or a network, which is returned as it is.
    num_classes
        Size of the output.
    seed
        Draws the weights of what is not a network yet.

    Raises
    ------
    ModelError, UnknownNameError
        Both are ValueErrors, in one sentence.
    """
    if isinstance(given, nn.Module):
        return given
    if callable(given):
        with torch_seeded(seed):
            return _called(given, getattr(given, "__name__", type(given).__name__), num_classes)
    return model(given, num_classes, seed)  # type: ignore[arg-type] # which says what it must be


def fit(
    batch: Batch, network: nn.Module, name: str, side: int | None = None, device: str | None = None
) -> Batch:
    """Return the batch at a size that the network accepts.

    The images keep their own size when the network takes it, since that is where proxies are cheap and what
    the images hold; otherwise they are resized (bicubic, antialiased) to the model's default input size.

    Parameters
    ----------
    batch
        Images (batch, channels, height, width) with labels.
    network
        A classifier.
    name
        What :func:`model` calls it, which decides its default size.
    side
        Height and width in pixels to resize to in any case.
    device
        Where to try the network; by default where it is.

    Raises
    ------
    ValueError
        When there is no such device.
    ModelError
        When the network takes neither, or gives something other than logits (batch, classes); and for a side
        of series or tokens, which have none.
    """
    check_placement(device, None)
    side = None if side is None else as_whole("the side of the images", side, 1, example="224")
    if batch.kind != "images":
        if side:
            raise ModelError(
                f"the batch holds {batch.kind}, which are not resized to {side} pixels; leave the size out"
            )
        if failure := misfit(network, batch, device):
            raise ModelError(f"{name} does not classify the {batch.kind} of this batch ({failure})")
        return batch
    own, default = batch.images.shape[-1], default_side(name)
    sides = [side] if side else list(dict.fromkeys([own, default or own]))
    failures = []
    for pixels in sides:
        candidate = resized(batch, pixels)
        two = replace(candidate, images=candidate.images[:2], labels=candidate.labels[:2])
        failure = misfit(network, two, device)
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
    as_known("torchvision model", name, names, "torchvision.models.list_models()")
    initialise = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **initialise)
    return network


def _hint(name: object) -> str:
    """Name the model that is meant by a name without its library."""
    import timm

    close = get_close_matches(str(name), timm.list_models(), n=1)
    return f"; did you mean timm:{close[0]}?" if close else ""


def _from_function(name: str, num_classes: int) -> nn.Module:
    return _called(_function(name), name, num_classes)


def _called(function: Callable[..., Any], name: str, num_classes: int) -> nn.Module:
    if isinstance(function, nn.Module):
        raise ModelError(
            f"{name} is a network, with weights that no seed has drawn; give a function or a class that "
            "returns one"
        )
    takes_classes = "num_classes" in inspect.signature(function).parameters
    arguments = {"num_classes": num_classes} if takes_classes else {}
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise ModelError(f"{name} must be callable with num_classes or without arguments: {error}") from error
    try:
        network = function(**arguments)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{name} raised {said(error)} ({_where(error)}); correct it and run again"
        ) from error
    if not isinstance(network, nn.Module):
        raise ModelError(f"{name} returned {type(network).__name__}, not a torch.nn.Module")
    return network


def _function(name: str) -> Callable[..., Any]:
    """Return the function of ``module:function``, looked for in the current folder too."""
    module_name, _, function_name = name.rpartition(":")
    with _current_folder_importable(module_name):
        try:
            module = _module(module_name)
        except ModuleNotFoundError as error:
            raise ModelError(
                f"cannot import {error.name!r} for the model {name!r}; start where {module_name}.py is, or "
                "install it"
            ) from error
        except (Exception, SystemExit) as error:
            if module_name.endswith(".py") and isinstance(error, ValueError):
                raise ModelError(str(error)) from error
            raise ModelError(
                f"{module_name} cannot be imported for the model {name!r}: {said(error)} ({_where(error)}); "
                "correct it"
            ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        names = [found for found, value in vars(module).items() if callable(value) and found[0] != "_"]
        raise ModelError(
            f"the module {module_name!r} has no function {function_name!r}; "
            f"it has {', '.join(names) or 'none'}"
        )
    return function  # type: ignore[no-any-return]


def _module(name: str) -> ModuleType:
    """Import a module by its name, or by the path of its file."""
    if not name.endswith(".py"):
        return import_module(name)
    load(name)
    return sys.modules[Path(name).stem]


def _where(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    if isinstance(error, SystemExit):
        return 'what runs as a script belongs under if __name__ == "__main__"'
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}"


@contextmanager
def _current_folder_importable(module: str) -> Iterator[None]:
    if module.endswith(".py"):  # the folder of a file stays one to import from
        yield
        return
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path.pop(0)


def default_side(name: str) -> int | None:
    """Return the height and width in pixels that a library made its model for; None for other models."""
    library, _, rest = name.partition(":")
    if library == "timm":
        import timm

        settings = timm.get_pretrained_cfg(rest)
        return int(settings.input_size[-1]) if settings else None
    if library == "torchvision":
        from torchvision import models

        return int(models.get_model_weights(rest).DEFAULT.transforms.keywords["crop_size"])
    return None

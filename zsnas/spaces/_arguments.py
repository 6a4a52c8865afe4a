"""What the methods of a search space take, by the names of their arguments, and what is said of the rest."""

from __future__ import annotations

import inspect
import random
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from zsnas.spaces._base import Space

_WHOLE = {
    "seed": ("the seed", 0, "0"),
    "num_classes": ("num_classes of a network", 1, "10"),
    "outputs": ("outputs of a network", 1, "10"),
    "image_size": ("image_size", 1, "32"),
}
"""Whole numbers: what they are called, the least, and an example."""


def check_arguments(space_class: type) -> None:
    """Let the public methods of a class refuse, in a sentence, an argument that is not what its name says."""
    for name, method in [*vars(space_class).items()]:
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(space_class, name, _checked(method))


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @wraps(method)
    def refusing(space: Space, *args: object, **kwargs: object) -> object:
        given = signature.bind(space, *args, **kwargs)
        given.arguments |= {name: _valid(space, name, value) for name, value in given.arguments.items()}
        return method(*given.args, **given.kwargs)

    return refusing


def _valid(space: Space, name: str, given: object) -> object:
    if name == "arch":
        if not isinstance(given, str):
            raise no_architecture(given, space.name, space.example)
        return str(given)  # a string of numpy becomes one of Python
    if name in _WHOLE:
        from zsnas._numbers import as_whole  # which loads torch

        what, least, example = _WHOLE[name]
        return as_whole(what, given, least, example=example)
    if name == "batch":
        from zsnas.batches.images import check_batch  # which loads torch

        check_batch(given)
    elif name == "task":
        from zsnas.batches.tasks import check_task

        check_task(given)
    elif name == "rng" and not isinstance(given, random.Random):
        raise ValueError(f"rng is {given!r}; it must be a generator, such as random.Random(0)")
    return given


def no_architecture(given: object, space: str, example: str, why: str = "") -> ValueError:
    """Return the error for what is no architecture of a space; ``example`` is one that is."""
    because = f": {why}" if why else ""
    return ValueError(
        f"{given!r} is not an architecture of the search space {space!r}{because}; write one such as "
        f"{example!r}, or let zsnas.space({space!r}).sample(random.Random(0)) draw one"
    )

"""Activation checkpointing switched off: it saves memory and changes no score, but hides what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch.utils import checkpoint


class _Direct:
    """In place of the function of autograd that runs a part of a network twice, first without gradients."""

    @staticmethod
    def apply(function: Callable[..., Any], _preserve_rng_state: bool, *args: Any) -> object:  # noqa: ANN401
        return function(*args)


def _no_hook(_frame: object) -> AbstractContextManager[None]:
    """Return in place of a hook that drops what the backward pass needs one that drops nothing."""
    return nullcontext()


_INSTEAD = {"CheckpointFunction": _Direct, "_checkpoint_hook": _no_hook}
"""What :func:`torch.utils.checkpoint.checkpoint` calls, reentrant and not, by its name in that module.

Networks import the function itself under names of their own, which cannot all be replaced.
"""


@contextmanager
def without_checkpointing() -> Iterator[None]:
    """Let activation checkpointing call what it is given once, and keep what that saves, in the body."""
    names = vars(checkpoint)
    before = {name: names[name] for name in _INSTEAD if name in names}
    names.update({name: _INSTEAD[name] for name in before})
    try:
        yield
    finally:
        names.update(before)

"""Watching what a network calls, function by function or operator by operator, and answering in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from torch._ops import OpOverload


class Functions(TorchFunctionMode):
    """Answers every torch function that is called in its body, by a module or not."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        return self.answer(func, args, kwargs or {})

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        """Return what the caller is to get, as ``function(*args, **kwargs)``."""
        raise NotImplementedError


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class is untyped
    """Answers every operator of torch's dispatcher that runs in its body."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do without the wrapper that would import torch's compiler on the first operation."""
        return False

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        return self.answer(operation, types, args, kwargs or {})

    def answer(
        self, operation: OpOverload, types: tuple[type, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        """Return what the caller is to get; ``types`` are the classes of tensors that are none of torch's."""
        raise NotImplementedError

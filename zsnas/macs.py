"""Counting multiply-accumulates while a network runs.

Torch's own counter, `torch.utils.flop_counter`, gives the same numbers (a test compares them), but imports a
compiler that takes 75 MB in every process that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch._ops import OpOverload


class MacCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class is untyped
    """Counts in its body what convolutions, linear layers, matrix products and attention multiply.

    Biases, normalisation, activations and pooling are left out. It works on tensors of the device ``meta``
    too, and not in inference mode, where torch hides the operations.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0
        """Multiply-accumulates so far; a "FLOP" of the survey is one of them."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do without the wrapper that would import torch's compiler on the first operation."""
        return False

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        _types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        result = operation(*args, **(kwargs or {}))
        count = _COUNTS.get(operation.name())  # type: ignore[no-untyped-call]
        if count is not None:
            self.total += count(args, result)
        return result


def _of_convolution(args: tuple[Any, ...], result: Tensor) -> int:
    images, weight, *_, transposed, _padding, _groups = args
    places = images if transposed else result
    return int(places.shape[0] * places.shape[2:].numel() * weight.numel())


def _of_product(args: tuple[Any, ...], _result: Tensor) -> int:
    left, right = args[-2:]
    return int(left.numel()) * int(right.shape[-1])


def _of_attention(args: tuple[Any, ...], _result: object) -> int:
    query, key, value = args[:3]
    return int(query.shape[:-1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1]))


_COUNTS: dict[str, Callable[[tuple[Any, ...], Any], int]] = {
    "aten::convolution": _of_convolution,
    "aten::mm": _of_product,
    "aten::bmm": _of_product,
    "aten::addmm": _of_product,
    "aten::baddbmm": _of_product,
    "aten::_scaled_dot_product_flash_attention_for_cpu": _of_attention,
    "aten::_scaled_dot_product_flash_attention": _of_attention,
    "aten::_scaled_dot_product_efficient_attention": _of_attention,
    "aten::_scaled_dot_product_cudnn_attention": _of_attention,
}
"""By the name of torch's operation."""

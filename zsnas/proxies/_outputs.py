"""What a network returns: which of its outputs are the logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from zsnas.proxies._undefined import Undefined

if TYPE_CHECKING:
    from zsnas.batches import Batch

NAMES = ("logits", "out")
"""What an output that holds the logits is called, in the order in which they are looked for."""


def logits_of(output: object, batch: Batch) -> Tensor:
    """Return the logits: (batch, classes) or, of a dense task, (batch, channels, height, width).

    Of several outputs it is the one that is called ``logits`` or ``out``, in a dictionary, a named tuple or a
    dataclass; otherwise, and if several are called so, the only one of a shape that fits; otherwise the only
    one of these with as many columns as the batch has classes. Whole numbers are no logits.

    Raises
    ------
    Undefined
        When no output fits, or several do.
    """
    tensors = next(filter(None, _named(output)), None) or list(_tensors(output))
    if not tensors:
        raise _no_tensor(output)
    axes = 4 if batch.task.is_dense else 2
    fitting = [tensor for tensor in tensors if tensor.dim() == axes and tensor.is_floating_point()]
    if not fitting:
        wanted = "(batch, channels, height, width)" if batch.task.is_dense else "(batch, classes)"
        shapes = " and ".join(f"{tuple(tensor.shape)}{_kind(tensor)}" for tensor in tensors)
        raise Undefined(f"the network returns shape {shapes}, not {wanted}")
    if len(fitting) > 1:
        fitting = [tensor for tensor in fitting if tensor.shape[1] == batch.num_classes]
    if len(fitting) != 1:
        raise Undefined(
            f"the network returns {len(tensors)} tensors, {len(fitting) or 'none'} of them with "
            f"{batch.num_classes} columns, so that its logits are not known; let it return them alone, or "
            "a dictionary with the key 'logits'"
        )
    return fitting[0]


def check_output(output: object) -> None:
    """Raise Undefined for a network that returns no tensor, for a proxy that needs features and no logits.

    A detector returns the boxes of each image. It resizes the images itself, and its last features are those
    of regions that it chooses, which differ from image to image.
    """
    if first_tensor(output) is None:
        raise _no_tensor(output)


def _no_tensor(output: object) -> Undefined:
    return Undefined(f"the network returns {_described(output)}, not logits")


def first_tensor(output: object) -> Tensor | None:
    """Return a tensor, or the first one of a tuple, list or dict that may be nested; None without any."""
    return next(_tensors(output), None)


def _kind(tensor: Tensor) -> str:
    return "" if tensor.is_floating_point() else f" of {str(tensor.dtype).removeprefix('torch.')}"


def _named(output: object) -> Iterator[list[Tensor]]:
    parts = _fields(output)
    for name in NAMES:
        yield list(_tensors(parts.get(name)))


def _fields(output: object) -> Mapping[Any, Any]:
    """Return by their names the parts of an output that has names for them."""
    if isinstance(output, Mapping):
        return output
    if isinstance(output, tuple) and hasattr(output, "_asdict"):
        named: dict[str, Any] = output._asdict()
        return named
    return (
        {field.name: getattr(output, field.name) for field in fields(output)} if is_dataclass(output) else {}
    )


def _tensors(output: object) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    else:
        for branch in output if isinstance(output, tuple | list) else _fields(output).values():
            if not (isinstance(output, list) and isinstance(branch, Mapping)):  # a detector's, for each image
                yield from _tensors(branch)


def _described(output: object) -> str:
    if isinstance(output, tuple | list) and len(output):
        return f"a {type(output).__name__} of {type(output[0]).__name__}"
    return "nothing" if output is None else f"a {type(output).__name__}"

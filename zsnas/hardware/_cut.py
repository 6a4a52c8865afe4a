"""Cutting a network into its kernels: what runs is recorded, and what always comes together is one kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from zsnas._watching import Operators
from zsnas.hardware._kernel import ACTIVATIONS, Kernel, half, sides

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn
    from torch._ops import OpOverload

    from zsnas.hardware._kernel import Sides

Description: TypeAlias = "Callable[[dict[str, Any], Tensor], Kernel]"
"""Says which kernel an operation is by itself, from its arguments by name and its result."""

FUSIONS = (
    ("relu", "conv", "bn"),
    ("relu", "depthwise", "bn"),
    ("conv", "bn"),
    ("depthwise", "bn"),
    ("bn", "relu"),
)
"""Operations that make one kernel, the first rule that fits; any other operation is a kernel by itself."""


def cut(network: nn.Module, shape: tuple[int, ...]) -> list[Kernel]:
    """Cut a network into its kernels, in the order of computation.

    The network runs once, on an image of zeros, and torch says which operations run, so it does not matter
    how the network writes them. Their multiply-accumulates add up to what
    :class:`zsnas.macs.MacCounter` counts; a network for which they would not is refused.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; may be on the device "meta", without any numbers.
    shape : tuple of int
        Of an image, without the batch.

    Raises
    ------
    ValueError
        When the network is in training mode, or has an operation that no kernel describes: a convolution that
        is transposed or not of one image, a product of two feature maps (attention), and any operation that
        is not known.
    """
    if network.training:
        raise ValueError("the network is in training mode, in which it takes another time; call eval() first")
    own = chain(network.parameters(), network.buffers())
    like = next((tensor for tensor in own if tensor.is_floating_point()), torch.empty(0))
    image = torch.zeros(1, *shape, device=like.device, dtype=like.dtype)
    recorder = _Recorder(image)
    with torch.inference_mode(mode=False), torch.no_grad(), recorder:
        output = network(image)
    return recorder.kernels(output)


@dataclass(eq=False)
class _Step:
    """An operation that ran: its kernel, the step whose result it took first, and those that use its own."""

    kernel: Kernel
    before: _Step | None
    users: list[_Step | None] = field(default_factory=list)


class _Recorder(Operators):  # type: ignore[no-untyped-call]  # torch's class is untyped
    """Records in its body the operations that take time, and who uses what they make."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self._steps: list[_Step] = []
        self._made: dict[int, tuple[Tensor, _Step | None]] = {}
        self._remember(image, None)

    def answer(
        self, operation: OpOverload, _types: tuple[type, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        name = operation._schema.name.removeprefix("aten::").rstrip("_")  # noqa: SLF001 - there is no other way
        given = _arguments(operation, args, kwargs or {})
        tensors = _tensors(list(given.values()))
        if operation.is_view or name in _FREE:
            result = operation(*args, **kwargs)
            if self._is_made(tensors[:1]):
                self._remember(result, self._maker(tensors))
            return result
        if name not in _KERNELS or (name in _PRODUCTS and self._is_made([given["mat2"]])):
            raise _refusal(f"{name} of {' and '.join(map(_shape, tensors))}")
        result = operation(*args, **kwargs)
        step = _Step(_KERNELS[name](given, _tensors(result)[0]), self._maker(tensors))
        self._use(tensors, step)
        self._remember(result, step)
        self._steps.append(step)
        return result

    def kernels(self, output: object) -> list[Kernel]:
        """Return the kernels of a network that has run and returned this."""
        self._use(_tensors(output), None)
        found, done = [], set[_Step]()
        for step in self._steps:
            if step not in done:
                members = _fused(step)
                done.update(members)
                found.append(_joined([member.kernel for member in members]))
        return found

    def _remember(self, result: object, step: _Step | None) -> None:
        """Say which step made these tensors; they are kept, so that no other gets their identity."""
        self._made |= {id(tensor): (tensor, step) for tensor in _tensors(result)}

    def _use(self, tensors: Sequence[Tensor], user: _Step | None) -> None:
        for tensor in tensors:
            if maker := self._maker([tensor]):
                maker.users.append(user)

    def _maker(self, tensors: Sequence[Tensor]) -> _Step | None:
        """Return the step that made the first tensor; None for weights and the image."""
        return self._made[id(tensors[0])][1] if self._is_made(tensors[:1]) else None

    def _is_made(self, tensors: Sequence[Tensor]) -> bool:
        """Tell what comes from the image, and the image itself, from weights."""
        return any(id(tensor) in self._made for tensor in tensors)


def _fused(step: _Step) -> list[_Step]:
    """Return the steps of the kernel that begins here."""
    for rule in FUSIONS:
        members = [step]
        while len(members) < len(rule) and len(members[-1].users) == 1:
            (user,) = members[-1].users
            if user is None or user.before is not members[-1]:
                break
            members.append(user)
        if tuple(member.kernel.kind for member in members) == rule:
            return members
    return [step]


def _joined(members: Sequence[Kernel]) -> Kernel:
    """Return the kernel of several, all of which but a convolution leave channels and size as they are."""
    main = next((kernel for kernel in members if kernel.kind in {"conv", "depthwise"}), members[0])
    return main._replace(kind="-".join(kernel.kind for kernel in members))


def _arguments(operation: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments of an operation by name, in torch's order."""
    expected = operation._schema.arguments  # noqa: SLF001 - there is no other way
    return {
        argument.name: args[k] if k < len(args) else kwargs.get(argument.name, argument.default_value)
        for k, argument in enumerate(expected)
    }


def _tensors(value: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "1"


def _refusal(what: str) -> ValueError:
    return ValueError(
        f"the operation {what} is in no kernel; known are {', '.join(_KERNELS)}; "
        "zsnas.hardware.measure times a network as a whole"
    )


def _image(tensor: Tensor, what: str) -> tuple[int, Sides]:
    """Return channels and size of the feature map of an image."""
    if tensor.dim() != 4 or tensor.shape[0] != 1:
        raise _refusal(f"{what} of {_shape(tensor)}, which is not one image,")
    _, channels, height, width = tensor.shape
    return channels, sides(height, width)


def _map(tensor: Tensor) -> tuple[int, Sides]:
    """Return channels and size of a feature map; where it is not of one image, the last axis is channels."""
    if tensor.dim() == 4 and tensor.shape[0] == 1:
        return _image(tensor, "")
    channels = tensor.shape[-1] if tensor.dim() else 1
    return channels, sides(tensor.numel() // max(channels, 1), 1)


def _convolution(given: dict[str, Any], _result: Tensor) -> Kernel:
    if given["transposed"]:
        raise _refusal(f"transposed convolution of {_shape(given['input'])}")
    inputs, size = _image(given["input"], "convolution")
    outputs, _, *window = given["weight"].shape
    groups, padding, dilation = given["groups"], given["padding"], given["dilation"]
    return Kernel(
        "depthwise" if groups == inputs > 1 else "conv",
        inputs,
        outputs,
        size,
        sides(*window),
        sides(*given["stride"]),
        groups=1 if groups == inputs else groups,
        padding=_unless_half(padding, window, dilation),
        dilation=sides(*dilation),
    )


def _pool(kind: str) -> Description:
    def describe(given: dict[str, Any], result: Tensor) -> Kernel:
        channels, size = _image(given["self"], kind)
        window, dilation = given["kernel_size"], given.get("dilation", (1, 1))
        kernel = Kernel(
            kind,
            channels,
            channels,
            size,
            sides(*window),
            sides(*(given["stride"] or window)),
            padding=_unless_half(given["padding"], window, dilation),
            dilation=sides(*dilation),
        )
        if kernel.output_size != tuple(result.shape[2:]):
            raise _refusal(f"{kind} of {_shape(given['self'])} that rounds its size up")
        return kernel

    return describe


def _unless_half(padding: Sequence[int], window: Sequence[int], dilation: Sequence[int]) -> Sides | None:
    return None if tuple(padding) == half(window, dilation) else sides(*padding)


def _linear(vectors: str) -> Description:
    """Describe the product of vectors, an argument of this name, with a matrix of weights."""

    def describe(given: dict[str, Any], result: Tensor) -> Kernel:
        rows, inputs = given[vectors].shape
        return Kernel("linear", inputs, result.shape[1], sides(rows, 1))

    return describe


def _global_pool(given: dict[str, Any], result: Tensor) -> Kernel:
    channels, size = _image(given["self"], "mean")
    if result.numel() != channels or channels not in result.shape[1:2]:
        raise _refusal(f"mean of {_shape(given['self'])} to {_shape(result)}")
    return Kernel("global_pool", channels, channels, size)


def _batch_norm(given: dict[str, Any], result: Tensor) -> Kernel:
    if given["training"]:
        raise _refusal(f"batch norm of {_shape(result)} with statistics of the batch")
    channels, size = _image(result, "batch norm")
    return Kernel("bn", channels, channels, size)


def _layer_norm(given: dict[str, Any], result: Tensor) -> Kernel:
    channels, *others = given["normalized_shape"]
    if others:
        raise _refusal(f"layer norm of {_shape(result)} over several axes")
    return Kernel("layer_norm", channels, channels, sides(result.numel() // channels, 1))


def _of_result(kind: str) -> Description:
    def describe(_given: dict[str, Any], result: Tensor) -> Kernel:
        channels, size = _map(result)
        return Kernel(kind, channels, channels, size)

    return describe


def _pair(of_two_maps: str, of_one: str) -> Description:
    def describe(given: dict[str, Any], result: Tensor) -> Kernel:
        pair = _tensors([given["self"], given["other"]])
        is_of_two_maps = len(pair) == 2 and pair[0].shape == pair[1].shape
        return _of_result(of_two_maps if is_of_two_maps else of_one)(given, result)

    return describe


def _cat(given: dict[str, Any], result: Tensor) -> Kernel:
    outputs, size = _image(result, "cat")
    if given["dim"] % 4 != 1:
        raise _refusal(f"cat to {_shape(result)} along another axis than the channels")
    return Kernel("cat", given["tensors"][0].shape[1], outputs, size)


def _pad(given: dict[str, Any], _result: Tensor) -> Kernel:
    channels, size = _image(given["self"], "pad")
    left, right, *rows = given["pad"]
    above, below, *others = rows or (0, 0)
    if min(given["pad"]) < 0 or others:
        raise _refusal(f"pad of {_shape(given['self'])} by {given['pad']}")
    return Kernel("pad", channels, channels, size, padding=sides(above + below, left + right))


_KERNELS: dict[str, Description] = {
    "convolution": _convolution,
    "mm": _linear("self"),
    "addmm": _linear("mat1"),
    "native_batch_norm": _batch_norm,
    "cudnn_batch_norm": _batch_norm,
    "native_layer_norm": _layer_norm,
    **{name: _of_result(name) for name in ACTIVATIONS},
    "avg_pool2d": _pool("avg_pool"),
    "max_pool2d_with_indices": _pool("max_pool"),
    "mean": _global_pool,
    "_adaptive_avg_pool2d": _global_pool,
    "add": _pair("add", "shift"),
    "mul": _pair("mul", "scale"),
    "cat": _cat,
    "clone": _of_result("copy"),
    "zeros": _of_result("zeros"),
    "zeros_like": _of_result("zeros"),
    "new_zeros": _of_result("zeros"),
    "constant_pad_nd": _pad,
}
"""By the name of torch's operation."""

_PRODUCTS = ("mm", "addmm")

_FREE = ("_unsafe_view", "empty")
"""What moves no data, besides views."""

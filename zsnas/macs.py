"""Counting multiply-accumulates while a network runs.

Torch's own counter, `torch.utils.flop_counter`, gives the same numbers where it counts (a test compares
them). It knows fewer operators, says nothing about the others, and imports a compiler that takes 75 MB in
every process that counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Size, Tensor
from torch.backends import mha

from zsnas._watching import Operators

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from torch._ops import OpOverload

Count = Callable[[tuple[Any, ...], Any], int]
"""From the arguments and the result of an operator to the multiply-accumulates that it took."""


class MacCounter:
    """Counts in its body what convolutions, matrix products, recurrent layers and attention multiply.

    Biases, normalisation, activations, pooling, interpolation, reductions and whatever else works on each
    element by itself are left out, outer products among them. Two complex numbers multiplied are four
    multiply-accumulates; a complex convolution is what torch computes instead, three real ones. Attention is
    counted in full, whatever its mask hides.

    An operator of which nothing is known, such as a Fourier transform, a solver or a library's own, and a
    product of tensors that are not dense are added to ``unknown``: the total then leaves them out. What
    does not go through torch, such as numpy, is not seen.

    It works with and without gradients, in inference mode and on tensors of the device ``meta``. In its body
    the encoder layers of torch take no short cut, so that their parts are seen.
    """

    def __init__(self) -> None:
        self.total: int = 0
        """Multiply-accumulates so far; a "FLOP" of the survey is one of them."""
        self.unknown: set[str] = set()
        """Operators that ran and may multiply, but are not in the total, such as ``aten::_fft_r2c``."""
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._opened.callback(mha.set_fastpath_enabled, mha.get_fastpath_enabled())
        mha.set_fastpath_enabled(False)
        self._opened.enter_context(_Watch(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def add(self, operation: OpOverload, args: tuple[Any, ...], result: object) -> None:
        """Add what an operator has computed from its arguments.

        Parameters
        ----------
        operation
            An operator of torch's dispatcher.
        args
            What it was given, without keywords.
        result
            What it returned.
        """
        name = _name(operation)
        count = _COUNTS.get(name)
        if count is None:
            if not _is_free(operation):
                self.unknown.add(name)
        elif layouts := {_layout(tensor) for tensor in args if isinstance(tensor, Tensor)} - {"dense"}:
            self.unknown.add(f"{name} of {min(layouts)} tensors")
        else:
            is_complex = isinstance(result, Tensor) and result.is_complex()
            self.total += count(args, result) * (4 if is_complex else 1)


class _Watch(Operators):  # type: ignore[no-untyped-call]  # torch's class is untyped
    """Shows a counter every operator that runs."""

    def __init__(self, counter: MacCounter) -> None:
        super().__init__()
        self.counter = counter

    def __repr__(self) -> str:
        return type(self.counter).__name__  # in torch's message about ``cond`` and its like, which stop here

    def answer(
        self, operation: OpOverload, types: tuple[type, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        name = _name(operation)
        if types and _QUERIES.fullmatch(name):
            return NotImplemented  # a tensor of a class of its own answers itself
        if name not in _COUNTS:
            with self:  # what is made of other operators comes whole in inference mode
                result: object = operation.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = operation(*args, **kwargs)
        self.counter.add(operation, args, result)
        return result


def _name(operation: OpOverload) -> str:
    """Return the name without that of the overload; an operator that overwrites is called like the other."""
    name: str = operation.name()  # type: ignore[no-untyped-call]
    return name.partition(".")[0].removesuffix("_")


def _layout(tensor: Tensor) -> str:
    if tensor.is_nested:
        return "nested"
    return "dense" if tensor.layout == torch.strided else str(tensor.layout).removeprefix("torch.")


def _places(shape: Size) -> int:
    """Return how many positions of how many images a shape (batch, channels, …) has."""
    return int(shape[:1].numel() * shape[2:].numel())


def _of_convolution(args: tuple[Any, ...], result: Tensor) -> int:
    images, weight, transposed = args[0], args[1], args[6]
    return _places(images.shape if transposed else result.shape) * int(weight.numel())


def _of_filters(args: tuple[Any, ...], result: Tensor) -> int:
    return _places(result.shape) * int(args[1].numel())


def _of_convolution_in_time(args: tuple[Any, ...], result: Tensor) -> int:
    return int(result.shape[:2].numel() * args[1].numel())  # (time, batch, channels)


def _of_linear(args: tuple[Any, ...], _result: object) -> int:
    return int(args[0].shape[:-1].numel() * args[1].numel())


def _of_product(left: int, *, columns: bool = True) -> Count:
    """Count a product whose left side is the argument number ``left``; without columns it is a vector."""

    def count(args: tuple[Any, ...], result: Tensor) -> int:
        return int(args[left].numel() * (result.shape[-1] if columns else 1))

    return count


def _of_trilinear(args: tuple[Any, ...], _result: object) -> int:
    """Count one for each triple that is multiplied: of a bilinear layer, for each weight and position."""
    shapes = [list(factor.shape) for factor in args[:3]]
    for shape, expanded in zip(shapes, args[3:6], strict=True):
        for axis in sorted(expanded):
            shape.insert(axis, 1)
    return math.prod(map(max, *shapes))


def _of_grid(args: tuple[Any, ...], result: Tensor) -> int:
    return int(result.numel() * args[0].shape[-1])


def _of_attention(args: tuple[Any, ...], _result: object) -> int:
    query, key, value = args[:3]
    return int(query.shape[:-1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1]))


def _of_attention_layer(args: tuple[Any, ...], _result: object) -> int:
    query, key, value, width = args[:4]
    queries, keys, values = (tokens.shape[:-1].numel() for tokens in (query, key, value))
    return int((2 * queries + keys + values) * width**2 + queries * key.shape[1] * 2 * width)


def _of_encoder_layer(args: tuple[Any, ...], _result: object) -> int:
    tokens, width = args[:2]
    weights = sum(args[place].numel() for place in (3, 5, 14, 16))
    return int(tokens.shape[:-1].numel() * (weights + tokens.shape[1] * 2 * width))


def _of_recurrence(args: tuple[Any, ...], weights: Sequence[Tensor]) -> int:
    """Count each matrix among the weights once a step; the others are biases."""
    return int(args[0].shape[:-1].numel() * sum(weight.numel() for weight in weights if weight.dim() == 2))


_COUNTS: dict[str, Count] = {
    "aten::convolution": _of_convolution,
    "aten::_convolution": _of_convolution,
    "aten::convolution_overrideable": _of_convolution,
    "aten::cudnn_convolution": _of_filters,
    "aten::cudnn_convolution_relu": _of_filters,
    "aten::cudnn_convolution_add_relu": _of_filters,
    "aten::mkldnn_convolution": _of_filters,
    "aten::_slow_conv2d_forward": _of_filters,
    "aten::slow_conv3d_forward": _of_filters,
    "aten::slow_conv_dilated2d": _of_filters,
    "aten::slow_conv_dilated3d": _of_filters,
    "aten::_conv_depthwise2d": _of_filters,
    "aten::conv_depthwise3d": _of_filters,
    "aten::conv_tbc": _of_convolution_in_time,
    "torchvision::deform_conv2d": _of_filters,
    "aten::linear": _of_linear,
    "aten::mm": _of_product(0),
    "aten::bmm": _of_product(0),
    "aten::_int_mm": _of_product(0),
    "aten::_scaled_mm": _of_product(0),
    "aten::_scaled_mm_v2": _of_product(0),
    "aten::_weight_int8pack_mm": _of_product(0),
    "aten::addmm": _of_product(1),
    "aten::_addmm_activation": _of_product(1),
    "aten::addbmm": _of_product(1),
    "aten::baddbmm": _of_product(1),
    "aten::mv": _of_product(0, columns=False),
    "aten::addmv": _of_product(1, columns=False),
    "aten::dot": _of_product(0, columns=False),
    "aten::vdot": _of_product(0, columns=False),
    "aten::_trilinear": _of_trilinear,
    "aten::affine_grid_generator": _of_grid,
    "aten::_scaled_dot_product_flash_attention_for_cpu": _of_attention,
    "aten::_scaled_dot_product_flash_attention": _of_attention,
    "aten::_scaled_dot_product_efficient_attention": _of_attention,
    "aten::_scaled_dot_product_cudnn_attention": _of_attention,
    "aten::_scaled_dot_product_fused_attention_overrideable": _of_attention,
    "aten::_scaled_dot_product_attention_math_for_mps": _of_attention,
    "aten::_native_multi_head_attention": _of_attention_layer,
    "aten::_transformer_encoder_layer_fwd": _of_encoder_layer,
    "aten::mkldnn_rnn_layer": lambda args, _result: _of_recurrence(args, args[1:5]),
    "aten::_cudnn_rnn": lambda args, _result: _of_recurrence(args, args[1]),
    "aten::miopen_rnn": lambda args, _result: _of_recurrence(args, args[1]),
    "aten::_lstm_mps": lambda args, _result: _of_recurrence(args, args[2]),
}
"""By the name of torch's operator."""

_FREE = re.compile(
    r"""aten::(
    # elements made, copied, moved or repeated
    .*_like|new_.*|linspace|logspace|fill|zero|set|lift|clone|_lazy_clone|_to_copy|_pin_memory|complex|polar
    |cat|_?stack|_chunk_cat|unsafe_split.*|_unsafe_view|_reshape_copy|_?resize.*|\w+_scatter|constant_pad_nd
    |(reflection|replication)_pad\dd|flip|roll|rot90|repeat|repeat_interleave|channel_shuffle|pixel_(un)?shuffle
    |im2col|col2im|diag_embed|block_diag|tril|triu|_to_(dense|sparse\w*)|_nested_\w+|_pack_padded_sequence
    # picked
    |index.*|_index_put_impl|_unsafe_(masked_)?index.*|gather|scatter.*|take|put|masked_(scatter|select)
    |embedding|embedding_renorm|_embedding_bag.*|nonzero.*|searchsorted|bucketize|isin|_local_scalar_dense
    # compared and put in order
    |sort|topk|kthvalue|median|nanmedian|mode|_?unique.*|_?cum(max|min).*|_aminmax|histc|_?histogram.*|bincount
    |allclose|_?is_.*|_assert.*|_fused_sdp_choice|_linalg_check_errors
    # added up
    |cumsum|cumprod|_?logcumsumexp|trace|dist|segment_reduce
    # pooled and interpolated
    |_?adaptive_(avg|max)_pool\dd|(avg|max)_pool\dd(_with_indices)?|fractional_max_pool\dd|max_unpool\dd
    |_?upsample_.*|_?grid_sampler.*|cudnn_grid_sampler
    # normalised
    |_?(native|cudnn|miopen)_(batch|layer|group)_norm.*|_?batch_norm_.*|_fused_rms_norm|_weight_norm_interface
    |native_norm|renorm
    # element by element, without the tag that says so
    |__\w+|_add_relu|floor_divide|_foreach_(?!mm)\w+|addr|linalg_cross|hardswish|glu|_prelu_kernel
    |log_sigmoid_forward|rrelu_with_noise.*|_thnn_fused_(lstm|gru)_cell|_?(log_)?softmax|_(safe|masked)_softmax
    |\w*_loss\w*|binary_cross_entropy.*
    # drawn
    |native_dropout|_fused_dropout|bernoulli|binomial|poisson|multinomial|normal.*|uniform|random|cauchy
    |exponential|geometric|log_normal|_standard_gamma|_sample_dirichlet
    # rounded to fewer bits
    |_?fake_quantize.*|quantize_per_.*|dequantize|int_repr|q_.*
    )|torchvision::(nms|roi_align|roi_pool|ps_roi_align|ps_roi_pool)|prim::.*""",
    re.VERBOSE,
)
"""Operators that cost nothing by the convention of :class:`MacCounter`, beside those that torch tags so."""

_TAGS = {torch.Tag.pointwise, torch.Tag.reduction, torch.Tag.view_copy}

_QUERIES = re.compile(
    r"aten::(sym_)?(size|stride|numel|storage_offset)|aten::dim|aten::(sym_)?is_contiguous"
    r"|aten::is_strides_like_format|aten::is_non_overlapping_and_dense|prim::(layout|device)"
)
"""What the class of a tensor, such as a nested one, is asked about its shape and memory."""


@cache
def _is_free(operation: OpOverload) -> bool:
    if _FREE.fullmatch(_name(operation)):
        return True
    schema = operation._schema  # noqa: SLF001 (torch has no public name for it)
    if not any("Tensor" in str(argument.type) for argument in schema.arguments if not argument.is_out):
        return True  # it makes a tensor, such as one of zeros
    packet, family = operation.overloadpacket, getattr(torch.ops, operation.namespace)
    packet = getattr(family, packet.__name__.removesuffix("_"), packet)  # some that overwrite have no tags
    variants = [getattr(packet, overload) for overload in packet.overloads()]
    return any(variant.is_view or not _TAGS.isdisjoint(variant.tags) for variant in variants)

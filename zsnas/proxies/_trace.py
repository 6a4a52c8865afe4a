"""What a forward pass went through: layers, activations, batch norms, features before pooling.

The network is instrumented: some of torch's functions are exchanged for others of the same value, which
differentiate faster, twice, or without touching running statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.weak import WeakTensorKeyDictionary

from zsnas._watching import Functions
from zsnas.proxies._instance_norm import InstanceNorm
from zsnas.proxies._norms import BatchNormCall, batch_norm_call
from zsnas.proxies._second_order import AveragePool, BatchNorm, Convolution, Geometry, HardSigmoid, Wanted
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import (
    CONVOLUTIONS,
    LOOKUPS,
    OPERATIONS,
    PRODUCTS,
    TRANSPOSED,
    named_arguments,
    operands,
)

if TYPE_CHECKING:
    from torch.autograd.graph import Node

_RECTIFIERS = {
    F.relu,
    F.relu_,
    torch.relu,
    torch.relu_,
    Tensor.relu,
    Tensor.relu_,
    F.relu6,
    F.leaky_relu,
    F.prelu,
}
_WINDOWS = {F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d}
_RECURRENT = {torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu}
_FLATTENINGS = {torch.flatten, Tensor.flatten, Tensor.view, Tensor.reshape, torch.reshape}
_IN_LINE = {torch.mean, Tensor.mean, torch.sum, Tensor.sum, torch.adaptive_avg_pool1d, torch.avg_pool1d}
"""What may average series over their length."""
_TRANSPOSITIONS = {torch.transpose, Tensor.transpose, torch.permute, Tensor.permute}
_REDUCTIONS = {
    *(torch.einsum, torch.adaptive_avg_pool1d, torch.avg_pool1d),
    *(
        getattr(place, name)
        for place in (torch, Tensor)
        for name in ("mean", "sum", "nanmean", "nansum", "amax", "max", "logsumexp")
    ),
}
_POOLINGS = {*_REDUCTIONS, *_WINDOWS, *_FLATTENINGS, *_TRANSPOSITIONS}


class Output(NamedTuple):
    """What one convolution, linear layer, lookup of tokens or product with a weight made of its input."""

    function: Callable[..., Any]
    """Torch's function that was called."""
    arguments: dict[str, Any]
    """What it was given, by name, see :func:`zsnas.proxies._weights.named_arguments`."""
    input: Tensor
    """Apart from the autograd graph."""
    source: Node | None
    """Of the input in the graph."""
    value: Tensor
    """Part of the graph."""
    version: int = 0
    """How often it had been changed in place when it was returned; torch adds some biases in this way."""

    @property
    def weight(self) -> Tensor:
        """The parameter, or what was computed from it."""
        weight: Tensor = self.arguments["weight"]
        return weight

    @property
    def is_convolution(self) -> bool:
        """Whether its channels stand before its positions in :attr:`value`; otherwise they are the last."""
        return self.function in CONVOLUTIONS or self.function in TRANSPOSED

    @property
    def channel_axis(self) -> int:
        """Axis of the channels in :attr:`value`."""
        unbatched = self.value.dim() < self.weight.dim()
        return int(not unbatched) if self.is_convolution else -1


@dataclass
class Trace:
    """Filled while a network runs inside :func:`tracing`."""

    outputs: list[Output] = field(default_factory=list)
    """Of each operation with a weight, in order of execution; only of passes with gradients."""
    scaled: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """Weight and scale of each convolution that can be differentiated with respect to its scale."""
    wanted: Wanted = field(default_factory=Wanted)
    """Tells those convolutions what a backward pass is for."""
    rectified: list[Tensor] = field(default_factory=list)
    """Output of each ReLU-like activation, positive exactly where its input is; as :attr:`outputs`."""
    versions: list[int] = field(default_factory=list)
    """Of each of the same tensors, how often it had been changed in place when it was returned."""
    relus: WeakTensorKeyDictionary = field(default_factory=WeakTensorKeyDictionary)
    """What a tensor became by ReLU, while it lives: several edges of a cell rectify the same one."""
    variances: list[Tensor] = field(default_factory=list)
    """Unbiased variance (channels,) of the input of each batch norm that uses batch statistics."""
    without_running: list[bool] = field(default_factory=list)
    """For each of the same, whether it has no running statistics, as where weights are standardised by it."""
    sample_variances: list[Tensor] = field(default_factory=list)
    """For each of the same inputs, the mean over its channels of each image's variance (batch,)."""
    pooled: Tensor | None = None
    """Input of the last global pooling: the features that the classifier sees, before they are averaged."""
    classified: Tensor | None = None
    """Input of the last linear layer; only of passes without gradients."""
    partly: WeakTensorKeyDictionary = field(default_factory=WeakTensorKeyDictionary)
    """Feature maps that were flattened, or averaged over one axis, while what they became lives."""
    last_input: Tensor | None = None
    """Input of the last convolution or linear layer; only of passes without gradients."""

    @property
    def overwritten(self) -> bool:
        """Whether the network changed in place what a layer or a ReLU-like activation had returned."""
        returned = [(output.value, output.version) for output in self.outputs]
        returned += zip(self.rectified, self.versions, strict=True)
        return any(tensor._version != version for tensor, version in returned)  # noqa: SLF001 (torch has no public name)


@contextmanager
def tracing(
    weights: list[Tensor],
    *,
    each_by_itself: bool = False,
    sample_variances: bool = False,
    copies: bool = False,
    of_images: bool = True,
) -> Iterator[Trace]:
    """Record what a network does in the body of the ``with`` statement.

    ``weights`` are those of its layers. With ``each_by_itself``, a batch norm that uses batch statistics
    takes each image for a batch of its own. ``sample_variances`` fills what is called so in the trace. With
    ``copies``, the network works on copies of what its layers and ReLUs return, which it may then overwrite.
    Without ``of_images`` what it is given is series or tokens.

    Raises
    ------
    Undefined
        When gradients are wanted and a part of the network runs without them, keeps them, or is transformed.
    """
    trace = Trace()
    with _Recorder(trace, weights, each_by_itself, sample_variances, copies, of_images):
        yield trace


class _Recorder(Functions):
    """Sees every torch function that the network calls, as a module or not."""

    def __init__(
        self,
        trace: Trace,
        weights: list[Tensor],
        each_by_itself: bool,
        sample_variances: bool,
        copies: bool,
        of_images: bool,
    ) -> None:
        super().__init__()
        self.trace = trace
        self.weights = {id(weight) for weight in weights}
        self.each_by_itself = each_by_itself
        self.sample_variances = sample_variances
        self.copies = copies
        self.of_images = of_images
        self.wants_gradients = torch.is_grad_enabled()
        self.hooks = _hooks()

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if function is F.multi_head_attention_forward:
            with self:  # it is made of functions to be seen
                return _opened(function)(*args, **kwargs)
        if function in OPERATIONS or function in LOOKUPS:
            return self._operation(function, *args, **kwargs)
        batch_norm = batch_norm_call(function, args, kwargs)
        if batch_norm is not None and batch_norm.training:
            return self._batch_norm(batch_norm)
        if function in _RECURRENT:
            self._check_gradients()
        if torch.is_grad_enabled() and _is_rectifier(function, kwargs):
            return self._rectify(function, args, kwargs)
        return self._call(function, args, kwargs)

    def _rectify(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """Call a ReLU-like activation and record what it returns."""
        out = self._relu(*args) if func is F.relu and not kwargs.get("inplace") else func(*args, **kwargs)
        self.trace.rectified.append(out.detach())
        self.trace.versions.append(out._version)  # noqa: SLF001 (torch has no public name)
        return out.clone() if self.copies else out

    def _call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        """Call a function; record pooling."""
        out = self._exchanged(func)(*args, **kwargs)
        if func in _IN_LINE and not self.of_images:
            self._note_average(args[0] if args else kwargs["input"], out)
        elif func in _POOLINGS:
            result = out[0] if isinstance(out, tuple) else out  # of a maximum, beside its place
            self._note_pooling(func, next(operands([*args, *kwargs.values()])), result)
        return out

    def _exchanged(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return what takes the place of a function where gradients are wanted."""
        if not torch.is_grad_enabled():
            return func
        if func is F.scaled_dot_product_attention:
            return func if self.of_images else _attention
        return partial(_recurrent, func) if func in _RECURRENT else _DIFFERENTIABLE.get(func, func)

    def _operation(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        """Call a function that may convolve with or multiply by a weight, and record it if it does."""
        if func in LOOKUPS:
            return self._lookup(func, args, kwargs)
        given = named_arguments(func, args, kwargs)
        x, weight = given["input"], given["weight"]
        if func in PRODUCTS and not self._is_weight(weight):
            return func(*args, **kwargs)
        self._check_gradients()
        scalable = torch.is_grad_enabled() and func is torch.conv2d and _is_scalable(args)
        out: Tensor = self._convolution(*args) if scalable else func(*args, **kwargs)
        if not self.wants_gradients:  # a pass without them needs no activations, which are most of its memory
            self.trace.last_input = x
            self.trace.classified = x if func is F.linear else self.trace.classified
            return out
        version = out._version  # noqa: SLF001 (torch has no public name)
        self.trace.outputs.append(Output(func, given, x.detach(), x.grad_fn, out, version))
        return out.clone() if self.copies else out

    def _lookup(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """Look up rows of a table, and record them if it is one of tokens."""
        given = named_arguments(func, args, kwargs)
        out: Tensor = self._exchanged(func)(*args, **kwargs)
        if not self.wants_gradients or id(given["weight"]) not in self.weights:
            return out
        self._check_gradients()
        version = out._version  # noqa: SLF001 (torch has no public name)
        self.trace.outputs.append(Output(func, given, given["input"].detach(), None, out, version))
        return out.clone() if self.copies else out

    def _is_weight(self, operand: Tensor) -> bool:
        ids = {id(operand), id(operand._base)}  # noqa: SLF001 (torch has no public name)
        return operand.dim() == 2 and bool(ids & self.weights)

    def _check_gradients(self) -> None:
        """Raise Undefined if the gradients of this pass will not be those of the network."""
        if not self.wants_gradients:
            return
        if not torch.is_grad_enabled():
            raise Undefined(
                "a part of the network runs without gradients, as under torch.no_grad() or in an "
                "autograd.Function of its own; switch that off"
            )
        if _hooks() != self.hooks:
            raise Undefined(
                "a part of the network intercepts what its backward pass needs, as activation checkpointing "
                "that is not torch's may; switch that off"
            )
        if torch._C._functorch.maybe_current_level() is not None:  # noqa: SLF001 (torch has no public name)
            raise Undefined(
                "a part of the network runs in a transform of torch.func, such as vmap, inside which its "
                "layers are not seen; let it run on the batch"
            )

    def _note_pooling(self, func: Callable[..., Any], x: Tensor, out: Tensor) -> None:
        """Keep the feature maps that a function reduces to a value a channel, in one step or in several."""
        before: Tensor = self.trace.partly.get(x, x)  # type: ignore[no-untyped-call]  # torch's class is untyped
        images, channels = before.shape[:2] if before.dim() == 4 else (0, 0)
        if func in _TRANSPOSITIONS:
            if images and x is not before and out.shape[::2] == (images, channels):  # flattened to tokens
                self.trace.partly[out] = before
        elif not images or out.shape[:1] != (images,) or channels not in out.shape[1:]:
            return
        elif func not in _FLATTENINGS and out.numel() == images * channels:
            self.trace.pooled = before
        elif func in _FLATTENINGS or (func in _REDUCTIONS and out.numel() < x.numel()):
            self.trace.partly[out] = before

    def _note_average(self, x: Tensor, out: Tensor) -> None:
        """Keep series (batch, length, features) or (batch, channels, length) that are averaged over time."""
        if x.dim() != 3:
            return
        batch, first, last = x.shape
        if out.shape in ((batch, first), (batch, last), (batch, first, 1), (batch, 1, last)):
            self.trace.pooled = x

    def _relu(self, x: Tensor) -> Tensor:
        """Rectify once what has not changed since, for all who ask: one result in memory, one derivative."""
        version = x._version  # noqa: SLF001 (torch has no public name)
        if x not in self.trace.relus or self.trace.relus[x][0] != version:
            self.trace.relus[x] = version, F.relu(x)
        out: Tensor = self.trace.relus[x][1]
        return out

    def _convolution(self, x: Tensor, weight: Tensor, bias: Tensor | None, *geometry: Any) -> Tensor:  # noqa: ANN401
        scale = torch.ones((), dtype=weight.dtype, device=weight.device, requires_grad=True)
        self.trace.scaled.append((weight, scale))
        out: Tensor = Convolution.apply(x, weight, scale, Geometry(*geometry), self.trace.wanted)
        return out if bias is None else out + bias.view(-1, 1, 1)

    def _batch_norm(self, call: BatchNormCall) -> Tensor:
        """Normalise by the statistics of the batch, without updating the running ones."""
        x, weight, bias, eps = call.input, call.weight, call.bias, call.eps
        n = check_statistics(x, of_each=self.each_by_itself)
        if self.each_by_itself:
            by_itself: Tensor = InstanceNorm.apply(x, weight, bias, eps)
            return by_itself
        if torch.is_grad_enabled():
            normalised: Tensor = BatchNorm.apply(x, weight, bias, eps)
            return normalised
        out, mean, inverse_std = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        self.trace.variances.append(_variance(inverse_std, eps) * (n / (n - 1)))
        self.trace.without_running.append(call.running_mean is None)
        if self.sample_variances:
            self.trace.sample_variances.append(_sample_variances(x, mean))
        return out


def check_statistics(x: Tensor, *, of_each: bool = False) -> int:
    """Return how many values (batch, channels, …) has per channel, or say that one has no variance."""
    n = x.numel() // x.shape[1] // (len(x) if of_each else 1)
    if n < 2:
        raise Undefined("batch norm has a single value per channel; this needs more images or larger ones")
    return n


def _variance(inverse_std: Tensor, eps: float) -> Tensor:
    """Return the biased variance (channels,); 0 where it is lost in the rounding of epsilon."""
    variance = inverse_std**-2 - eps
    return variance.where(~(variance <= 8 * eps * torch.finfo(variance.dtype).eps), 0)


def _sample_variances(x: Tensor, mean: Tensor) -> Tensor:
    """Return the mean over channels of each image's variance over its positions, (batch,)."""
    axes = list(range(2, x.dim()))
    centred = x - mean.view(1, -1, *[1] * len(axes))
    variances = centred.square().mean(axes) - centred.mean(axes).square() if axes else torch.zeros_like(x)
    return variances.mean(1)


def _instance_norm(  # noqa: PLR0913, PLR0917 (the arguments of torch's own)
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each image; torch's gradient is wrong for one image with channels last."""
    if not use_input_stats:
        return F.instance_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    axes = tuple(range(2, x.dim()))
    centred = x - x.mean(axes, keepdim=True)
    out = centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()
    shape = (1, -1, *[1] * len(axes))
    out = out if weight is None else out * weight.view(shape)
    return out if bias is None else out + bias.view(shape)


def _hard_sigmoid(x: Tensor, inplace: bool = False) -> Tensor:
    del inplace
    out: Tensor = HardSigmoid.apply(x)
    return out


def _average(x: Tensor, *settings: Any, **named: Any) -> Tensor:  # noqa: ANN401
    if x.dim() != 4 or named or len(settings) != 6:
        return F.avg_pool2d(x, *settings, **named)
    out: Tensor = AveragePool.apply(x, *settings)
    return out


def _attention(*args: Any, **kwargs: Any) -> Tensor:  # noqa: ANN401
    """Attend in products of matrices, which are differentiable twice.

    Images keep torch's choice, with which their published scores were computed.
    """
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(*args, **kwargs)


def _rows(tokens: Tensor, weight: Tensor, *settings: Any, **named: Any) -> Tensor:  # noqa: ANN401
    """Look up rows with a gradient that is dense, whatever the last setting is."""
    return F.embedding(tokens, weight, *settings[:4], **(named | {"sparse": False}))


def _bag(tokens: Tensor, weight: Tensor, *settings: Any, **named: Any) -> Tensor:  # noqa: ANN401
    """Look up each token and put them together, of which torch's own has no second derivative."""
    given = dict(zip(_BAG, settings, strict=False)) | named
    how = given.get("mode", "mean")
    plain = not any(given.get(name) is not None for name in ("offsets", "per_sample_weights", "padding_idx"))
    if not plain or tokens.dim() != 2 or how not in ("mean", "sum") or given.get("max_norm") is not None:
        return F.embedding_bag(tokens, weight, **(given | {"sparse": False}))
    rows = F.embedding(tokens, weight)
    return rows.mean(1) if how == "mean" else rows.sum(1)


_BAG = (
    *("offsets", "max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse"),
    *("per_sample_weights", "include_last_offset", "padding_idx"),
)
"""What torch's function takes after tokens and table."""

_DIFFERENTIABLE: dict[Callable[..., Any], Callable[..., Any]] = {
    F.instance_norm: _instance_norm,
    F.hardsigmoid: _hard_sigmoid,
    F.avg_pool2d: _average,
    F.embedding: _rows,
    F.embedding_bag: _bag,
}
"""In place of torch's own, which are not differentiable twice, or not rightly."""


def _recurrent(layer: Callable[..., Any], x: Tensor, *args: Any) -> object:  # noqa: ANN401
    """Run a recurrent layer in torch's own operators: cuDNN's have no gradient in evaluation mode."""
    if not x.is_cuda:
        return layer(x, *args)
    with torch.backends.cudnn.flags(enabled=False):
        return layer(x, *args)


def _hooks() -> object:
    """Return what intercepts the tensors saved for a backward pass."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True)  # noqa: SLF001 (torch has no public name)


@cache
def _opened(function: FunctionType) -> FunctionType:
    """Return a function of torch that no longer hands itself over as a whole to those who watch."""
    everything = {**function.__globals__, "has_torch_function": lambda _arguments: False}
    opened = FunctionType(function.__code__, everything, function.__name__, function.__defaults__)
    opened.__kwdefaults__ = function.__kwdefaults__
    return opened


def _is_scalable(args: tuple[Any, ...]) -> bool:
    """Tell whether this convolves a batch of images by a parameter, called as a module calls it."""
    if len(args) != 7 or isinstance(args[4], str):
        return False
    x, weight = args[:2]
    mixed = torch.is_autocast_enabled(x.device.type)  # which torch's own function follows
    return bool(x.dim() == 4 and weight.is_leaf and weight.requires_grad and not mixed)


def _is_rectifier(func: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
    return func in _RECTIFIERS or (func is F.hardtanh and kwargs.get("min_val") == 0)

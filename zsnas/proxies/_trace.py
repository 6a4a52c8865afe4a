"""What a forward pass went through: layers, activations, batch norms, features before pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from zsnas.proxies._instance_norm import InstanceNorm
from zsnas.proxies._second_order import AveragePool, BatchNorm, Convolution, Geometry, HardSigmoid, Wanted
from zsnas.proxies._undefined import Undefined

LAYERS = (_ConvNd, nn.Linear)

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
_MEANS = {torch.mean, Tensor.mean}


class Output(NamedTuple):
    """What one convolution or linear layer made of its input."""

    layer: nn.Module
    input: Tensor
    value: Tensor
    """Part of the autograd graph."""
    version: int = 0
    """How often it had been changed in place when it was returned; torch adds some biases in this way."""

    @property
    def channel_axis(self) -> int:
        """Axis of the channels in :attr:`value`."""
        return -1 if isinstance(self.layer, nn.Linear) else 1


@dataclass
class Trace:
    """Filled while a network runs inside :func:`tracing`."""

    outputs: list[Output] = field(default_factory=list)
    """Of each convolution and linear layer, in order of execution; only of passes with gradients."""
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
    sample_variances: list[Tensor] = field(default_factory=list)
    """For each of the same inputs, the mean over its channels of each image's variance (batch,)."""
    pooled: Tensor | None = None
    """Input of the last global pooling: the features that the classifier sees, before they are averaged."""
    classified: Tensor | None = None
    """Input of the last linear layer."""
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
    model: nn.Module, *, each_by_itself: bool = False, sample_variances: bool = False, copies: bool = False
) -> Iterator[Trace]:
    """Record what the network does in the body of the ``with`` statement; its hooks are gone afterwards.

    With ``each_by_itself``, a batch norm that uses batch statistics takes each image for a batch of its own.
    ``sample_variances`` fills what is called so in the trace. With ``copies``, the network works on copies of
    what its layers and ReLUs return, which it may then overwrite.
    """
    trace = Trace()
    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, LAYERS):
                stack.callback(module.register_forward_hook(partial(_keep_output, trace, copies)).remove)
        stack.enter_context(_Recorder(trace, each_by_itself, sample_variances, copies))
        yield trace


def _keep_output(
    trace: Trace, copies: bool, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor
) -> Tensor:
    if torch.is_grad_enabled():  # a pass without gradients needs no activations, which are most of its memory
        trace.outputs.append(Output(layer, inputs[0].detach(), output, output._version))  # noqa: SLF001 (torch has no public name)
    else:
        trace.last_input = inputs[0]
    return output.clone() if copies else output


class _Recorder(TorchFunctionMode):
    """Sees every torch function that the network calls, as a module or not."""

    def __init__(self, trace: Trace, each_by_itself: bool, sample_variances: bool, copies: bool) -> None:
        super().__init__()
        self.trace = trace
        self.each_by_itself = each_by_itself
        self.sample_variances = sample_variances
        self.copies = copies

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if func is F.batch_norm and (kwargs.get("training") or args[5:6] == (True,)):
            return self._batch_norm(*args, **kwargs)
        if func is torch.conv2d and _is_scalable(*args, **kwargs):
            return self._convolution(*args)
        if func is F.avg_pool2d and len(args) == 7 and args[0].dim() == 4 and torch.is_grad_enabled():
            return AveragePool.apply(*args)
        if func is F.hardsigmoid and torch.is_grad_enabled():
            return HardSigmoid.apply(args[0])
        if func is F.linear:
            self.trace.classified = args[0]
        elif _is_global_pooling(func, args, kwargs):
            self.trace.pooled = args[0]
        if not (torch.is_grad_enabled() and _is_rectifier(func, kwargs)):
            return func(*args, **kwargs)
        out = self._relu(*args) if func is F.relu and not kwargs.get("inplace") else func(*args, **kwargs)
        self.trace.rectified.append(out.detach())
        self.trace.versions.append(out._version)  # noqa: SLF001 (torch has no public name)
        return out.clone() if self.copies else out

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

    def _batch_norm(
        self,
        x: Tensor,
        _running_mean: Tensor | None,
        _running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """Normalise by the statistics of the batch, without updating the running ones."""
        del training, momentum
        n = check_statistics(x, of_each=self.each_by_itself)
        if self.each_by_itself:
            by_itself: Tensor = InstanceNorm.apply(x, weight, bias, eps)
            return by_itself
        if torch.is_grad_enabled():
            normalised: Tensor = BatchNorm.apply(x, weight, bias, eps)
            return normalised
        out, mean, inverse_std = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        self.trace.variances.append((inverse_std**-2 - eps) * (n / (n - 1)))
        if self.sample_variances:
            self.trace.sample_variances.append(_sample_variances(x, mean))
        return out


def check_statistics(x: Tensor, *, of_each: bool = False) -> int:
    """Return how many values (batch, channels, …) has per channel, or say that one has no variance."""
    n = x.numel() // x.shape[1] // (len(x) if of_each else 1)
    if n < 2:
        raise Undefined("batch norm has a single value per channel; this needs more images or larger ones")
    return n


def _sample_variances(x: Tensor, mean: Tensor) -> Tensor:
    """Return the mean over channels of each image's variance over its positions, (batch,)."""
    axes = list(range(2, x.dim()))
    centred = x - mean.view(1, -1, *[1] * len(axes))
    variances = centred.square().mean(axes) - centred.mean(axes).square() if axes else torch.zeros_like(x)
    return variances.mean(1)


def _is_scalable(x: Tensor, weight: Tensor, *rest: object, **kwargs: object) -> bool:
    """Tell whether this convolves a batch of images by a parameter, called as a module calls it."""
    as_module = len(rest) == 5 and not kwargs and not isinstance(rest[2], str)
    return as_module and x.dim() == 4 and weight.is_leaf and weight.requires_grad and torch.is_grad_enabled()


def _is_rectifier(func: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
    return func in _RECTIFIERS or (func is F.hardtanh and kwargs.get("min_val") == 0)


def _is_global_pooling(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if func is F.adaptive_avg_pool2d:
        size = args[1] if len(args) > 1 else kwargs["output_size"]
        return size == 1 or (isinstance(size, tuple | list) and set(size) == {1})
    if func in _MEANS and isinstance(args[0], Tensor) and args[0].dim() == 4:
        axes = args[1] if len(args) > 1 else kwargs.get("dim")
        return isinstance(axes, tuple | list) and {axis % 4 for axis in axes} == {2, 3}
    return False

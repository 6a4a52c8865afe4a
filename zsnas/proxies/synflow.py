"""SynFlow: how much signal a network of positive weights carries from input to output."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zsnas._watching import Functions
from zsnas.proxies._graph import uses
from zsnas.proxies._norms import BatchNormCall, marks, taken_out
from zsnas.proxies._outputs import logits_of
from zsnas.proxies._passes import Passes, gradient_of, shared_pass, with_values
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._trace import tracing
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import LOOKUPS, named_arguments


class SynapticFlow(NamedTuple):
    """The flow of an image of ones through the network of absolute parameters, float64."""

    weights: list[Tensor]
    """Absolute convolution and linear weights."""
    gradients: list[Tensor]
    """Derivatives of the summed output with respect to them."""


@register(
    label="SynFlow",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-synflow",
    reference="tanaka2020",
)
def synflow(passes: Passes) -> float:
    r"""Add up weight times gradient in the network of absolute weights.

    :math:`\sum_i \lVert |\theta_i| \odot \nabla_{|\theta_i|} R \rVert_1` over convolution and linear layers
    :math:`i`, where :math:`R` is the sum of the outputs for one image of ones.

    No data and no labels. All parameters, biases too, take their absolute value, and batch norm is taken out:
    it returns what it is given, whatever its scale, shift and running statistics are. So does a frozen batch
    norm, and a call of torch's function for it. Other normalisation stays; where it subtracts a mean, as
    layer norm does, gradients are negative too, and the products count by their absolute value. Tokens are
    those of the first sequence, and ones take the place of the rows that are looked up for them, as in
    Javaheripi et al. 2022. Computed in float64.

    This is the code of Abdelfattah et al. 2021 and of NASLib, which takes the logarithm afterwards. Tanaka et
    al. 2020 keep batch norm in evaluation mode: in a fresh network whose scales are 1 that is the same but
    for a factor of :math:`1 + 5 \cdot 10^{-6}` for each batch norm. A scale that starts at 0, as timm's last
    one of a residual branch, would switch the branch off. The survey's own code leaves batch norm in training
    mode: see ``synflow_batch_norm``.

    Returns
    -------
    float
        In units of the output; never negative; higher is better; undefined without convolution or linear
        layers or when the flow overflows float64.

    References
    ----------
    Tanaka et al. 2020, SynFlow; Abdelfattah et al. 2021; the survey's Eq. 3 is the same sum with the training
    loss in place of R.
    """
    return _total(free_flow(passes))


def _total(flow: SynapticFlow) -> float:
    total: float = sum((w * g).abs().sum().item() for w, g in zip(flow.weights, flow.gradients, strict=True))
    if not math.isfinite(total):
        raise Undefined("the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)")
    return total


@register_variant("synflow", label="log SynFlow", equation="eq-synflow-log")
def synflow_log(passes: Passes) -> float:
    r"""Take the natural logarithm of :func:`synflow`, as NASLib does.

    :math:`\log \sum_i \lVert |\theta_i| \odot \nabla_{|\theta_i|} R \rVert_1`, which ranks networks alike.

    SynFlow grows exponentially with depth: single precision, with :math:`3 \cdot 10^{38}`, is too small for
    EfficientNet-B0. The flow is computed in float64, so that its logarithm is finite up to
    :math:`\log(1.8 \cdot 10^{308}) = 709.8`. Undefined beyond, as SynFlow is, and where no
    signal reaches the output, whose flow is 0.
    """
    total = _total(free_flow(passes))
    if not total:
        raise Undefined("no signal flows through a weight to the output: the logarithm of 0 is not finite")
    return math.log(total)


@register_variant("synflow", label="SynFlow with batch norm", equation="eq-synflow")
def synflow_batch_norm(passes: Passes) -> float:
    """Let batch norm normalise the flow by the statistics of the image of ones; otherwise as :func:`synflow`.

    Its scales and shifts take their absolute value with the other parameters. The variant that Abdelfattah et
    al. 2021 call synflow_bn; the code of the survey computes it under the name of SynFlow.
    """
    return _total(normalised_flow(passes))


@register_variant("synflow", label="Synflow as printed", equation="eq-synflow-printed")
def synflow_printed(passes: Passes) -> float:
    r"""Add up weight times gradient of the training loss.

    :math:`\sum_i \langle \theta_i, \nabla_{\theta_i} L \rangle`, the survey's Eq. 3: the weights as they are,
    real images and the mean cross-entropy, where :func:`synflow` has absolute weights, ones and the summed
    output. Abdelfattah et al. 2021 call this sum ``plain``.

    Like :func:`snip_printed` it is nearly zero for every layer that a batch norm follows.
    """
    pairs = zip(passes.weights, passes.gradients.weights, strict=True)
    return sum((weight * gradient).sum().item() for weight, gradient in pairs)


register_variant(
    "synflow", name="plain", label="Plain product of weight and gradient", equation="eq-synflow-printed"
)(synflow_printed)


@shared_pass
def free_flow(passes: Passes) -> SynapticFlow:
    """Let an image of ones flow through the network without batch norm."""
    ones = _ones(passes)

    def is_norm(call: BatchNormCall) -> bool:  # and not how weights are standardised
        return call.running_mean is not None or not _is_of_weights(call.input, ones)

    return _flow(passes, ones, taken_out(passes.model, is_norm), marks(passes.model))


def _is_of_weights(x: Tensor, image: Tensor) -> bool:
    leaves = {id(x)} if x.is_leaf and x.requires_grad else {use.weight for use in uses([x])}
    return bool(leaves) and id(image) not in leaves


@shared_pass
def normalised_flow(passes: Passes) -> SynapticFlow:
    """Let batch norm use the statistics of the image of ones."""
    return _flow(passes, _ones(passes), passes.batch_statistics(), {})


def _ones(passes: Passes) -> Tensor:
    """Return an image of ones; tokens stay, and :class:`_RowsOfOnes` are looked up for them."""
    if passes.batch.kind == "tokens":
        return passes.images[:1]
    return torch.ones_like(double(passes.images[:1])).requires_grad_()


class _RowsOfOnes(Functions):
    """Looks up ones in the tables of tokens, whatever stands there."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        self.weights = {id(weight) for weight in weights}

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        result = function(*args, **kwargs)
        if function in LOOKUPS and id(named_arguments(function, args, kwargs)["weight"]) in self.weights:
            return torch.ones_like(result)
        return result


class _InDouble(Functions):
    """Lets a network that computes a part of itself in single precision do so in double."""

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if function is Tensor.float:
            return args[0].double()
        args = tuple(map(_double, args))
        return function(*args, **{name: _double(value) for name, value in kwargs.items()})


def _double(argument: object) -> object:
    return torch.float64 if argument is torch.float32 else argument


def _flow(
    passes: Passes, ones: Tensor, batch_norm: AbstractContextManager[None], others: dict[int, Tensor]
) -> SynapticFlow:
    """Let ones flow through the network of absolute parameters, with ``others`` in place of some."""
    passes.check_weights()
    # A network may change its buffers as it runs; double precision would leave those of float64 its own.
    values = {id(buffer): double(buffer).clone() for buffer in passes.model.buffers()}
    values |= {id(p): double(p).abs().detach() for p in passes.model.parameters()}
    values |= {key: double(value) for key, value in others.items()}
    weights = [values[id(weight)].requires_grad_() for weight in passes.weights]
    with tracing(weights, copies=True), batch_norm, _RowsOfOnes(weights), _InDouble():
        output = logits_of(with_values(passes.model, values, ones.clone()), passes.batch)
    if passes.batch.kind != "tokens":  # whose rows are cut off: ones take their place
        passes.check_connected(output, weights, passes.weights)
    return SynapticFlow(weights, gradient_of([output.sum()], weights))

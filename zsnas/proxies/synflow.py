"""SynFlow: how much signal a network of positive weights carries from input to output."""

from __future__ import annotations

import math

import torch

from zsnas.proxies._passes import Passes, SynapticFlow
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined


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

    :math:`\sum_i \langle |\theta_i|, \nabla_{|\theta_i|} R \rangle` over convolution and linear layers
    :math:`i`, where :math:`R` is the sum of the outputs for one image of ones.

    No data and no labels. All parameters take their absolute value; batch norm uses its running statistics,
    which at initialisation leave the signal as it is. Computed in float64.

    Returns
    -------
    float
        In units of the output; never negative; higher is better; undefined without convolution or linear
        layers or when the flow overflows float64.

    References
    ----------
    Tanaka et al. 2020, SynFlow; the survey's Eq. 3 is the same sum with the training loss in place of R.
    """
    return _total(passes.synaptic_flow)


def _total(flow: SynapticFlow) -> float:
    total: float = sum(torch.sum(w * g).item() for w, g in zip(flow.weights, flow.gradients, strict=True))
    if not math.isfinite(total):
        raise Undefined("the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)")
    return total


@register_variant("synflow", label="log SynFlow", equation="eq-synflow-log")
def synflow_log(passes: Passes) -> float:
    r"""Take the natural logarithm of :func:`synflow`.

    :math:`\log \sum_i \langle |\theta_i|, \nabla_{|\theta_i|} R \rangle`, which ranks networks alike.

    SynFlow grows exponentially with depth: single precision, with :math:`3 \cdot 10^{38}`, is too small for
    EfficientNet-B0. The flow is computed in float64, so that its logarithm is finite up to
    :math:`\log(1.8 \cdot 10^{308}) = 709.8`. Undefined beyond, as SynFlow is, and where no
    signal reaches the output, whose flow is 0.
    """
    total = _total(passes.synaptic_flow)
    if not total:
        raise Undefined("no signal flows through a weight to the output: the logarithm of 0 is not finite")
    return math.log(total)


@register_variant("synflow", label="SynFlow with batch norm", equation="eq-synflow")
def synflow_batch_norm(passes: Passes) -> float:
    """Let batch norm normalise the flow by the statistics of the image of ones; otherwise as :func:`synflow`.

    This is the variant that Abdelfattah et al. 2021 call synflow_bn.
    """
    return _total(passes.normalised_flow)


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


register_variant("synflow", name="plain", label="Plain", equation="eq-synflow-printed")(synflow_printed)

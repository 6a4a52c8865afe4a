"""GraSP: how much the weights preserve the flow of gradients."""

from __future__ import annotations

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from zsnas.proxies._attention import FUSED
from zsnas.proxies._graph import everything, uses
from zsnas.proxies._passes import Passes, gradient_of, shared_pass
from zsnas.proxies._registry import register
from zsnas.proxies._second_order import Convolution


@register(
    label="GraSP",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-grasp",
    reference="wang2020",
)
def grasp(passes: Passes) -> float:
    r"""Measure how the gradient's length changes with the scale of the weights.

    :math:`-\theta^\top H \nabla_\theta L`, with the Hessian :math:`H` of the loss over the weights of all
    convolution and linear layers together, where the survey's Eq. 4 has that of each layer alone.

    Mean cross-entropy at temperature 1 on one batch; batch norm uses batch statistics and is differentiated
    through; its affine parameters and all biases are constants.

    This is the code of Abdelfattah et al. 2021, NASLib and the survey. Wang et al. 2020 divide the logits by
    200, work on two halves of the batch, divide by the absolute sum and prune the weights that score highest;
    with AZ-NAS, weights are redrawn first.

    Positive and negative terms cancel, and single precision may be too coarse for what is left. In networks
    of many convolutions the score is often off by a per cent, and the NAS-Bench-201 cell of six 3×3
    convolutions scores −88 for 16 images of CIFAR-100, where −183.7 is right. ``dtype="float64"`` gives that.

    Returns
    -------
    float
        In units of the squared loss per squared weight; may be negative; higher is better; undefined without
        convolution or linear layers.

    References
    ----------
    Wang et al. 2020, GraSP; Abdelfattah et al. 2021.
    """
    return -curvature(passes)


@shared_pass
def curvature(passes: Passes) -> float:
    """Return the product of weights, Hessian of the loss and gradient, θᵀ H ∇L, over all layers together.

    Attention in a single operator of torch has no second derivative; in products of matrices it has.
    """
    if any(node.name().startswith(FUSED) for node in everything([passes.training.loss.grad_fn])):
        with sdpa_kernel(SDPBackend.MATH):
            return _curvature(passes.using(passes.statistics))
    return _curvature(passes)


def _curvature(passes: Passes) -> float:
    gradients = [g for g in passes.gradients.weights if g.requires_grad]
    if not gradients:
        return 0.0
    trace = passes.training.trace
    unscaled = {
        use.weight
        for use in uses([passes.training.loss])
        if getattr(use.operation, "_forward_cls", None) is not Convolution
    }
    others = [weight for weight in passes.weights if id(weight) in unscaled]
    # A scale is 1, so that it is its own direction.
    inputs = [scale for _, scale in trace.scaled] + others
    with trace.wanted.only("scales"):
        derivatives = gradient_of(gradients, inputs, along=[g.detach() for g in gradients])
    return sum(torch.sum(d * x).item() for d, x in zip(derivatives, inputs, strict=True))

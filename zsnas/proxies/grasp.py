"""GraSP: how much the weights preserve the flow of gradients."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


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

    Returns
    -------
    float
        In units of the squared loss per squared weight; may be negative; higher is better; undefined without
        convolution or linear layers.

    References
    ----------
    Wang et al. 2020, GraSP; Abdelfattah et al. 2021.
    """
    return -passes.curvature

"""Grad_norm: how long the gradients of the loss are."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="Grad_norm",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-grad-norm",
    reference="abdelfattah2021",
)
def grad_norm(passes: Passes) -> float:
    r"""Add up the lengths of the layers' weight gradients.

    :math:`\sum_i \lVert \nabla_{\theta_i} L \rVert_2` over convolution and linear layers :math:`i`, the
    survey's Eq. 1.

    One backward pass of the mean cross-entropy; batch norm uses batch statistics; biases and the affine
    parameters of batch norm are left out.

    This is the code of Abdelfattah et al. 2021, NASLib and the survey. ZenNAS and AZ-NAS give this name to
    the length of one vector of all gradients, those of biases and batch norm too, for random images and
    labels and redrawn weights, which ranks networks in another order.

    Returns
    -------
    float
        In units of the loss per unit of weight; higher is better; undefined without convolution or linear
        layers.

    References
    ----------
    Abdelfattah et al. 2021, Zero-cost proxies for lightweight NAS.
    """
    lengths: list[float] = [gradient.norm().item() for gradient in passes.gradients.weights]
    return sum(lengths)

"""SNIP: how much the loss depends on each weight's being there."""

from __future__ import annotations

from torch import nn

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register, register_variant


@register(
    label="SNIP",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-snip",
    reference="lee2019",
)
def snip(passes: Passes) -> float:
    r"""Add up the absolute products of every weight with its gradient.

    :math:`\sum_i \lVert \theta_i \odot \nabla_{\theta_i} L \rVert_1` over convolution and linear layers
    :math:`i`.

    Mean cross-entropy; batch norm uses batch statistics.

    This is the code of Abdelfattah et al. 2021, NASLib and the survey: the absolute value is taken weight by
    weight, as in the paper on SNIP, where the survey's Eq. 2 takes it of each layer's inner product. Lee et
    al. 2019 divide by the sum, to compare the weights of one network.

    Returns
    -------
    float
        In units of the loss; higher is better; undefined without convolution or linear layers.

    References
    ----------
    Lee et al. 2019, SNIP; Abdelfattah et al. 2021.
    """
    pairs = zip(passes.weights, passes.gradients.weights, strict=True)
    return sum((weight * gradient).abs().sum().item() for weight, gradient in pairs)


@register_variant("snip", label="SNIP as printed", equation="eq-snip-printed")
def snip_printed(passes: Passes) -> float:
    r"""Add up the absolute inner products of each layer's weights with its gradient.

    :math:`\sum_i \lvert \langle \theta_i, \nabla_{\theta_i} L \rangle \rvert`, the survey's Eq. 2; otherwise
    as :func:`snip`.

    Weights of one layer cancel. Where a batch norm follows, the loss does not depend on the scale of a
    layer's weights (but for batch norm's :math:`\epsilon`), so that its inner product is close to zero and
    what remains is rounding and the layers without batch norm.
    """
    pairs = zip(passes.weights, passes.gradients.weights, strict=True)
    return sum(abs((weight * gradient).sum().item()) for weight, gradient in pairs)


@register_variant("snip", label="SNIP without linear layers", equation="eq-snip")
def snip_convolutions(passes: Passes) -> float:
    """Add up the products over convolutions only; otherwise as :func:`snip`."""
    others = (nn.Linear, nn.Embedding, nn.EmbeddingBag)
    linear = {id(layer.weight) for layer in passes.model.modules() if isinstance(layer, others)}
    pairs = zip(passes.weights, passes.gradients.weights, strict=True)
    return sum((w * g).abs().sum().item() for w, g in pairs if id(w) not in linear)


register_variant("snip", name="snip_running", label="SNIP, running statistics", statistics="running")(snip)

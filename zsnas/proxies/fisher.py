"""Fisher: how much the loss depends on each channel's activations."""

from __future__ import annotations

from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register, register_variant


@register(
    label="Fisher",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity",),
    equation="eq-fisher",
    reference="turner2020",
)
def fisher(passes: Passes) -> float:
    r"""Add up the Fisher information of all channels.

    :math:`\sum_{i,c} \frac{1}{2B} \sum_b \bigl(\sum_p z_{ibcp} \, \partial L / \partial z_{ibcp}\bigr)^2`
    over the outputs :math:`z` of convolution and linear layers :math:`i`, channels :math:`c`, images
    :math:`b` of :math:`B` and positions :math:`p`.

    The square is taken for each image and channel, as in the original implementation; the survey's Eq. 6
    squares the inner product of a whole layer. Mean cross-entropy; outputs are taken before batch norm, which
    uses batch statistics.

    Returns
    -------
    float
        In units of the squared loss; never negative; higher is better; undefined without convolution or
        linear layers.

    References
    ----------
    Theis et al. 2018; Turner et al. 2020, BlockSwap; Abdelfattah et al. 2021.
    """
    pairs = zip(passes.training.trace.outputs, passes.gradients.outputs, strict=True)
    return sum(
        _channel_information(output.value * gradient, output.channel_axis) for output, gradient in pairs
    )


def _channel_information(product: Tensor, channel_axis: int) -> float:
    by_channel = product.movedim(channel_axis, 1).flatten(2).sum(2) if product.dim() > 2 else product
    return by_channel.square().mean(0).sum().item() / 2


@register_variant("fisher", label="Fisher as printed", equation="eq-fisher-printed")
def fisher_printed(passes: Passes) -> float:
    r"""Add up the squared inner products of each layer's whole output with its gradient.

    :math:`\sum_i \langle \nabla_{z_i} L, z_i \rangle^2`, the survey's Eq. 6, over all images, channels and
    positions at once; otherwise as :func:`fisher`.

    Like :func:`snip_printed` it is nearly zero for every layer that a batch norm follows.
    """
    pairs = zip(passes.training.trace.outputs, passes.gradients.outputs, strict=True)
    return sum((output.value * gradient).sum().item() ** 2 for output, gradient in pairs)


register_variant("fisher", name="fisher_running", label="Fisher, running statistics", statistics="running")(
    fisher
)

"""Fisher: how much the loss depends on each channel's activations."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from zsnas.proxies._graph import uses
from zsnas.proxies._layouts import Layout, by_image, layouts
from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._trace import Output, Trace
from zsnas.proxies._undefined import UNSEEN, Undefined


@register(
    label="Fisher",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity",),
    equation="eq-fisher",
    reference="turner2020",
)
def fisher(passes: Passes) -> float:
    r"""Add up the Fisher information of all channels, once for each weight of the channel.

    :math:`\sum_{i,c} n_i \frac{1}{2B} \sum_b \bigl(\sum_p z_{ibcp} \, \partial L / \partial z_{ibcp}\bigr)^2`
    over the outputs :math:`z` of convolution and linear layers :math:`i`, channels :math:`c`, images
    :math:`b` of :math:`B` and positions :math:`p`, where :math:`n_i` is the number of weights that make one
    channel of layer :math:`i`: kernel size times input channels of a group, or input features.

    Mean cross-entropy; outputs are taken before batch norm, which uses batch statistics.

    The codes of Abdelfattah et al. 2021, NASLib and the survey give every weight of a channel the channel's
    value and add up the weights; Turner et al. 2020, who prune blocks by it, add up channels, which is
    ``fisher_channels``. The square is taken for each image and channel in all of them; the survey's Eq. 6
    squares the inner product of a whole layer. For a linear layer on the tokens of an image those codes add
    over features and keep tokens as channels; here a position is a position and a feature a channel in every
    layer. A layer that sees no image, such as one on a table of positions, counts as if it saw a single one.

    Returns
    -------
    float
        In units of the squared loss; never negative; higher is better; undefined without convolution or
        linear layers.

    References
    ----------
    Theis et al. 2018; Turner et al. 2020, BlockSwap; Abdelfattah et al. 2021.
    """
    return sum(layer.sum * layer.weights for layer in channel_information(passes))


@shared_pass
def recorded(passes: Passes) -> list[Output]:
    """Return what the layers did in the training pass, if that is all by which weights reach the loss."""
    outputs = passes.training.trace.outputs
    seen = {use for output in outputs for use in uses([output.value], end=[output.source])}
    unseen = {use.weight for use in uses([passes.training.loss]) - seen}
    for name, parameter in passes.model.named_parameters():
        if id(parameter) in unseen and any(parameter is weight for weight in passes.weights):
            raise Undefined(f"the weight {name!r} is used in {UNSEEN}")
    return outputs


class LayerInformation(NamedTuple):
    """The Fisher information of one layer's output."""

    sum: float
    """Over its channels."""
    weights: int
    """How many make one channel."""


@shared_pass
def channel_information(passes: Passes) -> list[LayerInformation]:
    """Return the Fisher information of each output of a convolution or linear layer."""
    outputs, gradients = recorded(passes), passes.gradients.outputs
    return [
        LayerInformation(
            _summed(by_image(_channels_last(output.value * gradient, output), layout)),
            output.weight.numel() // output.value.shape[output.channel_axis],
        )
        for output, gradient, layout in zip(outputs, gradients, _layouts(passes), strict=True)
    ]


def _summed(product: Tensor) -> float:
    """Sum over the positions of (batch, …, channels), and the squares of that over channels."""
    by_position = product.reshape(len(product), -1, product.shape[-1])
    return by_position.sum(1).square().mean(0).sum().item() / 2


def _channels_last(tensor: Tensor, output: Output) -> Tensor:
    return tensor.movedim(output.channel_axis, -1)


def _layouts(passes: Passes) -> list[Layout]:
    outputs = recorded(passes)
    if all(_has_images_first(passes, output) for output in outputs):
        return [Layout()] * len(outputs)
    return layouts(passes, _values)


def _has_images_first(passes: Passes, output: Output) -> bool:
    """Tell whether the first axis is that of the images, without running the network again."""
    if len(output.value) != len(passes.images):
        return False
    return output.is_convolution or (output.value.dim() == 2 and passes.is_behind_images(output.value))


def _values(trace: Trace) -> list[Tensor]:
    return [_channels_last(output.value.detach(), output) for output in trace.outputs]


@register_variant("fisher", label="Fisher of channels", equation="eq-fisher-channels")
def fisher_channels(passes: Passes) -> float:
    """Count each channel once, as Turner et al. 2020 do; otherwise as :func:`fisher`.

    Layers of large kernels and many inputs no longer outweigh the others.
    """
    return sum(layer.sum for layer in channel_information(passes))


@register_variant("fisher", label="Fisher as printed", equation="eq-fisher-printed")
def fisher_printed(passes: Passes) -> float:
    r"""Add up the squared inner products of each layer's whole output with its gradient.

    :math:`\sum_i \langle \nabla_{z_i} L, z_i \rangle^2`, the survey's Eq. 6, over all images, channels and
    positions at once; otherwise as :func:`fisher`.

    Like :func:`snip_printed` it is nearly zero for every layer that a batch norm follows.
    """
    pairs = zip(recorded(passes), passes.gradients.outputs, strict=True)
    return sum((output.value * gradient).sum().item() ** 2 for output, gradient in pairs)


register_variant("fisher", name="fisher_running", label="Fisher, running statistics", statistics="running")(
    fisher
)

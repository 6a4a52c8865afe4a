"""ZiCo: how large and how steady the gradients of the weights are from batch to batch."""

from __future__ import annotations

import math

from torch import Tensor

from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined


@register(
    label="ZiCo",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability", "generalization"),
    equation="eq-zico",
    reference="li2023",
)
def zico(passes: Passes) -> float:
    r"""Add up the logarithms of each layer's ratio of mean to deviation of its gradients.

    :math:`\sum_i \log \sum_{k \in i} \mathbb{E}\lvert g_k \rvert / \sqrt{\operatorname{Var} \lvert g_k
    \rvert}` over the weights :math:`k` of convolution and linear layers :math:`i`, mean and deviation over
    two batches.

    The two halves of the batch are the two batches. As in the original implementation the deviation is that
    of the gradients with their sign (divided by the number of batches), and weights whose gradient is the
    same on both are left out, as are layers without any other. Mean cross-entropy; batch norm uses the
    statistics of the half.

    This is the code of Li et al. 2023, which takes two full batches; AZ-NAS follows it. MeCo's copy takes
    halves, too, but adds the gradients of the first to those of the second.

    Returns
    -------
    float
        Dimensionless (a logarithm); higher is better; undefined when no weight has a gradient, and for a
        batch of one image.

    References
    ----------
    Li et al. 2023, ZiCo.
    """
    return sum(math.log(ratio) for ratio in ratios(passes) if ratio)


@shared_pass
def ratios(passes: Passes) -> list[float]:
    """Return what is added up of each of the layers' weights, before the logarithm; 0 if it is left out."""
    found = [_ratio(first, second) for first, second in zip(*half_gradients(passes), strict=True)]
    if not any(found):
        raise Undefined("no weight has a gradient that differs between the halves of the batch")
    return found


@shared_pass
def half_gradients(passes: Passes) -> tuple[list[Tensor], list[Tensor]]:
    """Return the gradients of the loss on each half of the batch, one tensor for each weight."""
    middle = len(passes.images) // 2
    if not middle:
        raise Undefined("a batch of one image has no halves")
    return _weight_gradients(passes, slice(middle)), _weight_gradients(passes, slice(middle, 2 * middle))


def _weight_gradients(passes: Passes, part: slice) -> list[Tensor]:
    gradients = [gradient.detach() for gradient in passes.of_images(part).gradients.weights]
    if not all(gradient.isfinite().all() for gradient in gradients):
        raise Undefined("the gradients of the weights are not finite")
    return gradients


def _ratio(first: Tensor, second: Tensor) -> float:
    mean, deviation = (first.abs() + second.abs()) / 2, (first - second).abs() / 2
    return (mean[deviation > 0] / deviation[deviation > 0]).sum().item()

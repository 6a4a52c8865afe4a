"""ZiCo-BC: ZiCo without its bias towards networks that are deep and thin."""

from __future__ import annotations

import math

from zsnas.proxies._graph import parameters_of
from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import UNSEEN, Undefined
from zsnas.proxies.zico import ratios, zico


@register(
    label="ZiCo-BC",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability", "generalization"),
    equation="eq-zico-bc",
    reference="bhardwaj2023",
)
def zico_bc(passes: Passes) -> float:
    r"""Subtract from :func:`zico` the logarithm of each layer's positions by the root of its channels.

    :math:`\text{ZiCo} - \beta \sum_i \log \bigl(H_i W_i / \sqrt{C_i}\bigr)` with :math:`\beta = 1`, where
    layer :math:`i` returns :math:`C_i` channels of :math:`H_i \times W_i` positions for an image: a layer
    more, or one of fewer channels, costs.

    The paper takes :math:`\beta = 1` for classification and detection and 2 for segmentation; with a table of
    both proxies, any other is ``zico - beta * (zico - zico_bc)``. The layers are those of ZiCo, without the
    ones that it leaves out: convolutions, and linear layers, which return one position for an image, or one
    for each token. A weight that is used several times counts as where it is used first. Otherwise as
    :func:`zico`.

    No code is published, and the paper does not say whether the classifier is a layer; of networks that end
    alike it moves all scores alike.

    Returns
    -------
    float
        Dimensionless (a logarithm); higher is better; undefined where ZiCo is, and for a weight whose use is
        not seen, as in a recurrent layer.

    References
    ----------
    Bhardwaj et al. 2023, ZiCo-BC.
    """
    sizes = map_sizes(passes)
    counted = [weight for weight, ratio in zip(passes.weights, ratios(passes), strict=True) if ratio]
    if not all(id(weight) in sizes for weight in counted):
        raise Undefined(f"a weight is used in {UNSEEN}")
    penalty = sum(math.log(sizes[id(weight)]) for weight in counted)
    return zico(passes) - penalty


@shared_pass
def map_sizes(passes: Passes) -> dict[int, float]:
    """Return positions by the root of channels of what each weight makes of an image, by their ids."""
    sizes: dict[int, float] = {}
    _, trace = passes.first_image()
    for output in trace.outputs:
        channels = output.value.shape[output.channel_axis]
        positions = output.value.numel() / channels
        for weight in parameters_of(output.weight):
            sizes.setdefault(weight, positions / math.sqrt(channels))
    return sizes

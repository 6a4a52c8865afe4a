"""AZ-NAS expressivity: in how many directions the features of each block vary."""

from __future__ import annotations

import math

from zsnas.proxies._blocks import block_probe
from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined


@register(
    label="AZ-NAS expressivity",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-az-expressivity",
    reference="lee2024",
)
def az_expressivity(passes: Passes) -> float:
    r"""Add up the entropies of the principal components of the blocks' features.

    :math:`\sum_{l=0}^{L} H_l` with :math:`H_l = -\sum_i p_i \log(p_i + 10^{-8})`, where :math:`p_i` are the
    eigenvalues of the covariance matrix of the channels of feature :math:`l`, over images and positions,
    divided by their sum.

    Feature 0 is the input of the first block and feature :math:`l` the output of block :math:`l`, in order of
    execution. A block is an outermost module with modules inside it that takes one batch of feature maps
    (batch, channels, height, width) and returns another; the network itself, ``nn.Sequential`` and
    normalisation layers are not blocks. In NAS-Bench-201 this gives the features of the original: the stem,
    15 cells and two residual blocks. The images are Gaussian noise of the batch's shape; weights of layers
    are redrawn from :math:`N(0, 2/\text{inputs})`, biases are 0, normalisation has scale 1 and uses batch
    statistics.

    Returns
    -------
    float
        In nats; never negative but for the 10⁻⁸; higher is better; undefined without blocks or when a feature
        is constant.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    return sum(defined_entropies(passes))


def defined_entropies(passes: Passes) -> list[float]:
    """Return the entropies of the features, or say which has none."""
    entropies = block_probe(passes).entropies
    for block, entropy in enumerate(entropies):
        if math.isnan(entropy):
            where = f"output of block {block}" if block else "input of the first block"
            raise Undefined(f"the {where} is constant")
    return entropies

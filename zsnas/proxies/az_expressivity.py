"""AZ-NAS expressivity: in how many directions the features of each block vary."""

from __future__ import annotations

import math

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._tokens import feature_probe
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
    statistics; a frozen batch norm, which has none, returns what it is given.

    A transformer is one that adds to a batch of tokens, (images, tokens, channels) or positions before
    images, what attention or an MLP made of it, outside of blocks of feature maps. Its features are these
    residual sums, two for each pair of attention and MLP, its rows are the tokens of all images, and its
    weights and normalisation are as they are, of a trained network trained.

    This is the code of Lee and Ham 2024 for NAS-Bench-201 and for transformers; for MobileNet-v2 it takes
    other features. It computes in single precision, where an eigenvalue that should be 0 may come out below
    −10⁻⁸, which has no logarithm: the feature then scores −∞, or does not, as rounding has it. Here a feature
    is undefined when single precision gives it a lower rank than it has channels: one of its singular values
    (roots of the eigenvalues) is at most the number of channels times :math:`2^{-23}` of the largest. In the
    NAS-Bench-201 cell of six skip connections, sums grow by four from cell to cell until they drown all else.

    Returns
    -------
    float
        In nats; never negative but for the 10⁻⁸; higher is better; undefined without blocks, or when a
        feature is constant or varies in fewer directions than it has channels, as it does with few positions.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    return sum(defined_entropies(passes))


def defined_entropies(passes: Passes) -> list[float]:
    """Return the entropies of the features, or say which has none."""
    probe = feature_probe(passes)
    for place, entropy in enumerate(probe.entropies):
        if not math.isfinite(entropy):
            where = f"output of block {place}" if place else "input of the first block"
            where = f"residual sum {place + 1} of the tokens" if probe.of_tokens else where
            few = "varies in fewer directions than it has channels; more or larger images may help"
            raise Undefined(f"the {where} {'is constant' if math.isnan(entropy) else few}")
    return probe.entropies

"""Zen-score: how expressive a network of Gaussian weights is around Gaussian inputs."""

from __future__ import annotations

import torch

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined


@register(
    label="Zen-score",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity",),
    equation="eq-zen-score",
    reference="lin2021",
)
def zen_score(passes: Passes) -> float:
    r"""Measure how far the features move when a Gaussian input is perturbed.

    :math:`\log \mathbb{E} \lVert f_e(n) - f_e(n + \alpha\epsilon) \rVert_1 + \sum_k \log
    \sqrt{\overline{\sigma_k^2}}`, :math:`\alpha = 0.01`, where :math:`f_e` is the network before its global
    pooling, or before its last convolution if its output is an image, and :math:`\overline{\sigma_k^2}` the
    mean over channels of the variance in batch norm :math:`k`.

    Convolution and linear weights are redrawn from N(0, 1) by the seed, their biases are zero. One draw of
    weights and as many noise images as the batch has; images and labels are not used. The reference
    implementation reads the batch norms' running variance, which approaches the batch variance used here over
    its 32 repetitions. It takes the sum of absolute differences where the survey's Eq. 11 prints the
    Frobenius norm, and the mean of the variances over the whole batch.

    Returns
    -------
    float
        Dimensionless (a logarithm); higher is better; undefined when the features do not change.

    References
    ----------
    Lin et al. 2021, Zen-NAS.
    """
    probe = passes.gaussian_probe
    change = probe.difference.abs().flatten(1).sum(1).mean()
    if change == 0:
        raise Undefined("the features do not depend on the input")
    scalings = [variance.mean().sqrt() for variance in probe.variances]
    return double(torch.stack([change, *scalings])).log().sum().item()


@register_variant("zen_score", label="Zen-score as printed", equation="eq-zen-score-printed")
def zen_score_printed(passes: Passes) -> float:
    r"""Take Frobenius norms, and the variance of every image by itself.

    :math:`\log \mathbb{E} \lVert f_e(n) - f_e(n + \alpha\epsilon) \rVert_F + \sum_{k,i} \log \sqrt{\sum_j
    \sigma_{ij}^k / Ch_i}`, the survey's Eq. 11, with the variance :math:`\sigma_{ij}^k` over the positions of
    channel :math:`j` of :math:`Ch_i` before batch norm :math:`i` for image :math:`k`; otherwise as
    :func:`zen_score`.

    The second sum runs over all images, so that it grows with the batch and outweighs the first term.
    Undefined where a batch norm sees a single position of each image.
    """
    change = passes.gaussian_probe.difference.flatten(1).norm(dim=1).mean()
    scalings = torch.cat([change.new_zeros(0), *passes.sample_variances]).sqrt()
    if change == 0 or (scalings == 0).any():
        raise Undefined("the features do not depend on the input, or a batch norm sees a single position")
    logarithms: float = (double(change).log() + double(scalings).log().sum()).item()
    return logarithms

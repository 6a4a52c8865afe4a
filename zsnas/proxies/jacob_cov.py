"""Jacob_cov: how differently a network responds to different inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined

EPSILON = 1e-5


@register(
    label="Jacob_cov",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity",),
    equation="eq-jacob-cov",
    reference="lopes2021",
)
def jacob_cov(passes: Passes) -> float:
    r"""Score how little the input gradients of different images resemble each other.

    The eigenvalues :math:`\lambda` of the correlation matrix of the per-image gradients of the summed logits
    give :math:`-\sum_i [\log(\lambda_i + \epsilon) + (\lambda_i + \epsilon)^{-1}]`,
    :math:`\epsilon = 10^{-5}`.

    Batch norm uses batch statistics, so images influence each other's gradient. The logarithm is missing from
    the survey's Eq. 10. Labels are not used. Of tokens, the gradients are those of the rows that are looked
    up for them.

    This is the code of Abdelfattah et al. 2021, NASLib and the survey. Mellor et al. 2020, who wrote it
    first, gave the networks a single output.

    In single precision the score of a deep network is off by up to 0.02 for 64 images of CIFAR-100, where
    the better half of NAS-Bench-201 scores within 0.3. ``dtype="float64"`` tells close networks apart.

    Returns
    -------
    float
        Dimensionless; higher is better; undefined when an image's gradient is constant over its pixels.

    References
    ----------
    Mellor et al. 2020 (first version of NAS without training); Lopes et al. 2021, EPE-NAS.
    """
    eigenvalues = _eigenvalues(passes)
    return -(eigenvalues.log() + eigenvalues.reciprocal()).sum().item()


def _eigenvalues(passes: Passes) -> Tensor:
    """Return the eigenvalues of the correlation matrix of the gradients, each plus epsilon, (batch,)."""
    jacobian = double(passes.input_jacobian)
    if len(jacobian) < 2:
        raise Undefined("a correlation between images needs a batch of at least two")
    if (jacobian.amax(1) == jacobian.amin(1)).any():
        raise Undefined("an image's input gradient is constant")
    eigenvalues: Tensor = torch.linalg.eigvalsh(torch.corrcoef(jacobian)) + EPSILON
    if eigenvalues.min() <= 0:
        raise Undefined("the correlation matrix of the input gradients is not positive")
    return eigenvalues


@register_variant("jacob_cov", label="Jacob_cov as printed", equation="eq-jacob-cov-printed")
def jacob_cov_printed(passes: Passes) -> float:
    r"""Leave the logarithm out of :func:`jacob_cov`.

    :math:`-\sum_i [(\lambda_i + \epsilon) + (\lambda_i + \epsilon)^{-1}]`, the survey's Eq. 10. The
    eigenvalues of a correlation matrix add up to the number of images, so that the first term is the same for
    every network.
    """
    eigenvalues = _eigenvalues(passes)
    return -(eigenvalues + eigenvalues.reciprocal()).sum().item()


register_variant(
    "jacob_cov", name="jacob_cov_running", label="Jacob_cov, running statistics", statistics="running"
)(jacob_cov)

"""Logdet: how many different patterns of active ReLU units a batch produces (NASWOT)."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined


@register(
    label="Logdet",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-logdet",
    reference="mellor2021",
)
def logdet(passes: Passes) -> float:
    r"""Take the log-determinant of how often images agree in which units are active.

    :math:`\log |\det K|` with :math:`K_{ij} = N - d_H(c_i, c_j)`: the number of ReLU-like units less the
    Hamming distance of the binary codes of images :math:`i` and :math:`j`.

    Codes run over the units of all ReLU-like activations (ReLU, ReLU6, leaky and parametric ReLU), at
    initialisation, batch norm using batch statistics. The survey's Eq. 18 calls :math:`N` the number of
    linear regions. Labels are not used. A network of SiLU, GELU or Hardswish has no such units and no score.

    This is the code of NASLib. That of Mellor et al. 2021 counts units of a ReLU twice where a module around
    it has ReLU in its name, as in each convolution of NAS-Bench-201 (τ = .99 with this score), leaves out
    those from which no gradient reaches the output, and gives −∞ where this is undefined. ZenNAS and AZ-NAS
    redraw the weights and take random images. The survey's own code returns −∞ for every network.

    Returns
    -------
    float
        Dimensionless; higher is better; undefined without ReLU-like activations, or when the codes are
        linearly dependent, as those of two images that switch on the same units.

    References
    ----------
    Mellor et al. 2021, Neural architecture search without training.
    """
    agreement = passes.activation_agreement
    if (agreement == agreement[0, 0]).sum() > len(agreement):
        raise Undefined("two images switch on exactly the same units")
    return _logarithm(agreement, "the codes of the images are linearly dependent")


def _logarithm(matrix: Tensor, singular: str) -> float:
    """Return the log-determinant of a symmetric matrix; a singular one is undefined for this reason."""
    if torch.linalg.matrix_rank(matrix, hermitian=True) < len(matrix):
        raise Undefined(singular)
    logarithm: float = torch.linalg.slogdet(matrix).logabsdet.item()
    return logarithm


@register_variant("logdet", label="Logdet as printed", equation="eq-logdet-printed")
def logdet_printed(passes: Passes) -> float:
    r"""Put the number of linear regions where :func:`logdet` has the number of units.

    :math:`\log |\det H|` with :math:`H_{ij} = N_{LR} - d_H(c_i, c_j)`, the survey's Eq. 18: one row for each
    of the :math:`N_{LR}` different codes in the batch.

    With many more units than images the distances outweigh :math:`N_{LR}` by far, and the determinant
    measures the distances alone.
    """
    agreement = passes.activation_agreement
    units = agreement[0, 0]
    same = (agreement == units).double()
    first_of_its_region = same.argmax(1) == torch.arange(len(same), device=same.device)
    distances = (units - agreement)[first_of_its_region][:, first_of_its_region]
    return _logarithm(len(distances) - distances, "the matrix of the survey's Eq. 18 is singular")


register_variant("logdet", name="logdet_running", label="Logdet, running statistics", statistics="running")(
    logdet
)

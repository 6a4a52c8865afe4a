"""#LR: in how many linear regions of a network a batch lies."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="#LR",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-linear-regions",
    reference="chen2021",
)
def linear_regions(passes: Passes) -> float:
    r"""Count the different patterns of active ReLU-like units that a batch produces.

    :math:`\sum_j (\sum_k R_{jk})^{-1}` with :math:`R_{jk} = 1` where images :math:`j` and :math:`k` switch on
    the same units: the survey's Eqs. 16 and 17.

    Codes run over the units of all ReLU-like activations; batch norm uses batch statistics. The images of the
    batch are the samples, so that the count cannot exceed their number, and nearly every network of useful
    size reaches it. Chen et al. 2021 stay below with 3,000 crops of 3 × 3 pixels in a network of one channel,
    whose weights are redrawn; their code takes ReLUs of feature maps only.

    Returns
    -------
    float
        A number of regions between 1 and the batch size; higher is better; undefined without ReLU-like
        activations.

    References
    ----------
    Xiong et al. 2020, On the number of linear regions of convolutional neural networks; Chen et al. 2021.
    """
    agreement = passes.activation_agreement
    same = agreement == agreement[0, 0]
    return same.sum(1).double().reciprocal().sum().item()

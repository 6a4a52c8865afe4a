"""NTK_Cond: how unevenly a network learns in the different directions of its outputs."""

from __future__ import annotations

import torch

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined


@register(
    label="NTK_Cond",
    higher_is_better=False,
    kind="gradient-based",
    target=("trainability", "generalization"),
    equation="eq-ntk-cond",
    reference="chen2021",
)
def ntk_cond(passes: Passes) -> float:
    r"""Return the condition number of the neural tangent kernel.

    :math:`\lambda_{\max} / \lambda_{\min}` of :math:`K_{ab} = \langle \nabla_\theta s_a, \nabla_\theta s_b
    \rangle`, where :math:`s_b` is the sum of the logits of image :math:`b`: the survey's Eqs. 12 and 15 for
    one batch and one initialisation.

    Weights of convolution and linear layers. Batch norm uses batch statistics, so that every image needs a
    backward pass through the whole batch, which makes this by far the most expensive proxy;
    ``ntk_cond_printed`` takes each image by itself, as Eq. 12 reads, in one pass.

    Returns
    -------
    float
        Dimensionless, at least 1; lower is better; undefined for a kernel that is singular in the precision
        of the network.

    References
    ----------
    Chen et al. 2021, TE-NAS.
    """
    kernel = passes.tangent_kernel
    if not kernel.isfinite().all():
        raise Undefined("the neural tangent kernel is not finite")
    eigenvalues = torch.linalg.eigvalsh(double(kernel))
    resolution = torch.finfo(kernel.dtype).eps * len(kernel) * eigenvalues[-1]
    if not eigenvalues[0] > resolution:
        raise Undefined("the neural tangent kernel is singular")
    condition: float = (eigenvalues[-1] / eigenvalues[0]).item()
    return condition


register_variant(
    "ntk_cond",
    name="ntk_cond_printed",
    label="NTK_Cond as printed",
    equation="eq-ntk-cond-printed",
    statistics="sample",
)(ntk_cond)
register_variant(
    "ntk_cond", name="ntk_cond_running", label="NTK_Cond, running statistics", statistics="running"
)(ntk_cond)

"""NTK_Cond: how unevenly a network learns in the different directions of its outputs."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from zsnas.proxies._outputs import logits_of
from zsnas.proxies._passes import Passes, Training, gradient_of, shared_pass, with_values
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._sample_gradients import gradients_of_images
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

    The code of Chen et al. 2021 and of all who follow it has the scales of batch norm among the parameters:
    see ``ntk_cond_norms``. For a singular kernel it returns 100,000, infinity or, by rounding, a negative
    number; ZenNAS and AZ-NAS change the sign, and with ZenNAS a kernel that is not a number scores best. MeCo
    takes running statistics. Chen et al. prune a supernet by the mean change over three draws of weights.

    Returns
    -------
    float
        Dimensionless, at least 1; lower is better; undefined for a kernel that is singular in the precision
        of the network.

    References
    ----------
    Chen et al. 2021, TE-NAS.
    """
    return _condition(tangent_kernel(passes))


@shared_pass
def tangent_kernel(passes: Passes) -> Float[Tensor, " batch batch"]:
    """Return the neural tangent kernel, products of the gradients of each image's logits."""
    if passes.statistics == "batch":
        rows = torch.stack([_logit_gradient(passes, image) for image in range(len(passes.images))])
        return rows @ rows.T
    blocks_by_weight = gradients_of_images(passes, _logits)
    return torch.stack([_products(blocks) for blocks in blocks_by_weight]).sum(0)


def _logit_gradient(passes: Passes, image: int) -> Tensor:
    gradients = gradient_of([passes.differentiable.logits[image].sum()], passes.weights)
    return torch.cat([gradient.flatten() for gradient in gradients])


def _logits(training: Training) -> Tensor:
    return training.logits.sum()


def _products(blocks: list[Tensor]) -> Tensor:
    """Return the inner products of all rows of the blocks; each pair of blocks is multiplied once."""
    right = [[one @ other.T for other in blocks[i:]] for i, one in enumerate(blocks)]
    left = [[right[j][i - j].T for j in range(i)] for i in range(len(blocks))]
    return torch.cat([torch.cat([*row, *rest], 1) for row, rest in zip(left, right, strict=True)])


def _condition(kernel: Tensor) -> float:
    if not kernel.isfinite().all():
        raise Undefined("the neural tangent kernel is not finite")
    eigenvalues = torch.linalg.eigvalsh(double(kernel))
    resolution = torch.finfo(kernel.dtype).eps * len(kernel) * eigenvalues[-1]
    if not eigenvalues[0] > resolution:
        raise Undefined("the neural tangent kernel is singular")
    condition: float = (eigenvalues[-1] / eigenvalues[0]).item()
    return condition


@register_variant("ntk_cond", label="NTK_Cond with norms")
def ntk_cond_norms(passes: Passes) -> float:
    """Count every parameter that is called a weight; otherwise as :func:`ntk_cond`.

    These are the scales of batch norm and other normalisation beside the weights of layers, as in the code of
    Chen et al. 2021, ZenNAS, AZ-NAS and the survey.
    """
    return _condition(tangent_kernel(passes) + kernel_of_scales(passes))


@shared_pass
def kernel_of_scales(passes: Passes) -> Float[Tensor, " batch batch"]:
    """Return what parameters with "weight" in their name add that belong to no layer."""
    of_layers = {id(weight) for weight in passes.weights}
    named = [parameter for name, parameter in passes.model.named_parameters() if "weight" in name]
    scales = {id(p): p.detach().clone().requires_grad_() for p in named if id(p) not in of_layers}
    if not scales:
        return torch.zeros_like(tangent_kernel(passes))
    buffers = {id(buffer): buffer.clone() for buffer in passes.model.buffers()}  # batch norm updates its own
    with passes.batch_statistics():
        output = with_values(passes.model, scales | buffers, passes.images.clone())
    rows = [
        torch.cat([gradient.flatten() for gradient in gradient_of([of_image.sum()], list(scales.values()))])
        for of_image in logits_of(output, passes.batch)
    ]
    return torch.stack(rows) @ torch.stack(rows).T


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

"""DSS: diversity of the weights of attention, and saliency of those of the other linear layers."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._attention import roles
from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import UNSEEN, Undefined
from zsnas.proxies.synflow import free_flow


@register(
    label="DSS",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity", "trainability"),
    equation="eq-dss",
    reference="zhou2022",
)
def dss(passes: Passes) -> float:
    r"""Add up products of nuclear norms in attention, and weight times gradient elsewhere.

    :math:`\sum_{m} \lVert \theta_m \rVert_* \lVert \nabla_{\theta_m} R \rVert_* + \sum_{n} \lVert \theta_n
    \odot \nabla_{\theta_n} R \rVert_1`, where :math:`\lVert \cdot \rVert_*` adds up the singular values of a
    matrix, :math:`m` runs over the projections of attention and :math:`n` over the other linear layers, with
    absolute weights :math:`\theta` and the sum :math:`R` of the outputs for one image of ones: the flow is
    that of :func:`synflow`.

    The projections are what makes queries, keys and values, as one matrix even if a network has three, and
    what projects the values that were attended to. They are found in what the network computes, whatever its
    modules are called. The classifier is among the other linear layers; of convolutions, the embedding of the
    patches among them, only projections of attention count. Computed in float64.

    Zhou et al. 2022 and Wei et al. 2024 tell projections by the name ``qkv`` and by square matrices, so that
    an MLP that does not expand counts as attention there. Of a subnetwork of their supernet, the former keep
    the ``qkv`` in a copy without gradients, so that it adds nothing, and count a classifier of 1000 classes
    twice if it has a gradient; the latter do what is done here.

    Returns
    -------
    float
        In units of the output; never negative; higher is better; undefined without attention, for products of
        activations that are no softmax attention, and when the flow overflows float64.

    References
    ----------
    Zhou et al. 2022, Training-free Transformer Architecture Search; Wei et al. 2024, Auto-Prox.
    """
    known, flow = roles(passes), free_flow(passes)
    ids = map(id, passes.weights)
    of = {key: (w.detach(), g) for key, w, g in zip(ids, flow.weights, flow.gradients, strict=True)}
    if not all(gradient.isfinite().all() for _, gradient in of.values()):
        raise Undefined("the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)")
    for name, parameter in passes.model.named_parameters():
        if id(parameter) in known.unseen and of[id(parameter)][1].any():
            raise Undefined(f"the weight {name!r} is used in {UNSEEN}")
    diversity = sum(
        _nuclear_norm([of[key][0] for key in group]) * _nuclear_norm([of[key][1] for key in group])
        for group in known.attention
    )
    saliency = sum((of[key][0] * of[key][1]).abs().sum().item() for key in known.others)
    return diversity + saliency


def _nuclear_norm(parts: list[Tensor]) -> float:
    matrix = torch.cat([part.flatten(1) for part in parts])
    norm: float = torch.linalg.svdvals(matrix).sum().item()
    return norm

"""GradSign: how often the images agree on the direction in which a weight should move."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes, Training, shared_pass
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._sample_gradients import gradients_of_images


@register(
    label="GradSign",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-gradsign",
    reference="zhang2022",
    statistics="sample",
)
def gradsign(passes: Passes) -> float:
    r"""Add up, over weights, how far the signs of the images' gradients agree.

    :math:`\sum_k \bigl\lvert \sum_b \operatorname{sign} \nabla_{\theta_k} L(f(x_b), y_b) \bigr\rvert` over
    the weights :math:`\theta_k` of convolution and linear layers and the images :math:`b`, the survey's Eq.
    5.

    Cross-entropy of each image by itself; batch norm takes each image as a batch of its own, as in the
    original code, which passes one image at a time.

    The code of Zhang and Jia 2022 adds up over weights in one folder, which MeCo follows, and takes the mean
    in another, as AZ-NAS does: see ``gradsign_mean``.

    Returns
    -------
    float
        A number of weights times images; higher is better; undefined without convolution or linear layers,
        and where a batch norm sees a single position of each image.

    References
    ----------
    Zhang and Jia 2022, GradSign.
    """
    return sign_agreement(passes)


@shared_pass
def sign_agreement(passes: Passes) -> float:
    """Add up over all weights by how many images more than half agree on the gradient's sign."""
    return sum(
        torch.stack([rows.sign_().sum(0) for rows in blocks]).sum(0).abs().sum().item()
        for blocks in gradients_of_images(passes, _losses)
    )


def _losses(training: Training) -> Tensor:
    """Return the sum of the images' losses."""
    return training.loss * len(training.logits)


@register_variant("gradsign", label="GradSign, mean", equation="eq-gradsign-mean")
def gradsign_mean(passes: Passes) -> float:
    r"""Divide :func:`gradsign` by the number of weights.

    :math:`\frac{1}{|\theta|} \sum_k \bigl\lvert \sum_b \operatorname{sign} \nabla_{\theta_k} L(f(x_b), y_b)
    \bigr\rvert`, between 0 and the number of images.

    In the supernet of Abdelfattah et al. 2021, whose cells hold every operation, used or not, mean and sum
    rank alike. Of networks by themselves the sum grows with their weights, and the mean falls: on
    NAS-Bench-201 and CIFAR-100 it ranks against accuracy, where the sum ranks with it.
    """
    return sign_agreement(passes) / sum(weight.numel() for weight in passes.weights)

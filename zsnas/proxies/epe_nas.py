"""EPE-NAS: how differently a network responds to images of the same class."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined

EPSILON = 1e-5
MANY_CLASSES = 100


@register(
    label="EPE-NAS",
    higher_is_better=True,
    kind="gradient-based",
    target=("expressivity",),
    equation="eq-epe-nas",
    reference="lopes2021",
)
def epe_nas(passes: Passes) -> float:
    r"""Score how little the input gradients of images of one class resemble each other.

    With the correlation matrix :math:`\Sigma_c` of the gradients of the summed logits for the images of class
    :math:`c`, and :math:`s_c = \sum_{ij} \log(|\Sigma_{c,ij}| + \epsilon)`, :math:`\epsilon = 10^{-5}`: the
    sum :math:`\sum_c |s_c|` when the network has at most 100 outputs. With more, :math:`s_c` is divided by
    the number :math:`n_c` of the class's images, and the score is the sum of the differences :math:`|s_c -
    s_{c'}|` over all ordered pairs of classes, divided by the number of classes in it.

    A class with one image has the 1 × 1 matrix 1. Up to 100 classes it contributes
    :math:`\log(1 + \epsilon) \approx 10^{-5}`; with more it is left out. Both are what the original
    implementation does. CIFAR-100 falls in the first case, ImageNet16-120 in the second, where a batch in
    which a single class has two images scores 0. Batch norm uses batch statistics, so images influence each
    other's gradient.

    Returns
    -------
    float
        Dimensionless; never negative; higher is better; undefined when no class has two images in the batch,
        or when an image's gradient is constant over its pixels.

    References
    ----------
    Lopes et al. 2021, EPE-NAS.
    """
    if not passes.batch.task.has_classes:
        raise Undefined(f"there are no images of one class to compare in the task {passes.batch.task.name}")
    labels = passes.labels.cpu()
    classes, images_per_class = torch.unique(labels, return_counts=True)
    if images_per_class.max() < 2:
        raise Undefined("no class has two images in the batch to compare; take a larger batch")
    similarity = _log_similarity(double(passes.input_jacobian)).cpu()
    if passes.training.logits.shape[1] <= MANY_CLASSES:
        return sum(abs(_within(similarity, labels == c)) for c in classes)
    compared = zip(classes[images_per_class > 1], images_per_class[images_per_class > 1], strict=True)
    scores = torch.tensor([_within(similarity, labels == c) / int(n) for c, n in compared])
    return (scores[:, None] - scores).abs().sum().item() / len(scores)


def _log_similarity(jacobian: Tensor) -> Tensor:
    """Return the logarithm of the absolute correlation of any two rows."""
    if (jacobian.amax(1) == jacobian.amin(1)).any():
        raise Undefined("an image's input gradient is constant")
    return (torch.corrcoef(jacobian).abs() + EPSILON).log()


def _within(similarity: Tensor, members: Tensor) -> float:
    total: float = similarity[members][:, members].sum().item()
    return total

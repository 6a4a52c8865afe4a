"""EPE-NAS: how differently a network responds to images of the same class."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register, register_variant
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
    images_per_class=2,
)
def epe_nas(passes: Passes) -> float:
    r"""Score how little the input gradients of images of one class resemble each other.

    With the correlation matrix :math:`\Sigma_c` of the gradients of the summed logits for the images of class
    :math:`c`, and :math:`s_c = \sum_{ij} \log(|\Sigma_{c,ij}| + \epsilon)`, :math:`\epsilon = 10^{-5}`: the
    sum :math:`\sum_c |s_c|` when the network has at most 100 outputs. With more, :math:`s_c` is divided by
    the number :math:`n_c` of the class's images, and the score is the sum of the differences :math:`|s_c -
    s_{c'}|` over all ordered pairs of classes, divided by the number of classes in it.

    A class with one image has the 1 × 1 matrix 1. Up to 100 classes it contributes
    :math:`\log(1 + \epsilon) \approx 10^{-5}`; with more it is left out. Both are what the original code
    does. CIFAR-100 falls in the first case, ImageNet16-120 in the second, where a batch in which a single
    class has two images scores 0.

    Batch norm uses batch statistics, so images influence each other's gradient. What they add to it cancels
    in part: in single precision the score of a NAS-Bench-201 network is off by up to 2 %.

    NASLib takes the number of outputs for that of classes, as is done here. The original repository does not
    tell its function how many there are, so that 10 are assumed and the first case taken for every data set:
    see :func:`epe_nas_sum`. It draws 256 images at random; a batch that is drawn for this proxy has two of
    each class in it.

    Returns
    -------
    float
        Dimensionless; never negative; higher is better; undefined when no class has two images in the batch,
        when an image has no class, or when an image's gradient is constant over its pixels.

    References
    ----------
    Lopes et al. 2021, EPE-NAS (github.com/VascoLopes/EPE-NAS); Krishnakumar et al. 2022, NAS-Bench-Suite-Zero
    (github.com/automl/NASLib).
    """
    scores, sizes = _class_scores(passes)
    if passes.training.logits.shape[1] <= MANY_CLASSES:
        return scores.abs().sum().item()
    compared = scores[sizes > 1] / sizes[sizes > 1]
    return (compared[:, None] - compared).abs().sum().item() / len(compared)


@register_variant("epe_nas", label="EPE-NAS, always the sum", equation="eq-epe-nas-sum")
def epe_nas_sum(passes: Passes) -> float:
    r"""Sum :math:`|s_c|` over the classes, however many there are; otherwise as :func:`epe_nas`.

    What the original repository computes for every data set. Up to 100 classes it is :func:`epe_nas`.
    """
    scores, _ = _class_scores(passes)
    return scores.abs().sum().item()


def _class_scores(passes: Passes) -> tuple[Tensor, Tensor]:
    """Return for each class in the batch its score and how many images it has, both (classes,)."""
    if not passes.batch.task.has_classes:
        raise Undefined(f"there are no images of one class to compare in the task {passes.batch.task.name}")
    labels = passes.labels.cpu()
    classes, sizes = torch.unique(labels, return_counts=True)
    if sizes.max() < 2:
        raise Undefined(
            "no class has two images in the batch to compare; draw one in which they do: "
            "zsnas.batch(…, images_per_class=2)"
        )
    similarity = _log_similarity(double(passes.input_jacobian)).cpu()
    within = [similarity[labels == c][:, labels == c].sum() for c in classes]
    return torch.stack(within), sizes


def _log_similarity(jacobian: Tensor) -> Tensor:
    """Return the logarithm of the absolute correlation of any two rows."""
    if (jacobian.amax(1) == jacobian.amin(1)).any():
        raise Undefined("an image's input gradient is constant")
    return (torch.corrcoef(jacobian).abs() + EPSILON).log()

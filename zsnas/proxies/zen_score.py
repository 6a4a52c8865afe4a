"""Zen-score: how expressive a network of Gaussian weights is around Gaussian inputs."""

from __future__ import annotations

import math
from itertools import compress
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zsnas.proxies._norms import marks, taken_out
from zsnas.proxies._outputs import check_output
from zsnas.proxies._passes import Passes, noise_like, shared_pass, with_values
from zsnas.proxies._placement import check_layers, double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._trace import Trace
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import module_biases

PERTURBATION = 1e-2
MOMENTUM = 0.1


class GaussianProbe(NamedTuple):
    """The answer of a network of Gaussian weights to Gaussian noise."""

    difference: Tensor
    """Change of the features (batch, …) when the input is perturbed."""
    variances: list[float]
    """Of the input of each batch norm: unbiased, a mean over its channels."""
    perturbed_variances: list[float]
    """The same, when the input is perturbed."""


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
    mean over channels of the variance in batch norm :math:`k`. A batch norm whose input is constant has no
    scale to put back, and is left out.

    Convolution and linear weights are redrawn from N(0, 1) by the seed, their biases are zero; batch and
    group norm have scale 1 and shift 0. A frozen batch norm, whose statistics are not the batch's, has no
    scale to put back: it returns what it is given. One draw of weights and as many noise images as the batch
    has; images and labels are not used.

    This is ZenNAS with its 32 repetitions, in the limit. Its code reads the batch norms' running variance,
    which starts at 1 and approaches the variance used here: the mean over 32 repetitions lies 0.095 lower for
    each batch norm, and one repetition, which its search and the codes of NASLib, AZ-NAS and the survey make,
    up to 0.83: see ``zen_score_once``. Its search also takes the residual links out, which stay here as they
    do in the other codes. All take the sum of absolute differences where the survey's Eq. 11 prints the
    Frobenius norm, and the mean of the variances over the whole batch.

    Returns
    -------
    float
        Dimensionless (a logarithm); higher is better; undefined when the features do not change, for a
        detector, which returns boxes, and for tokens.

    References
    ----------
    Lin et al. 2021, Zen-NAS.
    """
    variances = [variance for variance in gaussian_probe(passes).variances if variance]
    return _log_change(passes) + sum(math.log(variance) / 2 for variance in variances)


def _log_change(passes: Passes) -> float:
    change = double(gaussian_probe(passes).difference.abs().flatten(1).sum(1)).mean()
    if change == 0:
        raise Undefined("the features do not depend on the input")
    return math.log(change)


@register_variant("zen_score", label="Zen-score, one repetition", equation="eq-zen-score-once")
def zen_score_once(passes: Passes) -> float:
    r"""Put back the running variance of batch norm after one repetition; otherwise as :func:`zen_score`.

    It starts at 1, and each of the two passes of a repetition, without the perturbation and with it, moves it
    by a tenth of the way to its variance: :math:`0.81 + 0.09\,\sigma^2 + 0.1\,\sigma'^2`. What the codes of
    NASLib, AZ-NAS and the survey compute, and ZenNAS in its search.
    """
    probe = gaussian_probe(passes)
    pairs = zip(probe.variances, probe.perturbed_variances, strict=True)
    running = [_moved(_moved(1, first), second) for first, second in pairs]
    return _log_change(passes) + sum(math.log(variance) / 2 for variance in running)


def _moved(running: float, variance: float) -> float:
    return (1 - MOMENTUM) * running + MOMENTUM * variance


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
    change = gaussian_probe(passes).difference.flatten(1).norm(dim=1).mean()
    scalings = torch.cat([change.new_zeros(0), *sample_variances(passes)]).sqrt()
    if change == 0 or (scalings == 0).any():
        raise Undefined("the features do not depend on the input, or a batch norm sees a single position")
    logarithms: float = (double(change).log() + double(scalings).log().sum()).item()
    return logarithms


@shared_pass
def gaussian_probe(passes: Passes) -> GaussianProbe:
    """Compare the features of Gaussian noise with and without a perturbation, all weights redrawn."""
    values, noise, direction = _draw(passes)
    features, trace = _features(passes, values, noise.clone())
    perturbed, perturbed_trace = _features(passes, values, noise + PERTURBATION * direction)
    if not (features.isfinite().all() and perturbed.isfinite().all()):
        raise Undefined("the features of Gaussian weights exceed the range of the precision")
    of_images = _of_images(passes, values, trace)
    return GaussianProbe(
        features - perturbed,
        [variance.mean().item() for variance in compress(trace.variances, of_images)],
        [variance.mean().item() for variance in compress(perturbed_trace.variances, of_images)],
    )


def _of_images(passes: Passes, values: dict[int, Tensor], trace: Trace) -> list[bool]:
    """Tell which batch norms take what depends on the images; others standardise weights.

    Images that are no numbers do not reach those.
    """
    if not any(trace.without_running):
        return [True] * len(trace.variances)
    _, shown = _features(passes, values, torch.full_like(passes.images, math.nan))
    pairs = zip(shown.variances, shown.without_running, strict=True)
    return [not without_running or bool(variance.isnan().any()) for variance, without_running in pairs]


@shared_pass
def sample_variances(passes: Passes) -> list[Tensor]:
    """Return for the same noise and each batch norm each image's variance, a mean over channels, (batch,)."""
    values, noise, _ = _draw(passes)
    _, trace = _features(passes, values, noise, sample_variances=True)
    return list(compress(trace.sample_variances, _of_images(passes, values, trace)))


def _draw(passes: Passes) -> tuple[dict[int, Tensor], Tensor, Tensor]:
    """Draw the layers' weights, noise and a direction, the same in every pass."""
    check_layers(passes.model)
    values = {id(weight): noise_like(weight) for weight in passes.weights}
    biases = (bias for module in passes.model.modules() for bias in module_biases(module))
    values |= {id(bias): torch.zeros_like(bias) for bias in biases}
    for norm in passes.model.modules():
        if isinstance(norm, (_BatchNorm, nn.GroupNorm)):
            for name, parameter in norm.named_parameters(recurse=False):
                values[id(parameter)] = torch.full_like(parameter, name == "weight")
    values |= passes.other_norms.neutral(passes.model) | marks(passes.model)
    return values, noise_like(passes.images), noise_like(passes.images)


def _features(
    passes: Passes, values: dict[int, Tensor], images: Tensor, *, sample_variances: bool = False
) -> tuple[Tensor, Trace]:
    with (
        torch.no_grad(),
        taken_out(passes.model, lambda call: not call.training),
        passes.tracing(sample_variances=sample_variances) as trace,
    ):
        check_output(with_values(passes.model, values, images))
    features = trace.pooled if trace.pooled is not None else trace.classified
    if passes.batch.task.is_dense:
        features = trace.last_input
    if features is None:
        raise Undefined("the network has no global pooling and no linear layer to take features from")
    return features, trace

"""VKDNW: how many parameters there are, and how evenly the outputs tell of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zsnas._watching import Functions
from zsnas.proxies._blocks import initialised
from zsnas.proxies._norms import batch_norm_call, marks, taken_out
from zsnas.proxies._outputs import logits_of
from zsnas.proxies._passes import Passes, gradient_of, noise_like, shared_pass, with_values
from zsnas.proxies._placement import check_layers, double
from zsnas.proxies._registry import register, register_variant
from zsnas.proxies._undefined import Undefined

IMAGES = 64
"""Of noise, whatever the batch holds."""
TENSORS = 128
"""How many of the network's tensors of parameters are looked at, from the input on."""
UNIFORM = 0.05
"""The share of equal probabilities that is mixed into the predicted ones."""
EPSILON = 1e-10
_IDLE = "no parameter that is looked at changes the outputs"


@register(
    label="VKDNW",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-vkdnw",
    reference="tybl2025",
    statistics="running",
)
def vkdnw(passes: Passes) -> float:
    r"""Add the entropy of the Fisher information's eigenvalues to the number of parameter tensors.

    :math:`T - \sum_{k=1}^{9} q_k \log(q_k + 10^{-10})`, where :math:`T` counts the tensors of parameters
    (weights, biases, scales and shifts) and :math:`q_k` are the deciles, divided by their sum, of the
    eigenvalues of the Fisher information :math:`\frac{1}{64} \sum_b J_b^\top (\operatorname{diag}(p_b) - p_b
    p_b^\top) J_b`. The matrix :math:`J_b` differentiates the logits of image :math:`b` by the first entry of
    each of the first 128 tensors; :math:`p_b` are its predicted probabilities, of which 5 % are equal for all
    classes. It takes a backward pass for each image and class: of a hundred classes a minute, where
    :func:`vkdnw_directions` takes a second.

    The 64 images are Gaussian noise of the size of those in the batch, each run alone; weights of layers are
    redrawn from :math:`N(0, 2/\text{inputs})`, biases are 0, and batch norm is as in a network that has seen
    no image: mean 0, variance 1, scale 1, shift 0, so that it changes nothing. No images of the batch, no
    labels. Where nine in ten directions have no information the deciles are 0, and so is the entropy.

    This is the code of Tybl and Neumann 2025 for NAS-Bench-201, of which the paper makes the sum; its tables
    order by the count and then by the entropy, which is the same where counts differ by more than log 9. In
    one thing it is the paper: the code multiplies :math:`J_b` by a Cholesky factor of the covariance, and not
    by its transpose, so that what takes the place of the covariance depends on the order of the classes. For
    MobileNet-v2 the code takes 128 tensors at random, and quantiles from 0 to 1.

    Returns
    -------
    float
        Dimensionless; higher is better; undefined for tokens, for tasks without classes, and when no
        parameter that is looked at changes the outputs.

    References
    ----------
    Tybl and Neumann 2025, VKDNW.
    """
    return _tensors(passes) + entropy(passes)


@register_variant("vkdnw", label="VKDNW, entropy alone", equation="eq-vkdnw-entropy")
def vkdnw_entropy(passes: Passes) -> float:
    """Leave out the number of tensors; otherwise as :func:`vkdnw`. Between 0 and log 9."""
    return entropy(passes)


@register_variant("vkdnw", label="VKDNW, a direction an image", equation="eq-vkdnw-directions")
def vkdnw_directions(passes: Passes) -> float:
    r"""Look at each image's logits along one random direction; otherwise as :func:`vkdnw`.

    The direction is a root of the covariance, :math:`\operatorname{diag}\sqrt{p_b} - p_b
    \sqrt{p_b}^\top`, times random signs, so that the mean over the signs is the Fisher information. It costs
    one backward pass an image, for any number of classes. At most 64 eigenvalues are not 0, however many
    tensors there are, so that the entropy of many is lower.
    """
    return _tensors(passes) + entropy_of_directions(passes)


def _tensors(passes: Passes) -> int:
    return sum(1 for _ in passes.model.parameters())


@shared_pass
def entropy(passes: Passes) -> float:
    """Return the entropy of the deciles of the eigenvalues of the Fisher information."""
    return _entropy(_scores(passes, every_class=True))


@shared_pass
def entropy_of_directions(passes: Passes) -> float:
    """Return the same of what one random direction an image tells of it."""
    return _entropy(_scores(passes, every_class=False))


def _entropy(rows: Tensor) -> float:
    """Return the entropy of the deciles of the eigenvalues of rowsᵀ rows, whose scale does not matter."""
    values = torch.linalg.svdvals(double(rows))
    values[values <= max(rows.shape) * torch.finfo(rows.dtype).eps * values[0]] = 0
    if not values.any():
        raise Undefined(_IDLE)
    eigenvalues = F.pad(values.square() / IMAGES, (0, rows.shape[1] - len(values)))
    levels = torch.arange(1, 10, dtype=eigenvalues.dtype, device=eigenvalues.device) / 10
    deciles = eigenvalues.quantile(levels)
    shares = deciles / (deciles.sum() + EPSILON)
    found: float = -(shares * (shares + EPSILON).log()).sum().item()
    return found


def _scores(passes: Passes, *, every_class: bool) -> Tensor:
    """Differentiate each image's logits by the parameters, along the root of the covariance of its class.

    Of shape (images × classes, tensors), or (images, tensors) along one random direction.
    """
    if not passes.batch.task.has_classes:
        raise Undefined("it is defined for classes of images, and this task has none")
    check_layers(passes.model)
    _ = passes.of_images(slice(1)).differentiable  # which says why, if gradients are not those of the network
    values = initialised(passes.model) | passes.other_norms.neutral(passes.model) | marks(passes.model)
    noise = noise_like(passes.images.new_empty(IMAGES, *passes.images.shape[1:]))
    seen = [parameter for parameter in passes.model.parameters() if parameter.is_floating_point()][:TENSORS]
    entries = [values.setdefault(id(p), p.detach().clone()).requires_grad_() for p in seen]
    rows = []
    with ExitStack() as stack:
        stack.enter_context(taken_out(passes.model, lambda _call: False))
        stack.enter_context(_Untrained())
        for image in noise:
            output = with_values(passes.model, values, image[None])
            along = _rotated(logits_of(output, passes.batch)[0])
            if not along.requires_grad:
                raise Undefined(_IDLE)
            if not every_class:
                along = (along * (torch.randint(2, along.shape, device="cpu") * 2 - 1).to(along)).sum(0, True)
            for value in along:
                gradients = gradient_of([value], entries)
                rows.append(torch.stack([gradient.flatten()[0] for gradient in gradients]))
    if not torch.stack(rows).isfinite().all():
        raise Undefined("the gradients of the outputs are not finite")
    return torch.stack(rows)


def _rotated(logits: Tensor) -> Tensor:
    """Multiply the logits of an image by a root of the covariance of a class drawn from its prediction."""
    probabilities = logits.detach().softmax(0) * (1 - UNIFORM) + UNIFORM / len(logits)
    root = probabilities.sqrt()
    return root * (logits - probabilities @ logits)


class _Untrained(Functions):
    """Gives batch norm, where it uses running statistics, those that it begins with."""

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = batch_norm_call(function, args, kwargs)
        if call is None or call.training or call.running_mean is None or call.running_var is None:
            return function(*args, **kwargs)
        mean, variance = torch.zeros_like(call.running_mean), torch.ones_like(call.running_var)
        return F.batch_norm(*call._replace(running_mean=mean, running_var=variance))

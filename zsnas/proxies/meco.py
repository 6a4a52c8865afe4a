"""MeCo: how far the channels of each layer are from repeating each other."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor, nn

from zsnas.proxies._outputs import check_output
from zsnas.proxies._passes import Passes, noise_like, shared_pass
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined, reason_of

SIDE = 64
"""Height and width of the random image, in pixels."""


@register(
    label="MeCo",
    higher_is_better=True,
    kind="gradient-free",
    target=("trainability", "generalization"),
    equation="eq-meco",
    reference="jiang2023",
)
def meco(passes: Passes) -> float:
    r"""Add up the smallest eigenvalues of the layers' correlation matrices.

    :math:`\sum_m \lambda_{\min}(P_m)`, where :math:`P_m` holds the Pearson correlations between the channels
    of what module :math:`m` returns, over its positions, for one image of Gaussian noise.

    Every module counts that is called and returns a tensor, as in the original implementation: layers,
    activations, pooling, and the modules that contain them, so that a tensor that passes up through two
    containers counts three times. No images, no labels. The noise has 64 × 64 pixels, as in the original, or
    the size of the batch's images if that is larger. Batch norm uses the statistics of this one image. A
    constant channel correlates with nothing, itself included; a layer with one, with fewer positions than
    channels, or with a single position, adds 0. Series have the length of those in the batch.

    This is one of three codes of Jiang et al. 2023, that of the measure's own file; the one for NAS-Bench-201
    takes a real image of 32 × 32 pixels, and the one among the measures of Abdelfattah et al. 2021 the first
    output of a batch. All compute in single precision, where the eigenvalue of a singular matrix is 0 only
    to some 10⁻⁶. How often a tensor counts follows from the modules: in the published networks of
    NAS-Bench-201, as in ours, the output of a convolution three times, of a pooling twice.

    Returns
    -------
    float
        Dimensionless; never negative but for rounding; higher is better; undefined when the network cannot
        run on the noise, for a detector, which returns boxes, and for tokens.

    References
    ----------
    Jiang et al. 2023, MeCo.
    """
    return sum(noise_response(passes))


@shared_pass
def noise_response(passes: Passes) -> list[float]:
    """Return the smallest eigenvalue for each call of a module, in order of execution."""
    channels, *sides = passes.images.shape[1:]
    noise = noise_like(passes.images.new_empty(1, channels, *_noise_sides(sides))).contiguous()
    eigenvalues: list[float] = []
    known: dict[int, tuple[Tensor, float]] = {}

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor):
            return
        if id(output) not in known:
            known[id(output)] = output, _smallest_eigenvalue(output)
        eigenvalues.append(known[id(output)][1])

    with ExitStack() as stack:
        for module in passes.model.modules():
            stack.callback(module.register_forward_hook(keep).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(passes.tracing())
        check_output(_answer(passes.model, noise))
    return eigenvalues


def _answer(model: nn.Module, noise: Tensor) -> object:
    try:
        return model(noise)
    except Undefined:
        raise
    except Exception as error:
        why = f"the network does not run on noise of the shape {tuple(noise.shape)}"
        raise Undefined(reason_of(error, why)) from error


def _noise_sides(sides: list[int]) -> list[int]:
    return [max(side, SIDE) for side in sides] if len(sides) == 2 else sides  # a series has its own length


def _smallest_eigenvalue(output: Tensor) -> float:
    """Return it for the correlations between the channels of (1, channels, …); 0 when they are dependent."""
    if not output.isfinite().all():
        raise Undefined("what a module returns for the noise is not finite")
    if output.dim() < 3:
        return 0.0
    features = output[0].flatten(1)
    channels, positions = features.shape
    if positions <= channels or (features.amax(1) == features.amin(1)).any():
        return 0.0
    correlations = torch.corrcoef(double(features)).reshape(channels, channels)
    smallest: float = torch.linalg.eigvalsh(correlations)[0].item()
    return smallest

"""Noise through the blocks of a network, and gradients back through each: what AZ-NAS scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zsnas.proxies._norms import is_frozen_norm, marks, taken_out
from zsnas.proxies._outputs import check_output
from zsnas.proxies._passes import Passes, noise_like, shared_pass, standard_normal, with_values
from zsnas.proxies._placement import check_layers, double
from zsnas.proxies._trace import Trace
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import LAYERS

EPSILON = 1e-8
SINGLE_PRECISION = torch.finfo(torch.float32).eps
_NORMS = (_BatchNorm, nn.GroupNorm)


class BlockProbe(NamedTuple):
    """How noise goes through the blocks of a network whose weights are redrawn."""

    entropies: list[float]
    """Of the input of the first block and of each block's output, in order of execution. NaN if constant,
    minus infinity if they vary, in single precision, in fewer directions than they have channels."""
    gains: list[float]
    """How much of a random gradient each block passes back: the largest singular value of the mean product of
    the gradients at its input and its output. Infinite when the two are the same, NaN when the output's
    height and width do not divide the input's."""
    of_tokens: bool = False
    """Whether features are tokens of a transformer, see :mod:`zsnas.proxies._tokens`."""


@shared_pass
def block_probe(passes: Passes) -> BlockProbe:
    """Send Gaussian noise through a network of redrawn weights, and random signs back through each block.

    A block is an outermost module with modules inside it that takes one batch of feature maps (batch,
    channels, height, width) and returns another; the network itself, ``nn.Sequential`` and normalisation
    layers are not blocks. The signs, −1 or 1 with equal probability, stop at the block's input.
    """
    blocks = _find_blocks(passes.model, passes.images[:1])
    if not blocks:
        raise Undefined(
            "the network has no blocks: no module, other than a sequence, maps features to features"
        )
    probe = BlockProbe([], [])
    check_layers(passes.model)
    values = initialised(passes.model) | passes.other_norms.neutral(passes.model) | marks(passes.model)
    noise = noise_like(passes.images)
    with ExitStack() as stack:
        stack.enter_context(taken_out(passes.model, lambda call: not call.training))
        trace = stack.enter_context(passes.tracing())
        for block in blocks:
            stack.callback(block.register_forward_pre_hook(_cut).remove)
            stack.callback(block.register_forward_hook(_observer(probe, trace)).remove)
        check_output(with_values(passes.model, values, noise))
    return probe


def _find_blocks(model: nn.Module, image: Tensor) -> list[nn.Module]:
    """Run one image through the network to see which modules map features to features."""
    found: dict[str, torch.Size] = {}
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if name and is_composite(module):
                stack.callback(module.register_forward_hook(_shape_keeper(found, name)).remove)
        stack.enter_context(torch.no_grad())
        model(image.clone())  # which the network may overwrite
    outermost = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    if image.shape[-1] == image.shape[-2] and any(_has_channels_last(found[name]) for name in outermost):
        raise Undefined("the features of a block have their channels last, not after the images")
    return [model.get_submodule(name) for name in outermost]


def _has_channels_last(shape: torch.Size) -> bool:
    """Tell whether the features of a square image are (images, height, width, channels)."""
    return shape[1] == shape[2] != shape[3]


def is_composite(module: nn.Module) -> bool:
    is_other = isinstance(module, (nn.Sequential, *_NORMS)) or is_frozen_norm(module)
    return any(True for _ in module.children()) and not is_other


def _shape_keeper(
    found: dict[str, torch.Size], name: str
) -> Callable[[nn.Module, tuple[object, ...], object], None]:
    def keep(_module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if len(inputs) == 1 and is_features(inputs[0]) and is_features(output):
            found[name] = output.shape

    return keep


def is_features(value: object) -> TypeGuard[Tensor]:
    return isinstance(value, Tensor) and value.dim() == 4


def initialised(model: nn.Module) -> dict[int, Tensor]:
    """Draw layers' weights from N(0, 2 / inputs); biases become 0 and the scales of normalisation 1.

    What else a layer has, such as the gain of standardised weights, stays. A tied parameter is drawn once.
    The result is by the parameters' ids.
    """
    values: dict[int, Tensor] = {}
    for module in model.modules():
        if isinstance(module, (*LAYERS, *_NORMS)):
            for role, parameter in module.named_parameters(recurse=False):
                if role in ("weight", "bias") and id(parameter) not in values:
                    values[id(parameter)] = _initial(module, role, parameter)
    return values


def _initial(module: nn.Module, role: str, parameter: Tensor) -> Tensor:
    if role == "bias":
        return torch.zeros_like(parameter)
    if isinstance(module, _NORMS):
        return torch.ones_like(parameter)
    weight = standard_normal(parameter.shape).to(parameter) * math.sqrt(2 / parameter[0].numel())
    return weight.to(memory_format=torch.channels_last) if weight.dim() == 4 else weight


def _cut(_block: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0].detach().requires_grad_(),)


def _observer(probe: BlockProbe, trace: Trace) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
    def observe(_block: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if not probe.entropies:
            probe.entropies.append(entropy_of(inputs[0].detach()))
        probe.entropies.append(entropy_of(output.detach()))
        probe.gains.append(gain_of(inputs[0], output))
        for kept in (trace.outputs, trace.scaled, trace.rectified, trace.versions, trace.relus):
            kept.clear()

    return observe


def entropy_of(features: Tensor) -> float:
    """Return the entropy of the shares of variance of the principal components of the channels."""
    rows = double(_by_position(features))
    if not rows.isfinite().all():
        raise Undefined("the features of a block are not finite")
    if (rows == rows[0]).all():
        return math.nan
    centred = rows - rows.mean(0)
    variances = torch.linalg.eigvalsh(centred.T @ centred)
    if variances[0] <= (len(variances) * SINGLE_PRECISION) ** 2 * variances[-1]:  # squares of singular values
        return -math.inf
    shares = variances / variances.sum()
    entropy: float = -(shares * (shares + EPSILON).log()).sum().item()
    return entropy


def gain_of(inputs: Tensor, output: Tensor) -> float:
    signs = _random_signs(output)
    if output.requires_grad:
        (back,) = torch.autograd.grad(output, inputs, signs, allow_unused=True, materialize_grads=True)
    else:
        back = torch.zeros_like(inputs)
    if back.shape == signs.shape and torch.equal(back, signs):
        return math.inf
    stride, rest = divmod(inputs.shape[2], output.shape[2])
    if rest or inputs.shape[3] != stride * output.shape[3]:
        return math.nan
    received = _by_position(F.pixel_unshuffle(back, stride) if stride > 1 else back)
    mean_product = received.T @ _by_position(signs) / len(received)
    if not mean_product.isfinite().all():
        raise Undefined("the gradients through a block are not finite")
    gain: float = torch.linalg.matrix_norm(double(mean_product), 2).item()
    return gain


def _random_signs(like: Tensor) -> Tensor:
    """Draw −1 and 1, a byte of random bits at a time, lowest bit first, channels varying fastest."""
    bits = torch.arange(8, device="cpu")
    of_byte = (torch.arange(256, device="cpu")[:, None] >> bits & 1) * 2.0 - 1
    random_bytes = torch.randint(0, 256, (-(-like.numel() // 8),), device="cpu")
    signs = F.embedding(random_bytes, of_byte).flatten()[: like.numel()].to(like)
    return signs.view(like.movedim(1, -1).shape).movedim(-1, 1)


def _by_position(features: Tensor) -> Tensor:
    """Turn (batch, channels, height, width) into (batch × height × width, channels)."""
    return features.movedim(1, -1).flatten(0, 2)

"""NEAR: in how many directions what each layer returns varies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zsnas._watching import Functions
from zsnas.proxies._outputs import check_output
from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._placement import double
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import CONVOLUTIONS, LOOKUPS, PRODUCTS, TRANSPOSED, named_arguments

_NAMES = (
    *("celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu"),
    *("logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus"),
    *("softshrink", "softsign", "tanh", "tanhshrink", "threshold"),
)
_ACTIVATIONS = {
    getattr(place, name)
    for place in (torch, F, Tensor)
    for plain in _NAMES
    for name in (plain, f"{plain}_")
    if hasattr(place, name)
}
_BY_CHANNEL = {
    *CONVOLUTIONS,
    *TRANSPOSED,
    *(F.batch_norm, torch.batch_norm, torch.native_batch_norm, F.group_norm, torch.group_norm),
    *(F.instance_norm, torch.instance_norm),
}
"""Layers and normalisation whose channels are the second axis."""
_BY_FEATURE = {F.linear, *LOOKUPS, F.layer_norm, torch.layer_norm, F.rms_norm, torch.rms_norm}
"""Those whose channels are the last one."""


@register(
    label="NEAR",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-near",
    reference="husistein2025",
)
def near(passes: Passes) -> float:
    r"""Add up the effective ranks of what layers, normalisation and activations return.

    :math:`\sum_l \exp\bigl(-\sum_i p_{li} \log p_{li}\bigr)`, where :math:`p_{li}` are the singular values of
    matrix :math:`l`, divided by their sum. A matrix has a column for each channel and as many rows as
    columns, each a position of an image.

    The positions of feature maps follow one another down the columns of an image and from image to image; the
    rows are a run of them that begins at a column, or at a token, drawn by the seed. Where attention or
    windows move positions along the batch, the run follows that order. Where the batch has fewer positions
    than there are channels, as behind a linear layer of more features than there are images, all are taken. A
    matrix of zeros adds 0. The network as it was initialised, batch norm using batch statistics; labels are
    not used. A softmax is no activation here, and what a recurrent layer does inside is not seen.

    The code of Husistein et al. 2025 watches modules: those with an attribute ``weight`` and torch's
    activations, softmax and attention among them, each once however often it is called, while here every call
    counts, as a module or not. It goes on to further batches until there are as many rows as columns. Its run
    of rows may reach the end of the data and is then shorter; here it never is. It takes feature maps and
    vectors only; here tokens are positions, too. By default it makes one draw of all weights, as here, and
    takes a mean if more are asked for.

    Returns
    -------
    float
        A number of directions, at most the channels of all matrices together; higher is better; undefined
        without layers and activations, and when one returns what is not finite.

    References
    ----------
    Husistein et al. 2025, NEAR.
    """
    return sum(effective_ranks(passes))


@shared_pass
def effective_ranks(passes: Passes) -> list[float]:
    """Return the effective rank of what each layer, normalisation and activation returns, in order."""
    watch = _Watch({id(weight) for weight in passes.weights})
    with torch.no_grad(), watch, passes.tracing():  # which then asks the watch for what it has exchanged
        check_output(passes.model(passes.images.clone()))
    if not watch.ranks:
        raise Undefined("the network has no layer and no activation")
    return watch.ranks


class _Watch(Functions):
    """Takes the effective rank of what torch's functions return."""

    def __init__(self, weights: set[int]) -> None:
        super().__init__()
        self.weights = weights
        self.axis = 1
        """Of the channels that the last layer or normalisation returned."""
        self.ranks: list[float] = []

    def answer(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        result = function(*args, **kwargs)
        if function in _BY_CHANNEL:
            self.axis = 1
        elif function in _BY_FEATURE or self._is_product(function, args, kwargs):
            self.axis = -1
        elif function not in _ACTIVATIONS:
            return result
        returned: Tensor = result[0] if isinstance(result, tuple) else result
        if returned.dim() > 1:
            self.ranks.append(_effective_rank(_rows(returned, self.axis)))
        return result

    def _is_product(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool:
        """Tell whether a function multiplies matrices, one of them a weight of the network."""
        if function not in PRODUCTS:
            return False
        weight = named_arguments(function, args, kwargs)["weight"]
        return bool({id(weight), id(weight._base)} & self.weights)  # noqa: SLF001 (torch has no public name)


def _rows(returned: Tensor, axis: int) -> Tensor:
    """Return as many positions as there are channels, (positions, channels), from one that is drawn."""
    by_position = returned.transpose(1, -1) if axis == 1 else returned
    *positions, channels = by_position.shape
    count = torch.Size(positions).numel()
    taken = min(channels, count)
    column = positions[-1] if len(positions) > 2 else 1  # vectors, tokens and series have none
    start = column * int(torch.randint((count - taken) // column + 1, (), device="cpu"))
    run = torch.arange(start, start + taken, device=returned.device)
    return by_position[torch.unravel_index(run, torch.Size(positions))]


def _effective_rank(matrix: Tensor) -> float:
    """Return the exponential of the entropy of the shares of the singular values; 0 for zeros."""
    if not matrix.isfinite().all():
        raise Undefined("what a layer returns is not finite")
    values = torch.linalg.svdvals(double(matrix))
    shares = values / values.sum()
    return torch.special.entr(shares).sum().exp().item() if values.any() else 0.0

"""SWAP: how many different patterns the ReLU units show over a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register

BITS_IN_FLOAT = 16
"""Images whose on and off fit in a float32 without rounding, and four times in an integer."""


@register(
    label="SWAP",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-swap",
    reference="peng2024",
)
def swap(passes: Passes) -> float:
    r"""Count how many different patterns of on and off the units show over the images.

    :math:`|\{ (\mathbb{1}[a_u(x_1) > 0], \ldots, \mathbb{1}[a_u(x_B) > 0]) : u \}|`: each ReLU-like unit
    :math:`u`, a channel at a position, writes one bit for each of the :math:`B` images, and equal words count
    once. One that sees no image writes nothing.

    The network as it was initialised, batch norm using batch statistics; labels are not used. There are at
    most :math:`2^B` words: 16 images make 65,536, which a cell of convolutions in NAS-Bench-201 uses up,
    while from some 32 images on nearly every unit has a word of its own and the score counts the units that
    are neither always on nor always off, copies once. Compare scores of one batch size only. Bits are packed
    64 images to an integer; more images take more integers, and the count stays exact.

    The code of Peng et al. 2024 takes 16 images and the mean of 32 draws of all weights from N(0, 1), whose
    scale a batch norm takes out again, and counts ReLUs of feature maps, where here all ReLU-like activations
    count. Its regularisation by the number of parameters, which its own comparison does not use, is left out.

    Returns
    -------
    float
        A number of patterns; higher is better; undefined without ReLU-like activations.

    References
    ----------
    Peng et al. 2024, SWAP-NAS.
    """
    return _distinct(torch.cat([_words(output) for output in passes.rectified], 1))


def _words(rectified: Tensor) -> Tensor:
    """Pack the units' bits, 64 images to an integer: (words, units)."""
    by_unit = rectified.movedim(1, -1) if rectified.dim() == 4 else rectified
    on = (by_unit > 0).float().reshape(len(rectified), -1)
    place = (1 << torch.arange(BITS_IN_FLOAT, device=on.device)).float()
    quarters = [place[: len(images)] @ images for images in torch.split(on, BITS_IN_FLOAT)]
    return torch.stack([_joined(four) for four in torch.split(torch.stack(quarters).long(), 4)])


def _joined(quarters: Tensor) -> Tensor:
    word = torch.zeros_like(quarters[0])
    for position, quarter in enumerate(quarters):
        word += quarter << (BITS_IN_FLOAT * position)
    return word


def _distinct(words: Tensor) -> int:
    """Count the different columns of (words, units)."""
    columns = words[0]
    for word in words[1:]:
        _, left = torch.unique(columns, return_inverse=True)
        values, right = torch.unique(word, return_inverse=True)
        columns = left * len(values) + right
    return len(torch.unique(columns))

"""AZ-NAS trainability: how nearly each block keeps the size of a gradient that passes back through it."""

from __future__ import annotations

import math
from statistics import fmean

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._tokens import feature_probe
from zsnas.proxies._undefined import Undefined

EPSILON = 1e-6


@register(
    label="AZ-NAS trainability",
    higher_is_better=True,
    kind="gradient-based",
    target=("trainability",),
    equation="eq-az-trainability",
    reference="lee2024",
)
def az_trainability(passes: Passes) -> float:
    r"""Average over the blocks how far they are from stretching or shrinking gradients.

    :math:`\frac{1}{L} \sum_{l=1}^{L} \bigl(2 - \sigma_l - (\sigma_l + 10^{-6})^{-1}\bigr)`, at most about 0,
    where :math:`\sigma_l` is the largest singular value of the mean over images and positions of
    :math:`g_{l-1} g_l^\top`: the gradient :math:`g_l` at the output of block :math:`l` is −1 or 1 at random,
    and :math:`g_{l-1}` is what arrives at its input.

    Where a block divides height and width by :math:`s`, the :math:`s \times s` positions of its input that
    belong to one of its output count as channels. Blocks, noise and weights are those of ``az_expressivity``;
    each block has its own random gradient, and what lies between two blocks is left out (in NAS-Bench-201
    nothing does).

    In a transformer the signs go from each residual sum of its tokens back to the last, see
    ``az_expressivity``; the first, which has none before it, and one that returns them unchanged are left
    out, and so is one that follows another number of tokens, as behind pooling.

    This is the code of Lee and Ham 2024 for NAS-Bench-201 and for transformers, but for the order of the
    random signs; it knows no transformer that pools.

    Returns
    -------
    float
        Dimensionless; higher is better; −10⁶ for a block that passes nothing back; undefined without blocks,
        when a block passes every gradient on unchanged (the original says −∞), when it does not divide height
        and width evenly, and for a transformer that nothing is left of.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    gains = feature_probe(passes).gains
    if not gains:
        raise Undefined("no gradient changes on its way from one residual sum of the tokens to the last")
    if math.inf in gains:
        raise Undefined("a block passes its gradient on unchanged, as a skip connection does")
    if any(map(math.isnan, gains)):
        raise Undefined("a block's output size does not divide its input size")
    return fmean(2 - gain - 1 / (gain + EPSILON) for gain in gains)

"""AZ-NAS progressivity: how steadily the features gain directions from block to block."""

from __future__ import annotations

from itertools import pairwise

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._tokens import feature_probe
from zsnas.proxies._undefined import Undefined
from zsnas.proxies.az_expressivity import defined_entropies


@register(
    label="AZ-NAS progressivity",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-az-progressivity",
    reference="lee2024",
)
def az_progressivity(passes: Passes) -> float:
    r"""Take the smallest step of the features' entropy from one block to the next.

    :math:`\min_{l \geq 1} (H_l - H_{l-1})` with the entropies :math:`H_l` of ``az_expressivity``, of the
    input of the first block and the outputs of all blocks in order of execution.

    Blocks, noise and weights are those of ``az_expressivity``, and so is what the original code does. It
    leaves this part out for transformers. In :func:`zsnas.az_nas`, where it then ranks lowest for all of
    them, it does not change their order.

    Returns
    -------
    float
        In nats; negative when a block loses directions; higher is better; undefined where ``az_expressivity``
        is, and for transformers.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    if feature_probe(passes).of_tokens:
        raise Undefined("AZ-NAS has no progressivity for transformers")
    return min(after - before for before, after in pairwise(defined_entropies(passes)))

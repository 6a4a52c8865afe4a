"""AZ-NAS complexity: what an image costs."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="AZ-NAS complexity",
    higher_is_better=True,
    kind="naive",
    target=(),
    equation="eq-az-complexity",
    reference="lee2024",
)
def az_complexity(passes: Passes) -> float:
    """Count the multiply-accumulates (MACs) of one image, as #FLOPs does.

    The fourth part of AZ-NAS is the number of operations, for which the original reads a benchmark's table or
    its own counter; only the order of networks enters their combination, and #FLOPs gives the same order: the
    table of NAS-Bench-201 counts convolutions and the classifier, too, and no pooling.

    Everything that #FLOPs leaves out is left out here, and what it notes is noted.

    Returns
    -------
    float
        Multiply-accumulates per image at the batch's image size; higher is better; undefined when the
        network cannot run on a single image.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    return passes.macs

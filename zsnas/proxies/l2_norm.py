"""L2-norm: how long the weights are."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import check_values, double
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined


@register(
    label="L2-norm",
    higher_is_better=True,
    kind="naive",
    target=(),
    equation="eq-l2-norm",
    reference="krishnakumar2022",
)
def l2_norm(passes: Passes) -> float:
    r"""Add up the lengths of the layers' weights.

    :math:`\sum_i \lVert \theta_i \rVert_2` over convolution and linear layers :math:`i`.

    No data and no pass. Biases and the affine parameters of batch norm are left out; a tied weight counts
    once. Torch draws a weight with variance :math:`1 / (3 \times \text{inputs})`, so that the length of a
    fresh layer's weights is close to :math:`\sqrt{\text{outputs} / 3}`: at initialisation this is a count of
    layers and channels.

    This is the code of NASLib and the survey. Abdelfattah et al. 2021 have it in a file that is never loaded;
    in their networks, which hold every operation of an edge, all cells of NAS-Bench-201 would score alike.

    Returns
    -------
    float
        In units of a weight; never negative; higher is better; undefined without convolution or linear
        layers.

    References
    ----------
    Krishnakumar et al. 2022, NAS-Bench-Suite-Zero, one of its baselines.
    """
    check_values(passes.model)
    if not passes.weights:
        raise Undefined("the network has no convolution or linear layer")
    return sum(float(double(weight.detach()).norm()) for weight in passes.weights)

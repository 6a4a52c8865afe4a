"""#Params: how many parameters a network has."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="#Params",
    higher_is_better=True,
    kind="naive",
    target=(),
    equation="eq-params",
    reference="li2024",
)
def params(passes: Passes) -> float:
    r"""Count the parameters.

    The number of entries of all parameter tensors, :math:`|\mathbf{\Theta}|`.

    Weights, biases and the affine parameters of normalisation layers count, frozen or not, whether or not
    they are on a path to the output; a tied parameter counts once; buffers such as running statistics do not.
    The survey's code asks ptflops, which leaves frozen parameters out.

    Returns
    -------
    float
        A number of parameters; higher is better; always defined.

    References
    ----------
    Li et al. 2024, the survey's naive proxy #Params.
    """
    return passes.parameter_count

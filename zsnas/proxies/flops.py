"""#FLOPs: how many multiply-accumulates one image costs."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="#FLOPs",
    higher_is_better=True,
    kind="naive",
    target=(),
    equation="eq-flops",
    reference="li2024",
)
def flops(passes: Passes) -> float:
    """Count the multiply-accumulates (MACs) of one image.

    A convolution costs (output elements) × (kernel elements) × (input channels per group), a matrix product
    (rows) × (columns) × (inner length). What the field calls FLOPs is this number; a multiplication and an
    addition counted separately give twice as much.

    Convolutions (deformable and transposed ones, too), linear, bilinear and recurrent layers, attention and
    products of matrices and vectors count, whether torch computes them in one operator or in many; attention
    in full, whatever a mask hides. Biases, normalisation, activations, pooling, interpolation, additions,
    reductions and products of single elements do not, so that an outer product is free, and so is a scalar
    product that is written as a product of elements and a sum.

    An operator of which nothing is known is left out, and a note beside the number names it: Fourier
    transforms, solvers and decompositions, distances, sparse and nested tensors, and the operators of other
    libraries. See :class:`zsnas.macs.MacCounter`.

    Returns
    -------
    float
        Multiply-accumulates per image at the batch's image size; higher is better; undefined when the
        network cannot run on a single image.

    References
    ----------
    Li et al. 2024, the survey's naive proxy #FLOPs.
    """
    return passes.macs

"""NN-Mass: how well the skip connections of a network's cells let gradients flow."""

from __future__ import annotations

from zsnas.proxies._cells import cells
from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register


@register(
    label="NN-Mass",
    higher_is_better=True,
    kind="gradient-free",
    target=("trainability",),
    equation="eq-nn-mass",
    reference="bhardwaj2021",
)
def nn_mass(passes: Passes) -> float:
    r"""Add up, over the cells, density of skip connections times width times depth.

    :math:`\sum_c \rho_c w_c d_c`, where :math:`\rho_c` is the number of skip connections of cell :math:`c`
    divided by the number that could be, :math:`w_c` the mean width of its layers and :math:`d_c` how many
    layers it has.

    The survey leaves open what to count; here it is what the original implementation does. One skip
    connection is one channel. In a cell of layers 1, …, d with the channels n\ :sub:`0` (the cell's input),
    n\ :sub:`1`, …, n\ :sub:`d` (the layers' outputs), one could go from every channel i to every value
    j ≥ i + 2. A layer is a convolution or linear layer, and its width the channels that enter it. A shortcut
    makes n\ :sub:`0` skip connections, with or without a projection; the projection is not a layer.

    - Basic block, 64 channels: n = 64, 64, 64. There are 64 of 64 possible ones, width × depth = 64 + 64:
      NN-Mass 128.
    - Bottleneck 256 → 64 → 64 → 256: 256 of 2 · 256 + 64 = 576, times 256 + 64 + 64 = 384: 170.67.
    - Inverted bottleneck 24 → 144 → 144 → 24: 24 of 2 · 24 + 144 = 192, times 24 + 144 + 144 = 312: 39. One
      without a shortcut: 0.
    - Dense block of two layers with growth 32 on 64 channels: of the values n = 64, 32, 32, the last takes in
      the 64 channels of the first, 64 of 64. The layer that made the first value counts, and the layers of a
      dense cell are as wide as their output: 64 + 32 + 32 = 128. What lies between two concatenations (the
      1×1 and 3×3 convolution of DenseNet) is one layer. A full dense block has density 1.

    The survey's footnote names these blocks. Gates (squeeze and excitation) are left out. Neither weights nor
    labels matter, and of the images only their size.

    Returns
    -------
    float
        Channels; higher is better; does not apply (undefined) to a network without skip connections, with
        one around a single layer, or with additions or concatenations of parallel branches, as in
        Inception, attention and most cells of NB201.

    References
    ----------
    Bhardwaj et al. 2021, How does topology influence gradient propagation and model performance of deep
    networks with DenseNet-type skip connections?; the survey's Eq. 19.
    """
    return sum(cell.density * sum(cell.widths) for cell in cells(passes))

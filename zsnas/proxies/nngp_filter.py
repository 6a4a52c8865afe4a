"""NNGP filter: whether a cell's connections are moderately deep and wide."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import LAYERS
from zsnas.spaces import nb201

DEPTHS = (Fraction(1), Fraction(5, 2))
WIDTHS = (Fraction(1), Fraction(3))

Graph = Mapping[tuple[int, int], int]
"""For each edge of a cell, from node to node, how many layers it has."""


@register(
    label="NNGP filter",
    higher_is_better=True,
    kind="gradient-free",
    target=("trainability",),
    equation="eq-nngp",
    reference="chen2022",
)
def nngp_filter(passes: Passes) -> float:
    r"""Tell how far inside the range of moderate depth and width the connections of a cell lie.

    With :math:`l_p` layers on each of the :math:`P` paths from the cell's input to its output, the effective
    depth is :math:`\bar{d} = \frac{1}{P} \sum_p l_p` and the effective width
    :math:`\bar{m} = |\{p : l_p > 0\}| / \bar{d}`. The score is the smaller of
    :math:`1 - |\bar{d} - 1.75| / 0.75` and :math:`1 - |\bar{m} - 2|`: 1 in the middle of the ranges [1, 2.5]
    and [1, 3], 0 on the border of one, negative outside.

    The paper derives from the spectrum of the NNGP kernel that neither extreme converges best, and uses that
    as a filter, not as a ranking: it discards what lies outside, and the ranges are those of the original
    implementation for this space. Negative here is what it discards. How far inside or outside is this
    project's continuation of it. The kernel is not computed; skip connections and pooling have no layer.
    The cell of the network counts, not how often it is stacked. Weights, images and labels do not matter.

    The cell with convolutions on the edges 0→1, 1→3 and a skip connection on 0→3 has the paths 0-1-3 with
    two layers and 0-3 with none: depth 2 / 2 = 1, width 1 / 1 = 1, score 0. When nothing connects input and
    output, depth and width are 0, and the score −4/3.

    Returns
    -------
    float
        Dimensionless, at most 1; higher is better; does not apply (undefined) to networks without NB201
        cells.

    References
    ----------
    Chen et al. 2022, Deep architecture connectivity matters for its convergence: a fine-grained analysis.
    """
    graphs = [_graph(module) for module in passes.model.modules() if isinstance(module, nb201.Cell)]
    if not graphs or any(graph != graphs[0] for graph in graphs):
        raise Undefined("does not apply: the network is not made of NB201 cells that are all alike")
    depth, width = effective_depth_width(graphs[0])
    return float(min(_margin(depth, DEPTHS), _margin(width, WIDTHS)))


def effective_depth_width(graph: Graph) -> tuple[Fraction, Fraction]:
    """Return the mean number of layers on a path, and how many paths have layers in units of that."""
    paths = _layers_of_paths(graph, 0)
    if not any(paths):
        return Fraction(0), Fraction(0)
    depth = Fraction(sum(paths), len(paths))
    return depth, sum(layers > 0 for layers in paths) / depth


def _margin(value: Fraction, limits: tuple[Fraction, Fraction]) -> Fraction:
    low, high = limits
    return 1 - abs(2 * value - low - high) / (high - low)


def _graph(cell: nb201.Cell) -> dict[tuple[int, int], int]:
    graph = {}
    for name, operation in cell.operations.items():
        source, target = name.split("to")
        graph[int(source), int(target)] = sum(isinstance(module, LAYERS) for module in operation.modules())
    return graph


def _layers_of_paths(graph: Graph, node: int) -> list[int]:
    """Return how many layers each path from a node to the output has."""
    if node == nb201.EDGES[-1][1]:
        return [0]
    return [
        layers + rest
        for (source, target), layers in graph.items()
        if source == node
        for rest in _layers_of_paths(graph, target)
    ]

"""How many architectures NAS-Bench-101 has, counted from its rules and without its data.

A cell is a directed acyclic graph of an input, an output and up to five vertices between, with at most nine
edges in all. Every vertex between is on a path from input to output and has one of three operations. What
differs in the numbering of its vertices only is one architecture.

Source: Ying et al. 2019, NAS-Bench-101.
"""

from __future__ import annotations

from itertools import permutations, product
from math import factorial

import numpy as np

OPERATIONS = ("3×3 convolution", "1×1 convolution", "3×3 max pooling")
MOST_VERTICES = 5
MOST_EDGES = 9


def architectures() -> int:
    """Return how many cells there are, up to the numbering of their vertices.

    Burnside's lemma: the number of classes is the mean, over all permutations of the vertices, of the number
    of cells that a permutation leaves as they are.
    """
    return sum(_with(vertices) for vertices in range(MOST_VERTICES + 1))


def _with(vertices: int) -> int:
    graphs = _acyclic(vertices)
    total = 0
    for order in permutations(range(vertices)):
        same = graphs[(graphs[:, order][:, :, order] == graphs).all(axis=(1, 2))]
        labellings = len(OPERATIONS) ** len(_cycles(order))
        total += labellings * sum(_connections(graph, _cycles(order)) for graph in same)
    return total // factorial(vertices)


def _acyclic(vertices: int) -> np.ndarray:
    """Return the adjacency matrices of all acyclic graphs of these numbered vertices."""
    pairs = [(a, b) for a in range(vertices) for b in range(vertices) if a != b]
    codes = np.arange(2 ** len(pairs))
    graphs = np.zeros((len(codes), vertices, vertices), dtype=np.uint8)
    for bit, (a, b) in enumerate(pairs):
        graphs[:, a, b] = codes >> bit & 1
    power = graphs.copy()
    for _ in range(vertices - 1):  # a walk of as many steps as there are vertices meets a cycle
        power = np.minimum(power @ graphs, 1)
    return graphs[~power.any(axis=(1, 2))] if vertices else graphs


def _cycles(order: tuple[int, ...]) -> list[list[int]]:
    left, found = set(range(len(order))), []
    while left:
        at = min(left)
        cycle = []
        while at in left:
            left.remove(at)
            cycle.append(at)
            at = order[at]
        found.append(cycle)
    return found


def _connections(graph: np.ndarray, cycles: list[list[int]]) -> int:
    """Count the ways to connect input and output that a permutation with these cycles leaves as they are.

    A vertex without an edge into it needs one from the input, one without an edge out of it one to the
    output; all others may have one. Input and output may be connected directly, and have to be when there
    is nothing between.
    """
    room = MOST_EDGES - int(graph.sum())
    ways = {0: 1}  # so many edges: in so many ways
    for axis in (0, 1):
        bare = graph.sum(axis=axis) == 0
        for cycle in cycles:
            needed = bool(bare[cycle[0]])
            ways = _extended(ways, len(cycle), needed=needed)
    ways = _extended(ways, 1, needed=not cycles)
    return sum(count for edges, count in ways.items() if edges <= room)


def _extended(ways: dict[int, int], edges: int, *, needed: bool) -> dict[int, int]:
    found: dict[int, int] = {}
    for (before, count), more in product(ways.items(), (edges,) if needed else (0, edges)):
        found[before + more] = found.get(before + more, 0) + count
    return found

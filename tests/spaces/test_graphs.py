"""Graph features, by hand and beside a list of all paths."""

from itertools import chain, combinations

import numpy as np
import pytest

from zsnas.spaces import nb101, nb201, space, transnas
from zsnas.spaces.graphs import graph_features

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|avg_pool_3x3~1|nor_conv_1x1~2|"


# The edges are 0→1 3×3, 0→2 none, 1→2 skip, 0→3 3×3, 1→3 pooling, 2→3 1×1. The paths are thus 3×3; none, 1×1;
# 3×3, pooling; 3×3, skip, 1×1.
def test_a_cell_of_nas_bench_201_by_hand():
    found = graph_features("nb201", [CELL]).loc[CELL]
    assert (found["count nor_conv_3x3"], found["count avg_pool_3x3"]) == (2, 1)
    both = "nor_conv_1x1+nor_conv_3x3"
    assert (found[f"shortest {both}"], found[f"longest {both}"]) == (1, 1)
    three = "skip_connect+nor_conv_1x1+nor_conv_3x3"
    assert (found[f"shortest {three}"], found[f"longest {three}"]) == (1, 3)
    assert (found["shortest none+nor_conv_1x1"], found["longest none+nor_conv_1x1"]) == (2, 2)
    assert (found["shortest nor_conv_1x1"], found["longest nor_conv_1x1"]) == (7, -1)  # no path
    assert (found[f"input {both}"], found[f"output {both}"]) == (2, 2)
    assert not any(name.startswith("mean") for name in found.index)
    assert len(found) == 5 + 4 * 31


# 1: 3×3 of the input; 2: 1×1 of 1; the output takes 0, 1 and 2. Paths: nothing; 3×3; 3×3, 1×1.
def test_a_cell_of_nas_bench_101_by_hand():
    cell = "3x3~0+1x1~1+out~012"
    found = graph_features("nb101", [cell]).loc[cell]
    assert found["count 3x3"] == found["count 1x1"] == 1
    assert (found["shortest 3x3"], found["longest 3x3"]) == (0, 1)
    assert (found["shortest 3x3+1x1"], found["longest 3x3+1x1"]) == (0, 2)
    assert (found["input 1x1"], found["output 1x1"]) == (0, 1)
    # Of the four vertices, two take from the 3×3 convolution, and one feeds it.
    assert (found["mean in 3x3"], found["mean out 3x3"]) == (2 / 4, 1 / 4)


def paths_of_edges(edges, operations, last):
    """Return the operations along every path from node 0."""
    found, open_paths = [], [(0, ())]
    while open_paths:
        node, path = open_paths.pop()
        if node == last:
            found.append(path)
        open_paths += [
            (end, (*path, one)) for (start, end), one in zip(edges, operations, strict=True) if start == node
        ]
    return found


def paths_of_vertices(cell):
    """Return the operations along every path from the output back to the input."""
    names, found, open_paths = (*cell.operations, "out"), [], [(len(cell.sources), ())]
    while open_paths:
        vertex, path = open_paths.pop()
        if vertex == 0:
            found.append(path[:-1])
            continue
        onward = (names[vertex - 1], *path)
        open_paths += [(source, onward) for source in cell.sources[vertex - 1]]
    return found


def paths(name, arch):
    if name == "nb201":
        return paths_of_edges(nb201.EDGES, nb201.parse(arch), 3)
    if name == "nb101":
        return paths_of_vertices(nb101.parse(arch))
    chosen = [transnas.OPERATIONS[i] for i in space(name).encoder(arch).cell]
    return paths_of_edges(transnas.EDGES, chosen, 3)


OPERATIONS = {
    "nb201": nb201.OPERATIONS,
    "nb101": ("3x3", "1x1", "max"),
    "transnas-micro": transnas.OPERATIONS,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_paths_are_those_of_a_list_of_all(name):
    every = space(name).architectures
    drawn = [every[i] for i in np.random.default_rng(0).choice(len(every), 100, replace=False)]
    found = graph_features(name, drawn)
    names = OPERATIONS[name]
    for some in chain.from_iterable(combinations(names, size + 1) for size in range(len(names))):
        words = "+".join(some)
        lengths = [
            [len(path) for path in paths(name, arch) if set(path) <= set(some)] or None for arch in drawn
        ]
        without = {"nb101": 6}.get(name, 7)
        assert found[f"shortest {words}"].tolist() == [min(some) if some else without for some in lengths]
        assert found[f"longest {words}"].tolist() == [max(some) if some else -1 for some in lengths]


def test_by_default_all_cells_of_the_space():
    found = graph_features("transnas-micro")
    assert tuple(found.index) == space("transnas-micro").architectures
    assert found.shape == (4096, 4 + 4 * 15)


def test_spaces_without_a_cell_are_refused():
    with pytest.raises(ValueError, match="'nats-sss' has none to choose; choose one of nb201"):
        graph_features("nats-sss", ["8:8:8:8:8"])
    with pytest.raises(ValueError, match="'x' is not an architecture of the search space 'nb201'"):
        graph_features("nb201", ["x"])


@pytest.mark.parametrize("given", [str, lambda arch: iter([arch]), lambda arch: np.array([arch])])
def test_one_cell_or_several_in_any_form(given):
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|none~1|none~2|"
    assert graph_features("nb201", given(cell)).equals(graph_features("nb201", [cell]))

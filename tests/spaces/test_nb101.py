import random
import re

import numpy as np
import pytest
import torch
from torch import nn

from zsnas.benchmarks.nb101 import numbers
from zsnas.counting import counts
from zsnas.sources import fetch
from zsnas.spaces import _nb101_cells as cells
from zsnas.spaces import space
from zsnas.spaces._base import Space
from zsnas.spaces._nb101_networks import Network
from zsnas.spaces.nb101 import parse, widths

CELLS = space("nb101")
MIXED = "3x3~0+1x1~01+max~2+out~013"
EXAMPLE = [CELLS.architectures[i] for i in np.random.default_rng(0).choice(423_624, 6, replace=False)]


def meta_network(arch, classes=10):
    with torch.device("meta"):
        return Network(parse(arch), classes)


# --- cells


def test_every_cell_is_there_once():
    assert len(set(CELLS.architectures)) == len(CELLS.architectures) == 423_624  # Ying et al. 2019, Section 2
    by_size = np.bincount(cells.vertices(cells.written()))
    assert by_size[2:].tolist() == [1, 6, 84, 2_441, 62_010, 359_082]


def test_the_file_is_what_the_enumeration_gives():
    kept = cells.written()
    assert np.array_equal(cells.enumerated(6), np.sort(kept[cells.vertices(kept) <= 6]))


# The hash is that of the original for its architecture with index 0.
def test_cells_are_sorted_by_their_md5_hashes():
    kept = cells.written()
    assert hashed(kept[0]) == "00005c142e6f48ac74fdcf73e3439874"
    some = [hashed(code) for code in kept[:: len(kept) // 400]]
    assert some == sorted(some)


def hashed(code):
    codes = np.array([code])
    [size] = cells.vertices(codes).tolist()
    return cells.graph_hash(cells.matrices(codes, size)[0], cells.operations(codes, size)[0])


def test_the_hash_does_not_depend_on_the_numbering_of_vertices():
    matrix = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    assert cells.graph_hash(matrix, np.array([0, 1])) == cells.graph_hash(matrix, np.array([1, 0]))
    assert cells.graph_hash(matrix, np.array([0, 1])) != cells.graph_hash(matrix, np.array([1, 1]))


def test_a_code_is_read_as_it_was_written():
    for code in cells.written()[:50].tolist():
        codes = np.array([code], dtype=np.uint32)
        [size] = cells.vertices(codes).tolist()
        assert cells.code(cells.matrices(codes, size)[0], cells.operations(codes, size)[0]) == code


# --- strings


def test_a_string_says_what_each_vertex_takes():
    assert parse(MIXED) == (("3x3", "1x1", "max"), ((0,), (0, 1), (2,), (0, 1, 3)))
    assert parse("out~0") == ((), ((0,),))


@pytest.mark.parametrize(
    ("arch", "why"),
    [
        ("", "vertex 1 is ''; write out, ~ and the vertices it takes from"),
        ("3x3~0", "vertex 1 is '3x3~0'; write out"),
        ("5x5~0+out~1", "vertex 1 is '5x5~0'; write 3x3, 1x1, max"),
        ("out~0+out~1", "vertex 1 is 'out~0'; write 3x3"),
        ("3x3~0+out~1\n", r"vertex 2 is 'out~1\n'"),
        ("3x3~1+out~1", "vertex 1 takes from 1; write earlier ones, ascending"),
        ("3x3~0+3x3~10+out~2", "vertex 2 takes from 1, 0"),
        ("3x3~0+out~11", "vertex 2 takes from 1, 1"),
        ("3x3~0+3x3~0+out~1", "nothing takes from vertex 2"),
        ("3x3~0+3x3~01+3x3~012+3x3~0+out~1234", "it has 11 edges, at most 9 are valid"),
        ("3x3~0+3x3~1+3x3~2+3x3~3+3x3~4+3x3~5+out~5", "it has 8 vertices with the input, at most 7"),
    ],
)
def test_a_malformed_string_says_what_is_wrong(arch, why):
    with pytest.raises(ValueError, match=re.escape(why)) as error:
        CELLS.build(arch, 10, 0)
    assert str(error.value).startswith(f"{arch!r} is not an architecture of the search space 'nb101': ")


def test_a_numbering_that_is_not_in_the_space_stands_for_the_cell_that_is():
    first, second = "1x1~0+3x3~0+out~12", "3x3~0+1x1~0+out~12"
    assert (first in CELLS._index) != (second in CELLS._index)
    assert CELLS.canonical(first) == CELLS.canonical(second) in CELLS._index


# --- steps


# 3x3~0+out~1: two other operations, an edge more from input to output. Without one of its two edges nothing
# is left on a path.
def test_neighbours_are_one_operation_or_edge_away():
    assert CELLS.neighbours("3x3~0+out~1") == ["1x1~0+out~1", "3x3~0+out~01", "max~0+out~1"]


# 3x3~0+out~01 has two more: without the edge into or out of the convolution nothing but the edge is left.
def test_what_a_step_cuts_off_is_left_out():
    assert set(CELLS.neighbours("3x3~0+out~01")) == {"1x1~0+out~01", "max~0+out~01", "3x3~0+out~1", "out~0"}


def test_steps_stay_in_the_space():
    for arch in EXAMPLE:
        found = CELLS.neighbours(arch)
        assert found
        assert arch not in found
        assert set(found) <= CELLS._index.keys()
    assert CELLS.mutate(EXAMPLE[0], random.Random(0)) in CELLS.neighbours(EXAMPLE[0])


# --- networks


# By hand, 128 channels. First: 1 and 3 share them, and 2 feeds 3. Second: 128 = 43 + 43 + 42. Third: 2, 3 and
# 4 share them, and 1 feeds 3, which has 43.
@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        (MIXED, [64, 64, 64, 128]),
        ("3x3~0+3x3~0+3x3~0+out~123", [43, 43, 42, 128]),
        ("3x3~0+3x3~0+3x3~01+3x3~2+out~234", [43, 43, 43, 42, 128]),
        ("out~0", [128]),
    ],
)
def test_the_output_shares_its_channels_and_others_get_what_they_feed(arch, expected):
    assert widths(parse(arch).sources, 128) == expected


# By hand, 128 channels in and out: projections of 128×128 (vertex 1) and 128×128 (the output), a 3×3
# convolution of 128×128, and three batch norms. With the stem (27·128 + 256) and the classifier (5,130).
def test_parameters_and_macs_are_those_counted_by_hand():
    def cell(inputs, channels):
        return 2 * inputs * channels + 9 * channels**2

    weights = [
        cell(128, 128) * 3,
        cell(128, 256) + 2 * cell(256, 256),
        cell(256, 512) + 2 * cell(512, 512),
    ]
    norms = 3 * 3 * 2 * (128 + 256 + 512)
    found = CELLS.counts("3x3~0+out~01", 10, 32)
    assert found.params == 27 * 128 + 256 + sum(weights) + norms + 5_130
    assert found.macs == 1024 * (27 * 128 + weights[0]) + 256 * weights[1] + 64 * weights[2] + 5_120


@pytest.mark.mirror
def test_all_parameters_are_those_that_the_benchmark_stores():
    stored = numbers(fetch("freerea/nb101/params"), 423_624)[0]
    assert np.array_equal(np.rint(stored * 1e6), counts(10, 32, "nb101")["params"])


@pytest.mark.parametrize("arch", [MIXED, "out~0", "3x3~0+3x3~0+3x3~0+3x3~1+out~234", *EXAMPLE])
def test_counts_are_those_of_the_network(arch):
    assert CELLS.counts(arch, 7, 16) == Space.counts(CELLS, arch, 7, 16)  # of the network, part by part


# With kernels that copy, batch norms that do nothing and a positive input, a cell adds and concatenates.
def test_vertices_add_and_the_output_concatenates():
    cell = meta_network(MIXED).body[0].to_empty(device="cpu")
    with torch.no_grad():
        for module in cell.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.dirac_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.reset_parameters()
                module.eps = 0.0
    x = torch.rand(1, 128, 4, 4)
    half = x[:, :64]
    pooled = nn.functional.max_pool2d(2 * half, 3, stride=1, padding=1)
    assert torch.equal(cell.eval()(x), torch.cat([half, pooled], dim=1) + x)


def test_surplus_channels_are_dropped():
    arch = "3x3~0+3x3~0+3x3~1+out~123"  # vertex 1, of 43 channels, feeds vertex 3, which has 42
    assert widths(parse(arch).sources, 128)[:3] == [43, 43, 42]
    assert CELLS.build(arch, 10, 0)(torch.rand(2, 3, 8, 8)).shape == (2, 10)


def test_images_are_halved_and_channels_doubled_between_stacks():
    network = CELLS.build(MIXED, 10, seed=0)
    shapes = []
    for module in network.body:
        module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 10)
    assert shapes == [*[(128, 8, 8)] * 3, (128, 4, 4), *[(256, 4, 4)] * 3, (256, 2, 2), *[(512, 2, 2)] * 3]


def test_weights_are_drawn_as_the_benchmark_does():
    before = torch.get_rng_state()
    first, again, other = (CELLS.build(MIXED, 10, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.stem[0].weight, again.stem[0].weight)
    assert not torch.equal(first.stem[0].weight, other.stem[0].weight)
    weight = first.body[6].projections["1"][0].weight
    assert weight.std().item() == pytest.approx(256**-0.5, rel=0.01)
    assert weight.abs().max() < 2.3 * 256**-0.5
    assert first.classifier.weight.abs().max() <= (6 / 522) ** 0.5
    assert not first.classifier.bias.any()

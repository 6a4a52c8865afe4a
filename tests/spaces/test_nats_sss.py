import re

import numpy as np
import pytest
import torch
from oracles_sizes import nats_parameters
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zsnas.benchmarks import benchmark
from zsnas.sources import fetch
from zsnas.spaces import nb201, space
from zsnas.spaces.nats_sss import CELL, Network, parse

SIZES = space("nats-sss")
SMALLEST, LARGEST = "8:8:8:8:8", "64:64:64:64:64"
MIXED = "24:8:40:16:64"
SAMPLE = [SIZES.architectures[i] for i in np.random.default_rng(0).choice(32_768, 12, replace=False)]


# --- architectures


def test_there_are_eight_widths_to_the_power_of_five_layers():
    assert len(SIZES.architectures) == len(set(SIZES.architectures)) == 8**5 == 32_768


@pytest.mark.mirror
def test_index_order_is_the_benchmarks_own():
    assert list(SIZES.architectures) == np.load(fetch("lightonai/nats-size/architectures")).tolist()


def test_a_string_is_five_widths():
    assert parse(MIXED) == (24, 8, 40, 16, 64)
    assert [":".join(map(str, parse(arch))) for arch in SIZES.architectures] == list(SIZES.architectures)


def test_every_architecture_stands_for_itself():
    assert all(SIZES.canonical(arch) == arch for arch in SAMPLE)


@pytest.mark.parametrize("use", [parse, SIZES.canonical, lambda arch: SIZES.build(arch, 10, 0)])
@pytest.mark.parametrize(
    ("arch", "why"),
    [
        ("8:8:8:8", "it has 4 widths instead of 5; write one such as '8:16:32:48:64'"),
        ("8:8:8:8:8:8", "it has 6 widths instead of 5"),
        ("", "it has 1 widths instead of 5"),
        ("8:12:8:8:8", "width 2 is '12'; valid are 8, 16, 24, 32, 40, 48, 56, 64"),
        ("8:8:8:8:72", "width 5 is '72'; valid are 8"),
        ("0:8:8:8:8", "width 1 is '0'"),
        ("8:8:-8:8:8", "width 3 is '-8'"),
        ("8:8:8:08:8", "width 4 is '08'"),
        ("8:8:8:8:8\n", r"width 5 is '8\n'"),
    ],
)
def test_a_malformed_string_says_what_is_wrong(arch, why, use):
    with pytest.raises(ValueError, match=re.escape(why)) as error:
        use(arch)
    assert str(error.value).startswith(f"{arch!r} is not an architecture of the search space 'nats-sss': ")


# --- networks


def meta_network(arch, classes=10):
    with torch.device("meta"):
        return Network(parse(arch), classes)


# What NATS-Bench itself stores for CIFAR-10, in millions: 0.011714, 0.107826 and 0.713674.
@pytest.mark.parametrize(
    ("arch", "stored"), [(SMALLEST, 11_714), ("8:8:16:40:40", 107_826), (LARGEST, 713_674)]
)
def test_parameters_are_those_that_the_benchmark_stores(arch, stored):
    assert nats_parameters(arch, 10) == stored
    assert sum(parameter.numel() for parameter in meta_network(arch).parameters()) == stored


@pytest.mark.parametrize("classes", [100, 120])
@pytest.mark.parametrize("arch", [SMALLEST, LARGEST, MIXED, *SAMPLE])
def test_built_networks_have_the_parameters_counted_by_hand(arch, classes):
    built = sum(parameter.numel() for parameter in meta_network(arch, classes).parameters())
    assert built == nats_parameters(arch, classes)


# By hand, 32×32 pixels: kernel × channels in × channels out × positions.
def test_macs_are_those_counted_by_hand():
    c1, c2, c3, c4, c5 = parse(MIXED)
    full, half, quarter = 32 * 32, 16 * 16, 8 * 8

    def cell(a, b):
        return 2 * 9 * a * b + 3 * 9 * b * b + (a * b if a != b else 0)

    def reduction(a, b):
        return 9 * a * b + 9 * b * b + a * b

    expected = full * (27 * c1 + cell(c1, c1)) + half * (reduction(c1, c2) + cell(c2, c3))
    expected += quarter * (reduction(c3, c4) + cell(c4, c5)) + c5 * 10
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        meta_network(MIXED)(torch.zeros(1, 3, 32, 32))
    assert counter.get_total_flops() == 2 * expected  # torch counts a multiplication and an addition


def test_three_cells_with_a_reduction_between_them():
    network = SIZES.build(MIXED, 10, seed=0)
    shapes = []
    for module in network.body:
        module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert [type(module) for module in network.body] == [
        *[nb201.Cell, nb201.ResidualBlock] * 2,
        nb201.Cell,
    ]
    assert shapes == [(24, 32, 32), (8, 16, 16), (40, 16, 16), (16, 8, 8), (64, 8, 8)]


@pytest.mark.mirror
def test_the_cell_is_the_best_of_the_topology_space_on_cifar100():
    truth = benchmark("nb201/cifar100").table
    assert truth.loc[truth["test_accuracy"].idxmax(), "arch"] == CELL


def test_a_skip_connection_that_changes_the_channels_is_a_convolution_with_batch_norm():
    network = SIZES.build(MIXED, 10, seed=0)
    kept, _, changed, *_ = (cell.operations["0to3"] for cell in network.body if hasattr(cell, "operations"))
    assert isinstance(kept, nn.Identity)
    conv, norm = changed
    assert (conv.in_channels, conv.out_channels, conv.kernel_size, conv.bias) == (16, 64, (1, 1), None)
    assert norm.num_features == 64


def test_weights_follow_from_the_seed_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = (SIZES.build(MIXED, 10, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])

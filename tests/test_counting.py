"""Counts of all architectures from a few networks: by hand, and against networks counted by themselves."""

import re

import numpy as np
import pytest
import torch
from oracles_sizes import micro_parameters, nats_parameters

import zsnas
from zsnas import counting
from zsnas.batches import Batch

ARCH = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"


@pytest.fixture(scope="module")
def table():
    return counting.counts(num_classes=10, image_size=32).set_index("arch")


def test_a_3x3_convolution_by_hand():
    # Five cells a stage of 16, 32, 64 channels; a kernel of 9 and two parameters of batch norm a channel.
    # Positions an image: 32², 16², 8²; batch norm costs no multiply-accumulates.
    widths = np.array([16, 32, 64])
    added = counting.contributions(10, 32).added.loc[("0→1", "nor_conv_3x3")]
    assert added["params"] == 5 * (9 * widths**2 + 2 * widths).sum()
    assert added["flops"] == 5 * (9 * widths**2 * np.array([32, 16, 8]) ** 2).sum()


def test_what_has_no_weights_adds_nothing():
    added = counting.contributions(10, 32).added
    for operation in ("none", "skip_connect", "avg_pool_3x3"):
        assert (added.xs(operation, level="operation") == 0).all(axis=None)


def test_the_table_is_in_index_order_and_complete(table):
    assert tuple(table.index) == zsnas.space("nb201").architectures


@pytest.mark.parametrize("index", [0, 7_777, 15_624])
def test_counts_are_those_of_the_whole_network(table, index):
    space = zsnas.space("nb201")
    arch = space.architectures[index]
    one = Batch(torch.zeros(1, 3, 32, 32), torch.zeros(1, dtype=torch.int64), 10, "black")
    assert table.loc[arch].to_dict() == zsnas.score(space.build(arch, 10, 0), one, ["params", "flops"])


def test_image_size_changes_operations_and_not_parameters(table):
    small = counting.counts(num_classes=10, image_size=16).set_index("arch")
    assert (small["params"] == table["params"]).all()
    linear = 64 * 10
    assert (small["flops"] - linear == (table["flops"] - linear) // 4).all()


# The size space of NATS-Bench


@pytest.fixture(scope="module")
def sizes():
    return counting.counts(num_classes=120, image_size=16, name="nats-sss").set_index("arch")


def test_parameters_of_all_sizes_are_those_added_up_layer_by_layer(sizes):
    assert tuple(sizes.index) == zsnas.space("nats-sss").architectures
    assert sizes["params"].tolist() == [nats_parameters(arch, 120) for arch in sizes.index]


# The skip connection of a cell has weights only where its two widths differ: c2 and c3, c4 and c5.
@pytest.mark.parametrize("arch", ["64:64:64:64:64", "24:8:40:16:64", "8:48:48:56:16", "32:16:8:40:40"])
def test_counts_of_sizes_are_those_of_the_whole_network(sizes, arch):
    one = Batch(torch.zeros(1, 3, 16, 16), torch.zeros(1, dtype=torch.int64), 120, "black")
    network = zsnas.space("nats-sss").build(arch, 120, 0)
    assert sizes.loc[arch].to_dict() == zsnas.score(network, one, ["params", "flops"])


def test_few_networks_are_built_for_all_sizes(sizes, monkeypatch):
    built = []
    monkeypatch.setattr(counting, "_counted", lambda *given: built.append(given[0]) or np.zeros(2, dtype=int))
    assert len(counting.counts(120, 16, "nats-sss")) == len(sizes) == 32_768
    # Of four pairs, 7 × 7 widths are not the narrowest; of five layers, 7; and the narrowest network.
    assert len(set(built)) == 4 * 49 + 5 * 7 + 1 == 232


def test_a_space_of_other_parts_is_refused():
    why = "'transnas-macro' cannot be counted from a few networks; those of nb201, nats-sss, transnas-micro,"
    with pytest.raises(ValueError, match=re.escape(why)):
        counting.counts(10, 32, "transnas-macro")


# The micro space of TransNAS-Bench-101


@pytest.fixture(scope="module")
def micro():
    return counting.counts(num_classes=5, image_size=64, name="transnas-micro").set_index("arch")


def test_parameters_of_all_micro_cells_are_those_added_up_edge_by_edge(micro):
    assert tuple(micro.index) == zsnas.space("transnas-micro").architectures
    some = micro["params"].iloc[::97]
    classifier = 512 * 5 + 5
    assert some.tolist() == [micro_parameters(arch) + classifier for arch in some.index]


# With dead ends, with the skip connections that have weights, and with everything.
@pytest.mark.parametrize("arch", ["64-41414-0_30_010", "64-41414-1_12_132", "64-41414-3_33_333"])
def test_counts_of_micro_cells_are_those_of_the_whole_network(micro, arch):
    one = Batch(torch.zeros(1, 3, 64, 64), torch.zeros(1, dtype=torch.int64), 5, "black")
    network = zsnas.space("transnas-micro").build(arch, 5, 0)
    assert micro.loc[arch].to_dict() == zsnas.score(network, one, ["params", "flops"])


def test_the_head_of_a_task_adds_the_same_to_every_micro_cell(micro):
    image = zsnas.batch("photographs-64/normal", size=1)
    space = zsnas.space("transnas-micro")
    for name in ("params", "flops"):
        added = {
            zsnas.score(space.build_for(arch, image, 0), image, [name])[name] - micro.loc[arch, name]
            for arch in ("64-41414-0_00_000", "64-41414-1_23_012")
        }
        assert len(added) == 1
        assert added.pop() > 0


def test_with_macs_adds_millions_to_the_table():
    bench = zsnas.benchmark("nb201-analog/cifar10")

    table = counting.with_macs(bench).table.set_index("arch")

    arch = table.index[7]
    network, images = zsnas.space("nb201").build(arch, num_classes=10, seed=0), zsnas.batch("cifar10", size=1)
    assert table.loc[arch, "million_macs"] == zsnas.score(network, images, proxies=["flops"])["flops"] / 1e6
    assert len(table) == len(bench.table)


class Fourier(torch.nn.Module):
    """A network with an operation whose multiply-accumulates are not known."""

    def build(self, _arch, _classes, seed):
        del seed
        return self

    def forward(self, x):
        return torch.fft.rfft2(x).abs().mean((2, 3))


def test_what_is_not_known_is_not_left_out_of_a_count(monkeypatch):
    monkeypatch.setattr(counting, "space", lambda _name: Fourier())
    with pytest.raises(ValueError, match=r"the flops of 'fourier' .* not known.*: aten::_fft_r2c; zsnas"):
        counting._counted("fourier", 3, 8)

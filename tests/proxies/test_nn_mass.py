"""NN-Mass by hand, against its oracle, and where it does not apply."""

import math

import oracles_topology
import pytest
import timm
import torch
import torchvision
from tiny_cells import (
    Branches,
    Dense,
    Gated,
    NestedDense,
    Residual,
    SparselyDense,
    Sum,
    basic,
    bottleneck,
    conv,
    inverted,
    network,
)
from torch import nn

from zsnas.batches import Batch
from zsnas.proxies import measure
from zsnas.spaces import nb201, space

META = torch.device("meta")


def measured(model):
    images = torch.zeros(2, 3, 16, 16)
    with torch.no_grad():
        model.eval()(images)  # lets the classifier work out its inputs
    return measure(model, Batch(images, torch.zeros(2, dtype=torch.int64), 10, "zeros"), ["nn_mass"])[
        "nn_mass"
    ]


def nn_mass(model):
    return measured(model).value


def of_large(model):
    """Return NN-Mass of a network whose tensors have shapes but no contents, which takes no time."""
    images, labels = torch.zeros(2, 3, 64, 64, device=META), torch.arange(2, device=META)
    batch = Batch(images, labels, 10, "zeros")
    return measure(model, batch, ["nn_mass"])["nn_mass"].value


def test_a_basic_block_by_hand():
    """Values of 8, 8, 8 channels: 8 of 8 possible skip connections, times 8 + 8 that enter layers."""
    assert nn_mass(network(8, basic(8, 8))) == 1 * (8 + 8)


def test_a_projection_is_a_shortcut_and_not_a_layer():
    """Values of 8, 12, 12 channels: all 8 of the first, times 8 + 12; and 12 + 12 for the block after it."""
    assert nn_mass(network(8, basic(8, 12, stride=2), basic(12, 12))) == (8 + 12) + (12 + 12)


def test_a_bottleneck_by_hand():
    """Values of 16, 4, 4, 16 channels: 16 of 16 (to the third) + 16 + 4 (to the fourth), times 16 + 4 + 4."""
    assert nn_mass(network(16, bottleneck(16, 4))) == pytest.approx(16 / 36 * 24)


def test_inverted_bottlenecks_by_hand():
    """Values of 8, 48, 48, 8: 8 of 8 + 8 + 48, times 8 + 48 + 48 = 13; without a shortcut nothing."""
    with_shortcut, without = Residual(inverted(8, 48, 8)), inverted(8, 48, 12)
    assert nn_mass(network(8, with_shortcut)) == pytest.approx(13)
    assert nn_mass(network(8, with_shortcut, without)) == pytest.approx(13)


@pytest.mark.parametrize("block", [Dense, NestedDense])
def test_a_dense_block_by_hand(block):
    """Values of 8, 4, 4, 4 channels.

    The third takes in 8 as skip connections of 8 possible, the fourth 8 + 4 of 8 + 4: density 1, times
    8 + 4 + 4 + 4 = 20. The transition (to 10 channels) and the classifier are no part of it.
    """
    body = block(conv(8, 4), conv(12, 4), conv(16, 4))
    assert nn_mass(network(8, body, conv(20, 10, 1))) == 20


def test_what_lies_between_two_concatenations_is_one_layer():
    """As above, with a 1×1 convolution to 16 channels before each 3×3 one."""
    layers = [nn.Sequential(conv(n, 16, 1), nn.ReLU(), conv(16, 4)) for n in (8, 12, 16)]
    assert nn_mass(network(8, Dense(*layers))) == 20


def test_dense_blocks_in_a_row_are_cells_of_their_own():
    """20 as above; then values of 6, 4, 4: 6 of 6, times 6 + 4 + 4."""
    first = Dense(conv(8, 4), conv(12, 4), conv(16, 4))
    second = Dense(conv(6, 4), conv(10, 4))
    assert nn_mass(network(8, first, conv(20, 6, 1), nn.AvgPool2d(2), second)) == 20 + 14


def test_a_sparse_dense_cell_of_the_original_paper_by_hand():
    """Four layers of width 6; the third takes 6 of 6 possible channels of the first, the fourth 7 of 12.

    Density 13 / 18, width 6, depth 4.
    """
    model = nn.Sequential(SparselyDense(6, (6, 7)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10))
    assert nn_mass(model) == pytest.approx(13 / 18 * 6 * 4)


def test_gates_and_pooled_shortcuts_change_nothing():
    gated = Residual(conv(8, 8), nn.ReLU(), conv(8, 8), Gated(8))
    pooled = Residual(conv(8, 8, 3, 2), conv(8, 8), shortcut=nn.AvgPool2d(2))
    assert nn_mass(network(8, gated)) == nn_mass(network(8, pooled)) == 16


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([conv(8, 8), conv(8, 8)], "no skip connection around layers"),
        ([Residual(conv(8, 8))], "an addition joins 0 and 1 layers"),
        ([Dense(conv(8, 4))], "goes around fewer than two layers"),
        ([Sum(nn.Sequential(conv(8, 8), conv(8, 8)), conv(8, 8, 1))], "an addition joins 1 and 2 layers"),
        (
            [Sum(nn.Sequential(conv(8, 8), conv(8, 8)), nn.Identity(), conv(8, 8))],
            "branches that branch again",
        ),
        ([Residual(basic(8, 8), conv(8, 8))], "branches that branch again"),
        ([basic(8, 8), Branches(conv(8, 4), conv(8, 4, 1))], "joins parallel branches"),
        ([Branches(nn.Identity(), conv(8, 4), conv(8, 4, 1))], "joins parallel branches"),
        ([Branches(nn.Identity(), basic(8, 8))], "more than layers' outputs"),
    ],
)
def test_it_does_not_apply_to_other_connections(body, reason):
    found = measured(network(8, *body))
    assert math.isnan(found.value)
    assert found.reason.startswith("does not apply")
    assert reason in found.reason


RESIDUAL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|skip_connect~2|"


def test_a_residual_cell_of_nb201_by_hand():
    """Two layers in a row and a shortcut, five times a stage, and a residual block between the stages."""
    stages = 5 * (16 + 16) + (16 + 32) + 5 * (32 + 32) + (32 + 64) + 5 * (64 + 64)
    assert nn_mass(space("nb201").build(RESIDUAL, 10, 0)) == stages


def test_it_does_not_apply_to_the_other_cells_of_nb201():
    reason = measured(
        space("nb201").build(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|skip_connect~2|", 10, 0
        )
    ).reason
    assert reason.startswith("does not apply: an addition joins")


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


class PublishedCell(nn.Module):
    """A cell as the benchmark's authors write it: an operation on every edge, sums that start at 0."""

    def __init__(self, operations, channels):
        super().__init__()
        self.edges = nn.ModuleList(
            Zero() if name == "none" else nb201.operation(name, channels, channels) for name in operations
        )

    def forward(self, x):
        nodes = [x]
        for target in (1, 2, 3):
            terms = [
                edge(nodes[start])
                for edge, (start, end) in zip(self.edges, nb201.EDGES, strict=True)
                if end == target
            ]
            nodes.append(sum(terms))
        return nodes[-1]


@pytest.mark.parametrize(
    "arch",
    [
        RESIDUAL,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
        "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
    ],
)
def test_the_published_network_of_a_cell_is_told_the_same(arch):
    network = space("nb201").build(arch, 10, 0)
    ours = measured(network)
    for place, block in enumerate(network.body):
        if isinstance(block, nb201.Cell):
            network.body[place] = PublishedCell(nb201.parse(arch), nb201.CHANNELS[place // 6])
    theirs = measured(network)
    assert (str(ours.value), ours.reason) == (str(theirs.value), theirs.reason)


EXPECTED = {
    "resnet18": 64 * (2 + 2) + (64 + 128) + 256 + (128 + 256) + 512 + (256 + 512) + 1024,
    "mobilenet_v2": (24 + 2 * 32 + 3 * 64 + 2 * 96 + 2 * 160) * 13 / 8,
    "densenet121": (64 + 6 * 32) + (128 + 12 * 32) + (256 + 24 * 32) + (512 + 16 * 32),
}


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "wide_resnet50_2", "mobilenet_v2", "densenet121"])
def test_torchvision_agrees_with_the_oracle(name):
    with META:
        model = getattr(torchvision.models, name)()
    value = of_large(model)
    assert value == pytest.approx(oracles_topology.nn_mass(model))
    assert value == pytest.approx(EXPECTED.get(name, value))


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("resnet18", "resnet18"),
        ("resnet50", "resnet50"),
        ("wide_resnet50_2", "wide_resnet50_2"),
        ("mobilenetv2_100", "mobilenet_v2"),
        ("densenet121", "densenet121"),
    ],
)
def test_timm_agrees_with_torchvision(name, twin):
    with META:
        model, expected = timm.create_model(name), getattr(torchvision.models, twin)()
    assert of_large(model) == pytest.approx(oracles_topology.nn_mass(expected))

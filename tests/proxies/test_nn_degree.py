"""NN-Degree by hand and against its oracle; what a cell is, is tested with NN-Mass."""

import math

import oracles_topology
import pytest
import torch
import torchvision
from tiny_cells import Dense, Residual, SparselyDense, basic, bottleneck, conv, inverted, network
from torch import nn

from zsnas.batches import Batch
from zsnas.proxies import measure

META = torch.device("meta")


def measured(model):
    images = torch.zeros(2, 3, 16, 16)
    with torch.no_grad():
        model.eval()(images)  # lets the classifier work out its inputs
    batch = Batch(images, torch.zeros(2, dtype=torch.int64), 10, "zeros")
    return measure(model, batch, ["nn_degree"])["nn_degree"]


@pytest.mark.parametrize(
    ("body", "degree"),
    [
        ([basic(8, 8)], 16 / 2 + 8 / 16),
        ([basic(8, 12, stride=2)], 20 / 2 + 8 / 20),
        ([bottleneck(8, 4)], 16 / 3 + 8 / 16),
        ([Residual(inverted(8, 48, 8))], 104 / 3 + 8 / 104),
        ([Residual(inverted(8, 48, 8)), inverted(8, 48, 12)], 104 / 3 + 8 / 104 + 104 / 3),
        # Values of 8, 4, 4 channels; the layers take in 8 and 8 + 4, of which 8 are skip connections.
        ([Dense(conv(8, 4), conv(12, 4))], 16 / 3 + 8 / 20),
    ],
)
def test_cells_by_hand(body, degree):
    assert measured(network(8, *body)).value == pytest.approx(degree)


def test_a_depthwise_separable_block_is_an_inverted_bottleneck_without_expansion():
    """The second block is a depthwise convolution of 8 channels and the pointwise one to 12."""
    separable = nn.Sequential(conv(8, 8, 3, 1, 8), conv(8, 12, 1))
    value = measured(network(8, Residual(inverted(8, 48, 8)), separable)).value
    assert value == pytest.approx(104 / 3 + 8 / 104 + (8 + 8) / 2)


def test_a_sparse_dense_cell_by_hand():
    """Four layers of width 6 take in, after the first one, 6, 6 + 6 and 6 + 7 channels; 6 + 7 are skips."""
    model = nn.Sequential(SparselyDense(6, (6, 7)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10))
    assert measured(model).value == pytest.approx(6 + 13 / 31)


def test_it_does_not_apply_without_skip_connections():
    found = measured(network(8, conv(8, 8)))
    assert math.isnan(found.value)
    assert "no skip connection" in found.reason


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2", "densenet121"])
def test_torchvision_agrees_with_the_oracle(name):
    with META:  # shapes without contents, which take no time
        model = getattr(torchvision.models, name)()
    images, labels = torch.zeros(2, 3, 64, 64, device=META), torch.arange(2, device=META)
    batch = Batch(images, labels, 10, "zeros")
    value = measure(model, batch, ["nn_degree"])["nn_degree"].value
    assert value == pytest.approx(oracles_topology.nn_degree(model))

import math

import pytest
import torch
import torch.nn.functional as F
from small_networks import batch, linear, noise, pixels, small
from torch import nn

from zsnas.batches import Batch
from zsnas.proxies import measure

IDENTITY = linear([[1, 0], [0, 1]])
TWO_IMAGES = batch(pixels([3, 0], [0, 1]), [0, 0])
THREE_TO_ONE = 4 / 3**0.75


def near(*layers, images=TWO_IMAGES, seed=0):
    return measure(nn.Sequential(*layers), images, ["near"], seed)["near"]


def test_by_hand():
    # Singular values 3 and 1, shares 3/4 and 1/4: exp(log 4 - 3/4 log 3).
    assert near(nn.Flatten(), IDENTITY).value == pytest.approx(THREE_TO_ONE)
    # The ReLU returns the same once more.
    assert near(nn.Flatten(), IDENTITY, nn.ReLU()).value == pytest.approx(2 * THREE_TO_ONE)


def test_a_repeated_channel_leaves_one_direction_and_a_matrix_of_zeros_none():
    assert near(nn.Flatten(), linear([[1, 1], [1, 1]])).value == pytest.approx(1)
    assert near(nn.Flatten(), linear([[-1, -1], [-1, -1]]), nn.ReLU()).value == pytest.approx(1)


def test_rows_run_down_a_column_that_the_seed_draws():
    # Two channels: the left column holds (3, 0) and (0, 1), the right one (1, 0) and (0, 1).
    image = torch.tensor([[[[3, 1], [0, 0]], [[0, 0], [1, 1]]]]).double()
    layer = nn.Conv2d(2, 2, 1, bias=False).double()
    layer.weight.data = torch.eye(2).double().view(2, 2, 1, 1)
    layers = layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    found = {near(*layers, images=batch(image, [0]), seed=seed).value for seed in range(20)}
    assert sorted(found) == pytest.approx([THREE_TO_ONE, 2])


def test_fewer_images_than_features_leave_fewer_directions():
    layer = linear([[1, 0], [0, 1], [1, 1]])
    values = torch.linalg.svdvals(torch.tensor([[3.0, 0, 3], [0, 1, 1]]).double())
    shares = (values / values.sum()).tolist()
    assert near(nn.Flatten(), layer).value == pytest.approx(math.exp(-sum(p * math.log(p) for p in shares)))


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = small()

    def forward(self, x):
        conv, norm, _, other, other_norm, *_, last = self.parts
        x = F.relu(norm(F.conv2d(x, conv.weight, padding=1)))
        x = torch.relu(other_norm(other(x)))
        return x.mean((2, 3)) @ last.weight.T + last.bias


def test_functions_count_as_modules_do():
    pair = small(), Functional()
    for last in (pair[0][-1], pair[1].parts[-1]):
        last.bias.data[:] = (
            0  # which a linear layer adds before it returns, and a product of matrices does not
        )
    module, functional = (measure(network, noise(), ["near"])["near"].value for network in pair)
    assert module == pytest.approx(functional, rel=1e-5)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(2, 2, bias=False).double()
        self.mix.weight.data = torch.eye(2).double()

    def forward(self, x):  # (1, 2, 2, 2) to tokens (1, 4, 2)
        return F.silu(self.mix(x.flatten(2).transpose(1, 2))).mean(1)


def test_the_features_of_tokens_are_their_last_axis():
    # Linear: two tokens one after the other. SiLU, whose axis is that of the layer before, likewise.
    tokens = torch.tensor([[3.0, 0], [0, 1], [3, 0], [0, 1]]).double()
    image = tokens.T.reshape(1, 2, 2, 2)
    curved = F.silu(tokens[:2]).diagonal()
    shares = (curved / curved.sum()).tolist()
    wanted = THREE_TO_ONE + math.exp(-sum(p * math.log(p) for p in shares))
    for seed in range(6):  # wherever the run of tokens begins
        assert measure(Tokens(), batch(image, [0]), ["near"], seed)["near"].value == pytest.approx(wanted)


def test_the_labels_and_the_scale_of_a_layer_do_not_matter():
    given = noise()
    other = Batch(given.images, given.labels.flip(0), 3, "other labels")
    scaled = small()
    scaled[-1].weight.data *= 7
    scaled[-1].bias.data *= 7
    values = [
        measure(net, images, ["near"])["near"].value
        for net, images in ((small(), given), (small(), other), (scaled, given))
    ]
    assert values[0] == values[1] == pytest.approx(values[2], rel=1e-5)


def test_a_network_without_layers_is_undefined():
    assert near(nn.Flatten()).reason == "the network has no layer and no activation"

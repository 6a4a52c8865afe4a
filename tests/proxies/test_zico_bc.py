from math import log, sqrt

import pytest
import torch
from small_networks import batch, convolution, linear, noise, pixels, small
from torch import nn

from zsnas.proxies import measure

ZEROS = [[0, 0], [0, 0]]


def scores(images, labels, model):
    measured = measure(model, batch(images, labels), ["zico", "zico_bc"])
    return {name: m.value for name, m in measured.items()}, measured["zico_bc"].reason


def test_by_hand():
    # The gradients of `test_zico.test_by_hand`: a sum of 8. The layer returns 2 channels of one position.
    both, _ = scores(pixels([2, 4], [4, -2]), [0, 0], nn.Sequential(nn.Flatten(), linear(ZEROS)))
    assert both["zico_bc"] == pytest.approx(log(8) - log(1 / sqrt(2)))


def test_a_convolution_costs_positions_by_the_root_of_its_channels():
    # The convolution returns 1 channel of 1 × 2 positions, the linear layer 2 of one.
    model = nn.Sequential(convolution(1), nn.Flatten(), linear([[1, 0], [0, 0]]))
    both, _ = scores(pixels([2, 4], [4, -2]), [0, 0], model)
    assert both["zico"] - both["zico_bc"] == pytest.approx(log(2) + log(1 / sqrt(2)))


def test_a_layer_that_zico_leaves_out_costs_nothing():
    model = nn.Sequential(convolution(1), nn.Flatten(), linear(ZEROS))  # no gradient reaches the convolution
    both, _ = scores(pixels([2, 4], [4, -2]), [0, 0], model)
    assert both["zico_bc"] == pytest.approx(log(8) - log(1 / sqrt(2)))


def test_a_weight_counts_where_it_is_used_first():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.c, self.f = nn.Conv2d(3, 3, 1).double(), nn.Linear(3, 2).double()

        def forward(self, x):
            return self.f(torch.tanh(self.c(torch.tanh(self.c(x))[..., ::2])).mean((2, 3)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        both, _ = scores(torch.randn(4, 3, 4, 6).double(), [0, 1, 0, 1], Twice())
    assert both["zico"] - both["zico_bc"] == pytest.approx(log(24 / sqrt(3)) + log(1 / sqrt(2)))


def test_a_token_is_a_position():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = linear([[1, 2], [3, 4], [5, 6]])

        def forward(self, x):
            return torch.tanh(self.layer(x.flatten(1, 2))).mean(1)[:, :2]  # 3 tokens of 2 values

    both, _ = scores(torch.linspace(-1, 1, 12).view(2, 1, 3, 2).double(), [0, 1], Tokens())
    assert both["zico"] - both["zico_bc"] == pytest.approx(log(3 / sqrt(3)))


def test_it_is_undefined_where_zico_is():
    _, reason = scores(pixels([1, 2]), [0], nn.Sequential(nn.Flatten(), linear(ZEROS)))
    assert reason == "a batch of one image has no halves"


def test_any_other_penalty_follows_from_both():
    """Layers of `small`: 8 channels of 8 × 8 positions twice, and 3 classes."""
    measured = measure(small(), noise(), ["zico", "zico_bc"])
    penalty = measured["zico"].value - measured["zico_bc"].value
    assert penalty == pytest.approx(2 * log(64 / sqrt(8)) + log(1 / sqrt(3)))

from math import log

import pytest
import torch
from small_networks import batch, convolution, linear, noise, pixels
from torch import nn

from zsnas.proxies import score

CHANNELS = ["fisher", "fisher_channels"]


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_by_hand(copies):
    # As in test_grad_norm: channels (3, 4) and (-3, -4), each with the gradient (-1/2, 0); logits 0.
    model = nn.Sequential(convolution(1, -1), nn.Flatten(), linear([[1, 0, 1, 0], [0, 0, 0, 0]]))
    images = batch(pixels(*[[3, 4]] * copies), [0] * copies)
    # Each image has 1/copies of the gradient: per channel (3/2 / copies)², two channels, times 1/2. The sum
    # over both channels before the square, as in the survey's Eq. 6, would give zero.
    assert score(model, images, ["fisher"])["fisher"] == pytest.approx(2 * (1.5 / copies) ** 2 / 2)


def test_outputs_of_linear_layers_count():
    model = nn.Sequential(nn.Flatten(), linear([[1, 0], [0, 0]]), linear([[1, 0], [1, 0]]))
    # The image (2, 0): hidden (2, 0), logits (2, 2), gradient (-1/2, 1/2); -1/2 + 1/2 = 0 at
    # the hidden units. Output layer: (2 · -1/2)² + (2 · 1/2)² = 2, times 1/2. Two weights make a logit.
    found = score(model, batch(pixels([2, 0]), [0]), CHANNELS)
    assert found["fisher_channels"] == pytest.approx(1)
    assert found["fisher"] == pytest.approx(2)


def test_positions_of_a_sequence_are_summed_before_the_square():
    model = nn.Sequential(
        nn.Flatten(2), linear([[1, 0], [0, 1]]), nn.Flatten(), linear([[1, 3, 1, 1], [0] * 4])
    )
    # Two positions, (3, -1) and (4, -4), of two features; logits 3 - 3 + 4 - 4 = 0 and 0, so the gradient is
    # -1/2 (1, 3, 1, 1). Products: -3/2 and 3/2 at the first position, -2 and 2 at the second. By feature
    # ∓7/2; with positions as channels there would be 0. Two weights make a feature, the logits are 0.
    found = score(model, batch(torch.tensor([[[[3.0, -1]], [[4, -4]]]]).double(), [0]), CHANNELS)
    assert found["fisher_channels"] == pytest.approx(2 * 3.5**2 / 2)
    assert found["fisher"] == pytest.approx(2 * 2 * 3.5**2 / 2)


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        (nn.Conv2d(3, 6, 5), 5 * 5 * 3),
        (nn.Conv2d(3, 6, (2, 3), groups=3), 2 * 3),
        (nn.Conv2d(3, 3, 3, groups=3), 3 * 3),
        (nn.ConvTranspose2d(3, 6, 2), 2 * 2 * 3),
        (nn.ConvTranspose2d(3, 6, 2, groups=3), 2 * 2),
    ],
    ids=["convolution", "grouped", "depthwise", "transposed", "transposed and grouped"],
)
def test_a_channel_counts_once_for_each_weight_that_makes_it(layer, weights):
    found = score(nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()), noise(), CHANNELS)
    assert found["fisher"] == pytest.approx(weights * found["fisher_channels"])
    assert found["fisher_channels"] > 0


def test_the_printed_formula_adds_everything_before_the_square():
    # As in test_snip: outputs (log 3, 0) with the gradient (-1/4, 1/4), and the same once more. Of two images
    # each has half of the gradient.
    model = nn.Sequential(nn.Flatten(), linear([[2 * log(3), -log(3)], [0, 0]]))
    found = score(model, batch(pixels([1, 1], [1, 1]), [0, 0]), ["fisher", "fisher_printed"])
    assert found["fisher_printed"] == pytest.approx((2 * log(3) / 8) ** 2)
    assert found["fisher"] == pytest.approx(2 * (log(3) / 8) ** 2 / 2)

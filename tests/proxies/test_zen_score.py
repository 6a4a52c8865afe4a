import math

import pytest
import torch
from small_networks import batch, convolution, pixels
from torch import nn

from zsnas.proxies import measure

IMAGES = batch(pixels([0], [0], [0]), [0, 0, 0])


def zen_score(*layers, images=IMAGES):
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return measure(model, images, ["zen_score"], seed=4)["zen_score"]


def draws():
    """Return the weight, three noise images and three directions of a network of one weight, for seed 4."""
    generator = torch.Generator().manual_seed(4)
    weight, noise, direction = (torch.randn(n, generator=generator).double() for n in (1, 3, 3))
    return weight, noise, direction


def test_by_hand():
    # One weight, one pixel: the features are weight · noise, and they move by 0.01 · weight · direction.
    weight, _, direction = draws()
    expected = math.log((0.01 * weight * direction).abs().mean())
    assert zen_score(convolution(7)).value == pytest.approx(expected)


def test_what_batch_norm_divides_by_is_put_back():
    weight, noise, direction = draws()
    before, after = weight * noise, weight * (noise + 0.01 * direction)
    normalised = [(x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() for x in (before, after)]
    change = (normalised[0] - normalised[1]).abs().mean()
    expected = math.log(change) + math.log(before.std())
    assert zen_score(convolution(7), nn.BatchNorm2d(1).double()).value == pytest.approx(expected)


def test_neither_weights_nor_biases_nor_images_matter():
    biased = nn.Conv2d(1, 1, 1).double()
    nn.init.constant_(biased.bias, 5)
    other = batch(pixels([1], [2], [3]), [0, 0, 0])
    assert zen_score(biased, nn.ReLU(), images=other)[:2] == zen_score(convolution(7), nn.ReLU())[:2]


def test_features_that_do_not_depend_on_the_input_are_undefined():
    norm = nn.BatchNorm2d(1).double()
    nn.init.zeros_(norm.weight)
    assert zen_score(convolution(7), norm).reason == "the features do not depend on the input"


def test_features_that_exceed_the_range_are_undefined():
    class Squared(nn.Module):
        def forward(self, x):
            return (1e100 * x) ** 4

    found = zen_score(convolution(7), Squared())
    assert found.reason == "the features of Gaussian weights exceed the range of the precision"


def test_a_network_without_features_is_undefined():
    measured = measure(nn.Sequential(convolution(7), nn.Flatten()), IMAGES, ["zen_score"])["zen_score"]
    assert measured.reason == "the network has no global pooling and no linear layer to take features from"


def test_the_printed_formula_takes_the_norm_of_all_features():
    # Two features: weights w1 and w2 of one pixel that moves by 0.01 · direction.
    generator = torch.Generator().manual_seed(4)
    weights, _, direction = (torch.randn(n, generator=generator).double() for n in (2, 3, 3))
    model = nn.Sequential(convolution(7, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = measure(model, IMAGES, ["zen_score", "zen_score_printed"], seed=4)
    moved = 0.01 * direction.abs().mean()
    assert found["zen_score_printed"].value == pytest.approx(math.log(moved * weights.norm()))
    assert found["zen_score"].value == pytest.approx(math.log(moved * weights.abs().sum()))

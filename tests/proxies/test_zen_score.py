import math

import pytest
import timm
import torch
import torch.nn.functional as F
from small_networks import batch, convolution, noise, pixels
from timm.layers import StdConv2d
from tiny_cells import Sum
from torch import nn

from zsnas.proxies import measure, score

IMAGES = batch(pixels([0], [0], [0]), [0, 0, 0])


def zen_score(*layers, images=IMAGES, name="zen_score"):
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return measure(model, images, [name], seed=4)[name]


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


@pytest.mark.parametrize("name", ["zen_score", "zen_score_once"])
def test_what_batch_norm_divides_by_is_put_back(name):
    weight, noise, direction = draws()
    before, after = weight * noise, weight * (noise + 0.01 * direction)
    normalised = [(x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() for x in (before, after)]
    change = (normalised[0] - normalised[1]).abs().mean()
    # One repetition moves the running variance from 1 by a tenth of the way to each of the two.
    once = 0.9 * (0.9 * 1 + 0.1 * before.var()) + 0.1 * after.var()
    put_back = {"zen_score": before.var(), "zen_score_once": once}[name]
    expected = math.log(change) + math.log(put_back) / 2
    assert zen_score(convolution(7), nn.BatchNorm2d(1).double(), name=name).value == pytest.approx(expected)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(1), nn.GroupNorm(1, 1)])
def test_normalisation_has_its_scale_and_shift_reset(norm):
    images = batch(torch.zeros(3, 1, 2, 2), [0, 0, 0])
    fresh = zen_score(convolution(7), norm.double(), images=images).value
    nn.init.zeros_(norm.weight)
    nn.init.constant_(norm.bias, -9)
    assert zen_score(convolution(7), norm, images=images).value == fresh


@pytest.mark.parametrize("name", ["zen_score", "zen_score_once", "zen_score_printed"])
def test_weights_that_are_standardised_have_no_scale_to_put_back(name):
    """They are computed with the function that computes batch norm, too."""
    images = batch(torch.zeros(3, 2, 4, 4), [0, 0, 0])
    by_function, by_hand = (
        zen_score(layer(2, 2, 3).double(), norm.double(), images=images, name=name)
        for layer, norm in [
            (StdConv2d, nn.BatchNorm2d(2, track_running_stats=False)),
            (StandardisedByHand, nn.BatchNorm2d(2)),
        ]
    )
    assert by_function.value == pytest.approx(by_hand.value)


class StandardisedByHand(StdConv2d):
    def forward(self, x):
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = centred / (centred.square().mean((1, 2, 3), keepdim=True) + self.eps).sqrt()
        return F.conv2d(x, weight, padding=self.padding)


@pytest.mark.parametrize("constant", [0, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_norm_that_sees_a_constant_has_no_scale_to_put_back(constant, dtype):
    dead = nn.Sequential(Constant(constant), nn.BatchNorm2d(1))
    alone, both = convolution(7).to(dtype), Sum(convolution(7), dead).to(dtype)
    assert zen_score(both).value == pytest.approx(zen_score(alone).value)
    # Its running variance does, after one repetition.
    once = zen_score(alone, name="zen_score_once").value + math.log(0.81) / 2
    assert zen_score(both, name="zen_score_once").value == pytest.approx(once)


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return torch.full_like(x, self.value)


def test_a_resnet_scores_although_timm_starts_the_last_scale_of_its_branches_at_zero():
    """Its branches count: without them it scored 59.4."""
    torch.manual_seed(0)
    model = timm.create_model("resnet18")
    assert score(model, noise(8, 64, 1000), ["zen_score"])["zen_score"] == pytest.approx(66.2, abs=0.5)


def test_neither_weights_nor_biases_nor_images_matter():
    biased = nn.Conv2d(1, 1, 1).double()
    nn.init.constant_(biased.bias, 5)
    other = batch(pixels([1], [2], [3]), [0, 0, 0])
    assert zen_score(biased, nn.ReLU(), images=other)[:2] == zen_score(convolution(7), nn.ReLU())[:2]


def test_features_that_do_not_depend_on_the_input_are_undefined():
    assert zen_score(convolution(7), Constant(5)).reason == "the features do not depend on the input"


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

from math import log, sqrt

import numpy as np
import pytest
import torch
from small_blocks import Block, network
from small_networks import batch, noise
from torch import nn

from zsnas.proxies import measure
from zsnas.spaces import space
from zsnas.spaces.nb201 import TEMPLATE

PAIR = batch(torch.zeros(2, 2, 3, 5).double(), [0, 1])  # two images of two channels
SINGLE = batch(torch.zeros(2, 1, 3, 5).double(), [0, 1])


def az_expressivity(*blocks, images=PAIR, seed=3):
    return measure(network(*blocks), images, ["az_expressivity"], seed)["az_expressivity"]


def drawn(*shapes, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).double() for shape in shapes]


def entropy(features):
    """Of two channels: the eigenvalues of a 2 × 2 matrix from its trace and determinant."""
    (a, b), (_, d) = np.cov(features.movedim(1, 0).flatten(1), bias=True)
    root = sqrt((a + d) ** 2 / 4 - (a * d - b * b))
    shares = [1 / 2 + root / (a + d), 1 / 2 - root / (a + d)]
    return -sum(p * log(p + 1e-8) for p in shares)


def test_by_hand():
    # The block halves its input, which is noise: both have the same shares of variance.
    (images,) = drawn((2, 2, 3, 5))
    expected = 2 * entropy(images)
    assert az_expressivity(Block(nn.Identity(), factor=0.5)).value == pytest.approx(expected)
    assert expected < 2 * log(2)


def test_one_direction_has_no_entropy():
    assert az_expressivity(Block(nn.Conv2d(1, 1, 1).double()), images=SINGLE).value == pytest.approx(
        0, abs=1e-6
    )


FEWER = "varies in fewer directions than it has channels; more or larger images may help"


def test_fewer_directions_than_channels_are_undefined():
    assert az_expressivity(Block(nn.Conv2d(1, 2, 1).double()), images=SINGLE).reason == (
        f"the output of block 1 {FEWER}"
    )
    four = batch(torch.zeros(1, 5, 2, 2).double(), [0])  # positions, less than the five channels
    found = az_expressivity(Block(nn.Identity()), images=four)
    assert found.reason == f"the input of the first block {FEWER}"


def test_single_precision_decides_what_is_a_direction():
    (images,) = drawn((2, 2, 3, 5))  # the second direction of the block's output hardly counts
    assert az_expressivity(Block(Near(1e-5))).value == pytest.approx(entropy(images), abs=1e-6)
    assert az_expressivity(Block(Near(1e-8))).reason == f"the output of block 1 {FEWER}"


class Near(nn.Module):
    """Returns the first channel twice, once with a little of the second added."""

    def __init__(self, little):
        super().__init__()
        self.little = little

    def forward(self, x):
        return torch.cat([x[:, :1], x[:, :1] + self.little * x[:, 1:]], 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_skip_connections_that_drown_everything_else_are_undefined(dtype):
    """Each cell multiplies by four; in the original, an eigenvalue is negative and the score −∞."""
    skips = space("nb201").build(TEMPLATE.format(*["skip_connect"] * 6), 10, seed=0)
    measured = measure(skips, noise(16, 32), ["az_expressivity"], dtype=dtype)
    assert measured["az_expressivity"].reason == f"the output of block 12 {FEWER}"


def test_weights_are_redrawn_and_biases_are_not_used():
    weight, images = drawn((2, 2, 1, 1), (2, 2, 3, 5))  # the scale does not matter to the shares
    after = torch.einsum("oi,bihw->bohw", weight[:, :, 0, 0], images).relu()
    convolution = nn.Conv2d(2, 2, 1).double()
    nn.init.constant_(convolution.bias, -1e6)  # the ReLU after it would return zeros
    nn.init.zeros_(convolution.weight)
    value = az_expressivity(Block(convolution, nn.ReLU())).value
    assert value == pytest.approx(entropy(images) + entropy(after))


def test_batch_norm_uses_the_batch_and_starts_anew():
    norm = nn.BatchNorm2d(2).double()
    nn.init.zeros_(norm.weight)  # as in residual networks that begin as the identity
    nn.init.constant_(norm.running_var, 0)
    (images,) = drawn((2, 2, 3, 5))
    normalised = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    expected = entropy(images) + entropy(normalised)
    assert az_expressivity(Block(norm)).value == pytest.approx(expected, rel=1e-4)


def test_only_outermost_blocks_count_and_sequences_do_not():
    halve = Block(nn.Identity(), factor=0.5)
    assert az_expressivity(nn.Sequential(halve, halve)).value == az_expressivity(halve, halve).value
    assert az_expressivity(Block(halve)).value == az_expressivity(halve).value
    assert az_expressivity(halve, halve).value == pytest.approx(1.5 * az_expressivity(halve).value)


def test_what_comes_before_the_first_block_is_a_feature_and_what_follows_the_last_is_not():
    halve = Block(nn.Identity(), factor=0.5)
    assert az_expressivity(nn.Identity(), halve, nn.ReLU()).value == az_expressivity(halve).value
    assert az_expressivity(nn.ReLU(), halve).value != az_expressivity(halve).value


def test_images_do_not_matter():
    first, other = noise(), noise()
    other.images.mul_(7).add_(1)
    values = {az_expressivity(Block(nn.ReLU(), factor=2), images=images).value for images in (first, other)}
    assert len(values) == 1


def test_what_it_is_not_defined_for():
    assert az_expressivity(nn.Conv2d(2, 2, 1).double()).reason == (
        "the network has no blocks: no module, other than a sequence, maps features to features"
    )
    zero = az_expressivity(Block(nn.ReLU()), Block(nn.Identity(), factor=0))
    assert zero.reason == "the output of block 2 is constant"

import math
import weakref

import pytest
import torch
from small_blocks import Block, network
from small_networks import batch
from torch import nn

from zsnas.proxies import Passes, Undefined
from zsnas.proxies._blocks import block_probe
from zsnas.spaces import space

IMAGES = batch(torch.zeros(2, 1, 8, 8), [0, 1])


def probe(*blocks, images=IMAGES):
    return block_probe(Passes(network(*blocks), images))


def test_features_and_blocks_of_nb201_are_those_of_the_original():
    cell = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
    images = batch(torch.zeros(2, 3, 8, 8), [0, 1])
    found = block_probe(Passes(space("nb201").build(cell, 2, seed=0), images))
    assert len(found.gains) == 15 + 2  # cells and residual blocks
    assert len(found.entropies) == 1 + 15 + 2  # and the stem


class ActivatedNorm(nn.BatchNorm2d):
    """Has a module inside it and is a layer all the same."""

    def __init__(self, channels):
        super().__init__(channels)
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(super().forward(x))


def test_a_normalisation_layer_is_no_block():
    with pytest.raises(Undefined, match="the network has no blocks"):
        probe(ActivatedNorm(1))


def test_a_block_that_runs_twice_counts_twice():
    halve = Block(nn.Identity(), factor=0.5)
    assert probe(halve, halve).gains == pytest.approx([0.5, 0.5])


def test_blocks_may_share_a_weight():
    one, other = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)
    other.weight = one.weight
    first, second = probe(Block(one), Block(other)).gains
    assert first == pytest.approx(second)


class Scaled(nn.Conv2d):
    """Has a parameter beside weight and bias, as NFNets have for their standardised weights."""

    def __init__(self, *given):
        super().__init__(*given)
        self.gain = nn.Parameter(torch.full((1, 1, 1), 2.0))

    def forward(self, x):
        return self.gain * super().forward(x)


def test_a_parameter_of_a_layer_that_is_neither_weight_nor_bias_stays():
    plain, scaled = (probe(Block(kind(1, 1, 1))) for kind in (nn.Conv2d, Scaled))
    assert scaled.gains == pytest.approx([2 * plain.gains[0]])


def test_many_copies_of_one_channel_are_one_direction_whatever_rounding_does():
    entropies = probe(Block(nn.Conv2d(1, 64, 1))).entropies
    assert entropies == pytest.approx([0, -math.inf], abs=1e-4)


class Watched(nn.Sequential):
    """Keep weak references to what the layers return, and count those alive when it is run."""

    returned: list = []  # noqa: RUF012 (shared on purpose)
    alive: list = []  # noqa: RUF012

    def forward(self, x):
        self.alive.append(sum(value() is not None for value in self.returned))
        for layer in self:
            x = layer(x)
            if x.requires_grad:  # in the pass itself, not when blocks are looked for
                self.returned.append(weakref.ref(x))
        return 2 * x


def test_one_block_at_a_time_is_in_memory():
    """When a block runs, nothing of earlier blocks is left, and of what lies between only the last piece."""
    blocks = [
        [Block(Watched(nn.ReLU(), nn.Conv2d(1, 1, 1))), Watched(nn.ReLU(), nn.SiLU())] for _ in range(3)
    ]
    probe(*sum(blocks, []))  # noqa: RUF017
    in_blocks = Watched.alive[len(Watched.alive) // 2 :: 2]
    assert len(Watched.returned) == 3 * 4
    assert in_blocks == [0, 1, 1]

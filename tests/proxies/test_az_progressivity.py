import pytest
import torch
from small_blocks import Block, network
from small_networks import batch
from torch import nn

from zsnas.proxies import measure

PAIR = batch(torch.zeros(2, 2, 3, 5).double(), [0, 1])


def scores(*blocks):
    names = ["az_expressivity", "az_progressivity"]
    return {name: m.value for name, m in measure(network(*blocks), PAIR, names, 3).items()}


def halve():
    return Block(nn.Identity(), factor=0.5)


def narrow():
    return Block(nn.Conv2d(2, 1, 1).double())


def test_by_hand():
    # The noise has entropy H, the only channel after it none: H + 0 in all, and the step is 0 - H.
    lost = scores(narrow())
    assert lost["az_progressivity"] == pytest.approx(-lost["az_expressivity"], abs=1e-6)
    assert lost["az_progressivity"] < -0.5
    # Halving the noise keeps its entropy.
    assert scores(halve())["az_progressivity"] == pytest.approx(0, abs=1e-9)


def test_the_smallest_step_counts_wherever_it_is():
    first = scores(narrow(), Block(nn.Conv2d(1, 1, 1).double()))  # H, 0, 0
    assert first["az_progressivity"] == pytest.approx(-first["az_expressivity"], abs=1e-6)
    last = scores(halve(), narrow())  # H, H, 0
    assert last["az_progressivity"] == pytest.approx(-last["az_expressivity"] / 2, abs=1e-6)


def test_fewer_directions_than_channels_are_undefined():
    measured = measure(
        network(narrow(), Block(nn.Conv2d(1, 2, 1).double())), PAIR, ["az_progressivity", "az_trainability"]
    )
    assert measured["az_progressivity"].reason.startswith("the output of block 2 varies in fewer directions")
    assert measured["az_trainability"].reason is None


def test_a_constant_feature_is_undefined():
    measured = measure(network(Block(nn.Identity(), factor=0)), PAIR, ["az_progressivity"])
    assert measured["az_progressivity"].reason == "the output of block 1 is constant"

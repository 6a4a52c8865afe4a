from math import log

import pytest
from small_networks import batch, convolution, linear, pixels
from torch import nn

import zsnas
from zsnas.proxies import score
from zsnas.spaces.nb201 import TEMPLATE

# Two classes, label 0: the loss is L(s) = log(1 + exp(-s)) with s the difference of the logits.
S = log(3)
DL, DDL = -1 / 4, 3 / 16  # L' = -σ(-s) and L'' = σ(s) σ(-s), with σ(log 3) = 3/4


def grasp(*layers):
    return score(nn.Sequential(*layers), batch(pixels([1]), [0]), ["grasp"])["grasp"]


@pytest.mark.parametrize(
    "layers",
    [(nn.Flatten(), linear([[S], [0]])), (convolution(S, 0), nn.Flatten())],
    ids=["linear", "convolution"],
)
def test_one_layer_by_hand(layers):
    # g = (L', -L') and H = L'' ((1, -1), (-1, 1)), so H g = 2 L' L'' (1, -1) and θᵀ H g = 2 L' L'' s.
    assert grasp(*layers) == pytest.approx(-2 * DL * DDL * S)


def test_two_layers_by_hand():
    # s = a (b₁ - b₂) with a = 1, b = (s, 0). Scaling all weights by t: gᵀ ∇L(t) = (s² + 2) L' · t L'(t² s),
    # and its derivative at t = 1 is (s² + 2) L' (L' + 2 s L''). Layer by layer there would be no 2.
    value = grasp(convolution(1), nn.Flatten(), linear([[S], [0]]))
    assert value == pytest.approx(-(S**2 + 2) * DL * (DL + 2 * S * DDL))


@pytest.mark.mirror
def test_double_precision_gives_what_the_docstring_says():
    network = zsnas.space("nb201").build(TEMPLATE.format(*["nor_conv_3x3"] * 6), 100, seed=0)
    images = zsnas.batch("cifar100", size=16, seed=0)
    assert score(network, images, ["grasp"], dtype="float64")["grasp"] == pytest.approx(-183.7, abs=0.05)

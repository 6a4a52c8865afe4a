from math import log

import pytest
from small_networks import batch, convolution, linear, pixels
from torch import nn

from zsnas.proxies import score


def test_by_hand():
    # As in test_grad_norm: the logits are 0 and 0, their gradient is (-1/2, 1/2).
    model = nn.Sequential(convolution(1, -1), nn.Flatten(), linear([[1, 0, 1, 0], [0, 0, 0, 0]]))
    # convolution: gradients (-3/2, -3/2), so |1 · -3/2| + |-1 · -3/2| = 3; without the absolute values 0
    # linear: the weights that are 1 have gradients -3/2 and 3/2, so 3 again
    assert score(model, batch(pixels([3, 4]), [0]), ["snip"])["snip"] == pytest.approx(3 + 3)


def test_the_printed_formula_lets_the_weights_of_a_layer_cancel():
    # Logits (log 3, 0): probabilities 3/4 and 1/4, and for class 0 the gradient (-1/4, 1/4) at the logits.
    # The image (1, 1) makes it -1/4 for each weight of the first logit, which are 2 log 3 and -log 3.
    model = nn.Sequential(nn.Flatten(), linear([[2 * log(3), -log(3)], [0, 0]]))
    found = score(model, batch(pixels([1, 1]), [0]), ["snip", "snip_printed"])
    assert found == pytest.approx({"snip": 3 * log(3) / 4, "snip_printed": log(3) / 4})


def test_linear_layers_can_be_left_out():
    model = nn.Sequential(convolution(1, -1), nn.Flatten(), linear([[1, 0, 1, 0], [0, 0, 0, 0]]))
    found = score(model, batch(pixels([3, 4]), [0]), ["snip_convolutions"])
    assert found["snip_convolutions"] == pytest.approx(3)  # the convolution's part of the first test

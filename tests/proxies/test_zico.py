from math import log

import pytest
from small_networks import batch, convolution, linear, pixels
from torch import nn

from zsnas.proxies import measure

ZEROS = [[0, 0], [0, 0]]


def ratio(first, second):
    return (abs(first) + abs(second)) / abs(first - second)


def zico(images, labels, model=None):
    model = model or nn.Sequential(nn.Flatten(), linear(ZEROS))
    return measure(model, batch(images, labels), ["zico"])["zico"]


def test_by_hand():
    # Logits 0: the loss of class 0 has the gradient (-1/2, 1/2). The halves are one image each, (2, 4) and
    # (4, -2): gradients ∓(1, 2) and ∓(2, -1). A weight of the first pixel has 1 and 2: mean 3/2, deviation
    # 1/2; one of the second 2 and -1: mean of the absolute values 3/2, deviation 3/2.
    assert zico(pixels([2, 4], [4, -2]), [0, 0]).value == pytest.approx(log(2 * (3 + 1)))


def test_halves_are_batches_of_their_own():
    # Each half has two images, whose mean is that of the test before: (1, 4), (3, 4) and (5, 0), (3, -4).
    four = zico(pixels([1, 4], [3, 4], [5, 0], [3, -4]), [0] * 4)
    assert four.value == pytest.approx(log(8))


def test_weights_whose_gradient_is_the_same_are_left_out():
    # Only the second pixel differs: gradients 2 and -1.
    assert zico(pixels([2, 4], [2, -2]), [0, 0]).value == pytest.approx(log(2 * 1))


def test_logarithms_of_layers_are_added():
    # Hidden (2, 4) and (4, -2) again. The convolution's weight has the gradient 0, because the logits do not
    # depend on it, on both halves: left out.
    model = nn.Sequential(convolution(1), nn.Flatten(), linear(ZEROS))
    assert zico(pixels([2, 4], [4, -2]), [0, 0], model).value == pytest.approx(log(8))
    # With weights (1, 0), (0, 0) the logits are the first pixel and 0, and the gradients of both layers
    # differ between the halves: there are two logarithms.
    model = nn.Sequential(convolution(1), nn.Flatten(), linear([[1, 0], [0, 0]]))
    p = [1 / (1 + 2.718281828459045**x) for x in (2, 4)]  # probability of class 1: the loss moves by -p, p
    (a, b), (c, d) = ((-p[0] * 2, -p[0] * 4), (-p[1] * 4, -p[1] * -2))
    expected = log(2 * (ratio(a, c) + ratio(b, d))) + log(ratio(a, c))
    assert zico(pixels([2, 4], [4, -2]), [0, 0], model).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([[1, 2]], "a batch of one image has no halves"),
        ([[1, 2], [1, 2]], "no weight has a gradient that differs between the halves of the batch"),
    ],
)
def test_what_it_is_not_defined_for(images, reason):
    assert zico(pixels(*images), [0] * len(images)).reason == reason

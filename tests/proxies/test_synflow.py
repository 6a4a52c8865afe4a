import math

import pytest
import torch
from small_networks import batch, convolution, linear, pixels
from torch import nn

from zsnas.proxies import measure

OVERFLOW = "the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)"


def synflow(model, images=(0, 0), name="synflow"):
    return measure(model, batch(pixels(list(images)), [0]), [name])[name]


def test_by_hand():
    model = nn.Sequential(convolution(-2), nn.Flatten(), linear([[1, -3], [0, 2]]))
    # Absolute weights, an image of ones: hidden (2, 2), outputs 2 + 6 and 4, so R = 12. R is proportional to
    # the weights of each layer: its weights times their gradients add up to R, in both layers.
    assert synflow(model).value == pytest.approx(12 + 12)


def test_biases_feed_the_flow_but_are_not_counted():
    model = nn.Sequential(nn.Flatten(), linear([[1, 1]]), linear([[2]]))
    model[1].bias = nn.Parameter(torch.tensor([-3.0], dtype=torch.float64))
    # Hidden 1 + 1 + |-3| = 5, R = 10. Second layer: 2 · 5; first: its weights carry 2 · (1 + 1).
    assert synflow(model).value == pytest.approx(10 + 4)


def test_the_images_do_not_matter():
    model = nn.Sequential(convolution(-2), nn.Flatten(), linear([[1, -3], [0, 2]]))
    assert synflow(model, (5, -7))[:2] == synflow(model)[:2]


def test_shifting_scale_between_the_layers_of_a_linear_network_changes_nothing():
    layers = [[[1, -3], [0, 2]], [[2, 1], [-1, 4]], [[3, 3]]]
    rescaled = [
        [[5 * w for w in row] for row in layers[0]],
        layers[1],
        [[w / 5 for w in row] for row in layers[2]],
    ]
    there, back = (synflow(nn.Sequential(nn.Flatten(), *map(linear, found))) for found in (layers, rescaled))
    assert back.value == pytest.approx(there.value)


def test_batch_norm_uses_its_running_statistics():
    norm = nn.BatchNorm2d(1, eps=0).double()
    norm.running_mean[:], norm.running_var[:] = 1, 4
    # The image of ones times 2 is 2; batch norm takes it to (2 - 1) / 2 = 1/2 at both pixels, R = 1. The
    # gradient with respect to the weight 2 is 1/2 for each pixel.
    assert synflow(nn.Sequential(convolution(2), norm, nn.Flatten())).value == pytest.approx(
        2 * (1 / 2 + 1 / 2)
    )


def test_single_precision_does_not_overflow():
    huge = nn.Sequential(convolution(1e30), convolution(1e30), nn.Flatten()).float()
    assert synflow(huge).value == pytest.approx(2 * 2e60, rel=1e-6)


@pytest.mark.parametrize("name", ["synflow", "synflow_log"])
def test_an_overflow_of_double_precision_is_undefined(name):
    measured = synflow(nn.Sequential(convolution(1e300), convolution(1e300), nn.Flatten()), name=name)
    assert measured.reason == OVERFLOW


def test_the_logarithm_by_hand():
    # One pixel, 700 layers whose weight is -e: R = e^700, and as often does each layer's weight times its
    # gradient add up to R. In single precision R would be infinite from 89 layers on.
    layers = [linear([[-math.e]]).float() for _ in range(700)]
    measured = synflow(nn.Sequential(nn.Flatten(), *layers), images=(0,), name="synflow_log")
    assert measured.value == pytest.approx(700 + math.log(700), rel=1e-6)


def test_the_logarithm_of_no_flow_is_undefined():
    measured = synflow(nn.Sequential(convolution(0), convolution(1), nn.Flatten()), name="synflow_log")
    assert (
        measured.reason == "no signal flows through a weight to the output: the logarithm of 0 is not finite"
    )


@pytest.mark.parametrize("name", ["synflow_printed", "plain"])
def test_the_printed_formula_by_hand(name):
    # As in test_snip: the gradient is -1/4 at both weights, 2 log 3 and -log 3.
    model = nn.Sequential(nn.Flatten(), linear([[2 * math.log(3), -math.log(3)], [0, 0]]))
    assert synflow(model, (1, 1), name).value == pytest.approx(-math.log(3) / 4)

import pytest
import torch
from small_networks import batch, linear, pixels
from torch import nn

from zsnas.proxies import measure


def gradsign(images, labels, weights=((0, 0), (0, 0)), name="gradsign"):
    model = nn.Sequential(nn.Flatten(), linear(weights))
    return measure(model, batch(images, labels), [name])[name]


def test_by_hand():
    # Logits 0: the loss of class 0 has the gradient (-1/2, 1/2), that of class 1 the opposite. Times the
    # images (3, 4), (3, -4) and (1, 1), the first two of class 0, the third of class 1: signs of the four
    # weights (-, -, +, +), (-, +, +, -) and (+, +, -, -). Their sums are (-1, 1, 1, -1).
    images, labels = pixels([3, 4], [3, -4], [1, 1]), [0, 0, 1]
    assert gradsign(images, labels).value == 4
    assert gradsign(images, labels, name="gradsign_mean").value == 4 / 4


def test_images_that_agree_count_once_each():
    assert gradsign(pixels([3, 4], [1, 2], [5, 1]), [0, 0, 0]).value == 4 * 3


def test_only_the_sign_matters_not_the_size_of_the_images():
    assert gradsign(pixels([3, 4], [3e6, -4e6], [1, 1]), [0, 0, 1]).value == 4


def test_a_gradient_of_zero_has_no_sign():
    assert gradsign(pixels([0, 4], [0, 2]), [0, 0]).value == 2 * 2


def test_every_image_is_normalised_by_itself():
    norm = nn.BatchNorm2d(1).double()
    model = nn.Sequential(norm, nn.Flatten(), linear([[0, 0], [0, 0]]))
    # Alone, (1, 3) and (10, 30) both become (-1, 1), as far as the constant of batch norm lets them.
    together = measure(model, batch(pixels([1, 3], [10, 30]), [0, 0]), ["gradsign"])["gradsign"]
    assert together.value == 4 * 2


def test_a_single_position_of_each_image_cannot_be_normalised():
    model = nn.Sequential(nn.BatchNorm2d(1).double(), nn.Flatten(), linear([[1], [2]]))
    measured = measure(model, batch(pixels([1], [2]), [0, 1]), ["gradsign"])["gradsign"]
    assert measured.reason == (
        "batch norm has a single value per channel; this needs more images or larger ones"
    )


def test_the_order_of_the_images_does_not_matter():
    images = torch.randn(5, 1, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = [0, 1, 1, 0, 1]
    there = gradsign(images, labels, [[1, -2], [3, 1]]).value
    assert gradsign(images.flip(0), labels[::-1], [[1, -2], [3, 1]]).value == pytest.approx(there)

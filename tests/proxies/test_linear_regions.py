import pytest
from small_networks import batch, linear, pixels
from torch import nn

from zsnas.proxies import measure


def linear_regions(*images, activation=None):
    identity = linear([[1, 0], [0, 1]])
    model = nn.Sequential(nn.Flatten(), identity, activation or nn.ReLU(), linear([[1, 1], [1, -1]]))
    found = measure(model, batch(pixels(*images), [0] * len(images)), ["linear_regions"])
    return found["linear_regions"]


def test_by_hand():
    # Codes 11, 10, 11 and 00: three different ones. The two images of code 11 count 1/2 each.
    assert linear_regions([1, 2], [3, -1], [5, 6], [-1, -2]).value == pytest.approx(3)


def test_images_of_one_region_count_as_one():
    assert linear_regions([1, 2], [2, 1], [4, 4]).value == pytest.approx(1)


def test_a_network_without_units_has_no_regions_to_tell_apart():
    reason = "the network has no ReLU-like activation"
    assert linear_regions([1, 2], activation=nn.Tanh()).reason == reason

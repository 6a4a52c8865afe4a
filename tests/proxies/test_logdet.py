from math import log

import pytest
import timm
import torch
import torch.nn.functional as F
from small_networks import batch, linear, noise, pixels
from torch import nn
from zoo import Applied

from zsnas.proxies import measure, score

IDENTITY = linear([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
IMAGES = pixels([1, 2, -1], [3, -1, -2])  # codes 110 and 100: three units, of which two agree


def logdet(*layers, images=IMAGES):
    model = nn.Sequential(nn.Flatten(), *layers)
    return measure(model, batch(images, [0] * len(images)), ["logdet"])["logdet"]


def test_by_hand():
    # K = ((3, 2), (2, 3)), |K| = 5
    assert logdet(IDENTITY, nn.ReLU()).value == pytest.approx(log(5))


def test_units_of_all_activations_count():
    # The second layer sees the rectified images and turns no unit off that was on: K = 2 ((3, 2), (2, 3)).
    assert logdet(IDENTITY, nn.ReLU(), IDENTITY, nn.ReLU()).value == pytest.approx(log(4 * 5))


@pytest.mark.parametrize(
    "rectifier", [nn.ReLU6(), nn.LeakyReLU(0.1), nn.PReLU().double(), nn.ReLU(inplace=True)]
)
def test_relu_like_activations_count(rectifier):
    assert logdet(IDENTITY, rectifier).value == pytest.approx(log(5))


def test_what_it_is_not_defined_for():
    assert logdet(IDENTITY, nn.GELU()).reason == "the network has no ReLU-like activation"
    equal = logdet(IDENTITY, nn.ReLU(), images=pixels([1, 2, -1], [2, 1, -3]))
    assert equal.reason == "two images switch on exactly the same units"


def windows(x):
    return x.view(-1, 3, 1).flatten(0, 1)  # three of one unit an image, beside the images


def positions_first(x):
    return x.unsqueeze(2).transpose(0, 1)  # (position, image, unit)


def alternating(x):
    return x.T.flatten().unsqueeze(1)  # the first unit of all images, then the second


@pytest.mark.parametrize("moved", [windows, positions_first, alternating])
@pytest.mark.parametrize("images", [IMAGES, pixels([1, 2, -1], [3, -1, -2], [-1, 4, 5])], ids=["2", "3"])
def test_units_belong_to_their_image_wherever_it_is(moved, images):
    """As in attention within windows, or over tokens whose positions come first: as many as images or not."""

    def network(net, x):
        units = F.relu(moved(net.i(x.flatten(1))))
        return net.f(x.flatten(1)) + 0 * units.sum()

    names = ["logdet", "linear_regions", "swap"]
    batch_of = batch(images, [0] * len(images))
    plain = nn.Sequential(nn.Flatten(), IDENTITY, nn.ReLU())
    found = score(Applied(network, i=IDENTITY, f=linear([[1, 0, 0]] * 3)), batch_of, names)
    assert found == score(plain, batch_of, names)


def test_units_that_see_no_image_do_not_count():
    """As of a table of positions, from which an attention makes its bias; here of as many as images."""
    table = Applied(
        lambda net, x: F.relu(net.i(x.flatten(1))) + F.relu(net.t(torch.eye(2, 2).double())).sum(),
        i=IDENTITY,
        t=linear([[1, -1], [1, 1]]),
    )
    found = measure(table, batch(IMAGES, [0, 0]), ["logdet", "swap"])
    assert found["logdet"].value == pytest.approx(log(5))
    assert found["swap"].value == 3
    smooth = Applied(
        lambda net, x: net.i(x.flatten(1)) + F.relu(net.t(torch.eye(2, 2).double())).sum(),
        i=IDENTITY,
        t=linear([[1, -1], [1, 1]]),
    )
    reason = measure(smooth, batch(IMAGES, [0, 0]), "logdet")["logdet"].reason
    assert reason == "the network has no ReLU-like activation that sees the images"


def test_codes_that_depend_on_each_other_have_no_determinant():
    # The codes 00, 01, 10 and 11 are all different, but 00 + 11 = 01 + 10.
    corners = pixels([-1, -1, -1], [-1, 1, -1], [1, -1, -1], [1, 1, -1])
    found = logdet(IDENTITY, nn.ReLU(), images=corners)
    assert found.reason == "the codes of the images are linearly dependent"


def test_the_order_of_the_images_does_not_matter():
    images = pixels([1, 2, -1], [3, -1, -2], [-1, 4, 5])
    there, back = (logdet(IDENTITY, nn.ReLU(), images=found) for found in (images, images.flip(0)))
    assert back.value == pytest.approx(there.value)


def test_the_printed_formula_has_the_number_of_regions_on_the_diagonal():
    model = nn.Sequential(nn.Flatten(), IDENTITY, nn.ReLU())
    # Two regions at a distance of 1: H = ((2, 1), (1, 2)), |H| = 3. A second image of one is no more.
    for images in (IMAGES, pixels([1, 2, -1], [3, -1, -2], [5, 1, -4])):
        measured = measure(model, batch(images, [0] * len(images)), ["logdet_printed"])["logdet_printed"]
        assert measured.value == pytest.approx(log(3))


@pytest.mark.parametrize(
    "name", ["tinynet_e", "convnext_atto", "fbnetv3_b"], ids=["SiLU", "GELU", "Hardswish"]
)
def test_networks_of_smooth_activations_have_no_units_to_compare(name):
    found = measure(timm.create_model(name), noise(2, 64), ["logdet", "naswot", "swap", "linear_regions"])
    assert {m.reason for m in found.values()} == {"the network has no ReLU-like activation"}

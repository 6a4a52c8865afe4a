from math import log

import pytest
import timm
from small_networks import batch, linear, noise, pixels
from torch import nn

from zsnas.proxies import measure

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


def test_units_that_lie_along_the_batch_belong_to_no_image():
    """As in networks that attend within windows, which they put beside the images."""
    apart, together = nn.Unflatten(1, (3, 1)), nn.Unflatten(0, (2, 3))  # three windows of one unit an image
    found = logdet(IDENTITY, apart, nn.Flatten(0, 1), nn.ReLU(), together, nn.Flatten(1))
    assert found.reason.startswith("the first axis of an activation has length 6 for 2 images")


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

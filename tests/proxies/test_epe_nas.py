from math import log, sqrt

import pytest
import torch
from small_networks import batch, linear, noise, pixels, small
from torch import nn

from zsnas.batches import Batch
from zsnas.proxies import list_proxies, measure, proxy

IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
ONE = log(1 + 1e-5)  # what an image adds that is compared with itself


def epe_nas(images, labels, classes=2, name="epe_nas"):
    """Score a network whose summed logits change by (2, 1, 1) where an image is positive, elsewhere by 0."""
    last = linear([[1, 1, 0], [1, 0, 1], *[[0, 0, 0]] * (classes - 2)])
    model = nn.Sequential(nn.Flatten(), linear(IDENTITY), nn.ReLU(), last)
    return measure(model, batch(pixels(*images), labels, classes), [name])[name]


# The gradients of A, B and C are (2, 1, 0), (2, 1, 1) and (0, 1, 0), less their means (1, 0, -1),
# (2, -1, -1)/3 and (-1, 2, -1)/3. Their correlations are √3/2 for A and B, 0 for A and C, -1/2 for B and C.
A, B, C = [1, 1, -1], [1, 1, 1], [-1, 1, -1]
AB, AC, BC = log(sqrt(3) / 2 + 1e-5), log(1e-5), log(1 / 2 + 1e-5)


def test_by_hand():
    # Class 0 has A and B, class 1 has C and B: both images with themselves, and with each other twice.
    expected = abs(2 * ONE + 2 * AB) + abs(2 * ONE + 2 * BC)
    assert epe_nas([A, C, B, B], [0, 1, 0, 1]).value == pytest.approx(expected)


def test_a_class_with_one_image_adds_next_to_nothing():
    expected = abs(2 * ONE + 2 * AC) + ONE
    assert epe_nas([A, B, C], [0, 1, 0]).value == pytest.approx(expected)


def test_with_more_than_100_classes_their_differences_count():
    # Per image, classes 0 and 1 have ONE + AB and ONE + BC. Both orders of the pair, divided by two classes.
    expected = abs(AB - BC)
    assert epe_nas([A, C, B, B], [0, 1, 0, 1], classes=101).value == pytest.approx(expected)
    assert epe_nas([A, C, B, B], [0, 1, 0, 1], classes=100).value > 1.5


@pytest.mark.parametrize("classes", [3, 101])
def test_the_sum_does_not_ask_how_many_classes_there_are(classes):
    # Class 2 has one image. The other two as in test_by_hand.
    expected = abs(2 * ONE + 2 * AB) + abs(2 * ONE + 2 * BC) + ONE
    found = epe_nas([A, C, B, B, A], [0, 1, 0, 1, 2], classes, name="epe_nas_sum")
    assert found.value == pytest.approx(expected)


def test_with_more_than_100_classes_one_image_is_left_out():
    images, labels = [A, C, B, B, A], [0, 1, 0, 1, 2]
    assert epe_nas(images, labels, classes=101).value == pytest.approx(abs(AB - BC))


def test_with_more_than_100_classes_the_size_of_a_class_does_not_matter_by_itself():
    # Class 0 has three images: sum over nine pairs, divided by three.
    first = (3 * ONE + 2 * (AB + AC + BC)) / 3
    second = ONE + AB
    assert epe_nas([A, B, C, A, B], [0, 0, 0, 1, 1], 101).value == pytest.approx(abs(first - second))


def test_the_names_of_classes_and_the_order_of_images_do_not_matter():
    given = noise(size=6, dtype=torch.float64)
    order = torch.tensor([4, 2, 0, 5, 3, 1])
    renamed = (given.labels + 1) % 3
    other = Batch(given.images[order], renamed[order], 3, "the same in another order")
    values = [measure(small().double(), images, ["epe_nas"])["epe_nas"].value for images in (given, other)]
    assert values[0] == pytest.approx(values[1])


@pytest.mark.parametrize("classes", [3, 101])
def test_what_it_is_not_defined_for(classes):
    alone = epe_nas([A, B, C], [0, 1, 2], classes)
    assert alone.reason == (
        "no class has two images in the batch to compare; draw one in which they do: "
        "zsnas.batch(…, images_per_class=2)"
    )
    assert epe_nas([A, [-1, -1, -1]], [0, 0], classes).reason == "an image's input gradient is constant"


def test_a_batch_for_it_is_drawn_with_two_images_of_a_class():
    assert {name: proxy(name).images_per_class for name in list_proxies("epe*")} == {
        "epe_nas": 2,
        "epe_nas_sum": 2,
    }

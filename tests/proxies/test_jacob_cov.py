import math

import pytest
from small_networks import batch, linear, pixels
from torch import nn

from zsnas.proxies import measure

IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
# The gradient of the summed logits is (2, 1, 1) at the pixels that are positive, and zero at the others.
MODEL = nn.Sequential(nn.Flatten(), linear(IDENTITY), nn.ReLU(), linear([[1, 1, 0], [1, 0, 1]]))


def jacob_cov(*images):
    return measure(MODEL, batch(pixels(*images), [0] * len(images)), ["jacob_cov"])["jacob_cov"]


def test_by_hand():
    # Gradients (2, 1, 0) and (0, 1, 0), less their means (1, 0, -1) and (-1/3, 2/3, -1/3): correlation 0.
    # The eigenvalues are 1 and 1, each gives -(log 1 + 1).
    assert jacob_cov([1, 1, -1], [-1, 1, -1]).value == pytest.approx(-2)


def test_correlated_gradients_score_less():
    # Gradients (2, 1, 0) and (2, 1, 1), less their means (1, 0, -1) and (2/3, -1/3, -1/3): correlation
    # 1 / (√2 √(2/3)) = √3/2. The eigenvalues are 1 ± √3/2.
    eigenvalues = [1 + sign * math.sqrt(3) / 2 + 1e-5 for sign in (1, -1)]
    expected = -sum(math.log(v) + 1 / v for v in eigenvalues)
    assert jacob_cov([1, 1, -1], [1, 1, 1]).value == pytest.approx(expected)
    assert expected < -2


def test_equal_gradients_are_kept_from_infinity_by_epsilon():
    expected = -(math.log(2) + 1 / 2 + math.log(1e-5) + 1e5)
    assert jacob_cov([1, 1, -1], [2, 3, -4]).value == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([[1, 1, -1], [-1, -1, -1]], "an image's input gradient is constant"),
        ([[1, 1, -1]], "a correlation between images needs a batch of at least two"),
    ],
)
def test_what_it_is_not_defined_for(images, reason):
    assert jacob_cov(*images).reason == reason


def test_labels_do_not_matter():
    images = pixels([1, 1, -1], [1, 1, 1])
    one, other = (
        measure(MODEL, batch(images, labels), ["jacob_cov"])["jacob_cov"] for labels in ([0, 0], [1, 0])
    )
    assert one.value == other.value


def test_the_printed_formula_has_no_logarithm():
    # Eigenvalues 1 and 1, as in the first test: each gives -(1 + 1).
    images = batch(pixels([1, 1, -1], [-1, 1, -1]), [0, 0])
    assert measure(MODEL, images, ["jacob_cov_printed"])["jacob_cov_printed"].value == pytest.approx(-4)

import pytest
import torch
from small_networks import batch, convolution, linear, noise, pixels, small
from torch import nn

from zsnas.proxies import Passes, measure
from zsnas.proxies.ntk_cond import kernel_of_scales

KERNELS = ["ntk_cond", "ntk_cond_norms", "ntk_cond_printed", "ntk_cond_running"]


def ntk_cond(model, images, name="ntk_cond"):
    return measure(model, batch(images, [0] * len(images)), [name])[name]


@pytest.mark.parametrize("name", KERNELS)
def test_by_hand(name):
    # The gradient of the sum of the two logits is the image itself, for the weights of each logit. Of the
    # images (1, 0) and (1, 1): K = 2 ((1, 1), (1, 2)), whose eigenvalues are 3 ± √5.
    model = nn.Sequential(nn.Flatten(), linear([[5, -2], [1, 3]]))
    expected = (3 + 5**0.5) / (3 - 5**0.5)
    assert ntk_cond(model, pixels([1, 0], [1, 1]), name).value == pytest.approx(expected)


def test_all_layers_count():
    # Weight 2 of the convolution, weights 1 of the logit. Images (1, 0) and (0, 2): the gradients with
    # respect to the convolution are their sums 1 and 2, with respect to the linear layer 2 (1, 0) and
    # 2 (0, 2). K = ((1 + 4, 2), (2, 4 + 16)), whose eigenvalues are (25 ± √(15² + 4 · 4)) / 2.
    model = nn.Sequential(convolution(2), nn.Flatten(), linear([[1, 1]]))
    root = (15**2 + 4 * 4) ** 0.5
    expected = (25 + root) / (25 - root)
    assert ntk_cond(model, pixels([1, 0], [0, 2])).value == pytest.approx(expected)


def test_scales_of_normalisation_count_where_they_are_said_to():
    # Layer norm takes the images (1, 0, -1) and (1, -2, 1) to √(3/2) and √(1/2) times themselves. These are
    # the gradients of the weights 3, 1, 2, of equal length and orthogonal; those of the scales are 3, 1, 2
    # times as large. Together K = ((3/2 (10 + 5), √3/2 (10 - 5)), (√3/2 (10 - 5), 1/2 (10 + 4 · 2 + 5))),
    # whose eigenvalues are 24 and 10.
    model = nn.Sequential(nn.Flatten(), nn.LayerNorm(3, eps=0).double(), linear([[3, 1, 2]]))
    images = pixels([1, 0, -1], [1, -2, 1])
    assert ntk_cond(model, images).value == pytest.approx(1)
    assert ntk_cond(model, images, "ntk_cond_norms").value == pytest.approx(2.4)


def test_running_statistics_stay_as_they_were():
    passes = Passes(small(), noise())
    before = passes.model[1].running_var.clone()
    kernel_of_scales(passes)
    assert torch.equal(passes.model[1].running_var, before)


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_at_least_one(name):
    for seed in range(5):
        found = measure(small(seed=seed).double(), noise(dtype=torch.float64), [name])[name]
        assert found.value >= 1


def test_orthogonal_images_of_one_size_reach_one():
    model = nn.Sequential(nn.Flatten(), linear([[5, -2]]))
    assert ntk_cond(model, pixels([3, 4], [-4, 3])).value == pytest.approx(1)


def test_equal_images_have_no_condition_number():
    model = nn.Sequential(nn.Flatten(), linear([[5, -2]]))
    assert ntk_cond(model, pixels([3, 4], [3, 4])).reason == "the neural tangent kernel is singular"


def test_neither_order_nor_labels_of_the_images_matter():
    images = noise(dtype=torch.float64).images
    there = measure(small().double(), batch(images, [0, 1, 2, 0], 3), KERNELS)
    back = measure(small().double(), batch(images.flip(0), [2, 2, 1, 0], 3), KERNELS)
    for name in KERNELS:
        assert back[name].value == pytest.approx(there[name].value)


def test_more_images_than_a_block_are_all_compared():
    # Twenty images go through in two blocks. The gradient is the image itself, so K is their Gram matrix.
    images = torch.randn(20, 1, 1, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Flatten(), nn.Linear(30, 1, bias=False).double())
    expected = torch.linalg.cond(images.flatten(1) @ images.flatten(1).T).item()
    assert ntk_cond(model, images, "ntk_cond_printed").value == pytest.approx(expected)

import copy
import math

import numpy as np
import oracles_followups
import pytest
import torch
from small_networks import batch, noise, pixels, small
from torch import nn

from zsnas.batches import Batch
from zsnas.batches.tasks import Task
from zsnas.proxies import measure
from zsnas.spaces import space


def vkdnw(model, images, name="vkdnw", seed=0):
    return measure(model, images, [name], seed)[name]


def test_by_hand():
    """The first logit is w x + b: image x has the gradient a (x, 1), for an a that softmax and signs give."""
    generator = torch.Generator().manual_seed(3)
    weights = math.sqrt(2) * torch.randn(2, 1, generator=generator).double().numpy()
    xs = torch.randn(64, generator=generator).double().numpy()
    signs = [torch.randint(2, (2,), generator=generator).numpy() * 2 - 1 for _ in xs]
    information = 0
    for x, v in zip(xs, signs, strict=True):
        odds = np.exp(weights[:, 0] * x)
        p = 0.95 * odds / odds.sum() + 0.025
        a = math.sqrt(p[0]) * v[0] - p[0] * (math.sqrt(p[0]) * v[0] + math.sqrt(p[1]) * v[1])
        information += a**2 / 64 * np.array([[x * x, x], [x, 1]])
    # Two tensors, a weight and a bias, so two eigenvalues, between which the deciles lie at equal steps.
    trace, determinant = np.trace(information), np.linalg.det(information)
    root = math.sqrt(trace**2 / 4 - determinant)
    low, high = trace / 2 - root, trace / 2 + root
    deciles = np.array([low + k / 10 * (high - low) for k in range(1, 10)])
    shares = deciles / deciles.sum()
    entropy = -(shares * np.log(shares)).sum()
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(1, 2)).double()
    images = batch(pixels([7], [8]), [0, 0])
    assert vkdnw(perceptron, images, "vkdnw_entropy", seed=3).value == pytest.approx(entropy)
    assert vkdnw(perceptron, images, seed=3).value == pytest.approx(2 + entropy)


def test_one_eigenvalue_by_hand():
    # A single tensor and its neighbour, which changes nothing: λ beside 0, whose deciles are λ/10 to 9λ/10.
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False)).double()
    model.register_parameter("idle", nn.Parameter(torch.zeros(1).double()))
    found = vkdnw(model, batch(pixels([7]), [0]), "vkdnw_entropy").value
    assert found == pytest.approx(-sum(k / 45 * math.log(k / 45) for k in range(1, 10)))


def test_weights_images_labels_and_running_statistics_do_not_matter():
    trained = small(seed=9)
    for tensor in (*trained.parameters(), *trained.buffers()):
        tensor.data = tensor.data + 1
    other = noise(dtype=torch.float64)
    other = Batch(3 * other.images.float(), other.labels.flip(0), 3, "others")
    assert vkdnw(small(), noise()).value == vkdnw(trained, other).value


def test_parameters_beyond_the_first_128_tensors_are_counted_only():
    def deep(more):
        wide = [nn.Linear(3, 3, bias=False) for _ in range(128 + more)]
        return nn.Sequential(nn.Flatten(), *wide).double()

    images = batch(pixels([1, 2, 3]), [0], classes=3)
    least, more = (vkdnw(deep(many), images) for many in (0, 1))
    assert (int(least.value), int(more.value)) == (128, 129)


def test_no_image_is_normalised_by_another():
    """A batch norm without running statistics takes those of the image itself."""
    model = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.Linear(1, 2))
    reason = vkdnw(model, batch(torch.ones(2, 1, 1, 1), [0, 0])).reason
    assert reason.startswith("batch norm has a single value per channel")


def test_signs_in_place_of_all_classes_keep_the_order():
    """On cells whose exact entropies differ, the entropies of one direction an image differ likewise."""
    nb201 = space("nb201")
    operations = "nor_conv_3x3", "skip_connect", "nor_conv_1x1"
    cells = [f"|{o}~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|{o}~2|" for o in operations]
    images = noise()
    exact, found = [], []
    for cell in cells:
        model = nb201.build(cell, 3, seed=0).double()
        exact.append(oracles_followups.vkdnw_entropy(copy.deepcopy(model), images, 0, exact=True))
        found.append(vkdnw(model, images, "vkdnw_entropy").value)
    assert np.argsort(exact).tolist() == np.argsort(found).tolist()


def test_a_network_whose_outputs_no_parameter_changes_is_undefined():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 2)

        def forward(self, x):
            return 0 * self.layer(x.flatten(1))

    reason = vkdnw(Constant(), batch(pixels([1]), [0])).reason
    assert reason == "no parameter that is looked at changes the outputs"


def test_a_task_without_classes_is_undefined():
    images = Batch(torch.rand(2, 1, 1, 3), torch.rand(2, 1), 1, "ages", Task("ages", 1, criterion="mse_loss"))
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 1))
    assert vkdnw(model, images).reason == "it is defined for classes of images, and this task has none"

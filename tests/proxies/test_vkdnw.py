import math

import numpy as np
import pytest
import torch
from small_networks import batch, noise, pixels, small
from torch import nn

from zsnas.batches import Batch
from zsnas.batches.tasks import Task
from zsnas.proxies import measure


def vkdnw(model, images, name="vkdnw", seed=0):
    return measure(model, images, [name], seed)[name]


def test_by_hand():
    """The first logit is w x + b, the second has other entries: p (1 - p) is its variance for image x."""
    generator = torch.Generator().manual_seed(3)
    weights = math.sqrt(2) * torch.randn(2, 1, generator=generator).double().numpy()
    xs = torch.randn(64, generator=generator).double().numpy()
    information = 0
    for x in xs:
        odds = np.exp(weights[:, 0] * x)
        p = 0.95 * odds[0] / odds.sum() + 0.025
        information += p * (1 - p) / 64 * np.array([[x * x, x], [x, 1]])
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


def test_a_parameter_of_a_layer_that_is_neither_weight_nor_bias_stays():
    """As one that scales its output: the same network has it in a module of its own."""

    class Gain(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.full((2,), 3.0))

        def forward(self, x):
            return self.gain * x

    class Scaled(nn.Linear):
        def __init__(self, *given, **how):
            super().__init__(*given, **how)
            self.gain = nn.Parameter(torch.full((2,), 3.0))

        def forward(self, x):
            return self.gain * super().forward(x)

    images = batch(pixels([7, 8], [8, 7]), [0, 0])
    one = nn.Sequential(nn.Flatten(), Scaled(2, 2, bias=False)).double()
    other = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), Gain()).double()
    assert vkdnw(one, images).value == pytest.approx(vkdnw(other, images).value)


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


class Idle(nn.Module):
    """Returns its input, and has parameters that change nothing."""

    def __init__(self, many):
        super().__init__()
        self.parts = nn.ParameterList(torch.zeros(1) for _ in range(many))

    def forward(self, x):
        return x


def test_the_first_128_tensors_are_looked_at():
    images = batch(pixels([1, 2, 3]), [0], classes=3)
    last, beyond = (
        vkdnw(nn.Sequential(Idle(many), nn.Flatten(), nn.Linear(3, 3, bias=False)), images)
        for many in (127, 128)
    )
    assert last.value == 128  # one eigenvalue of 128 is not 0, so that all deciles are
    assert beyond.reason == "no parameter that is looked at changes the outputs"


def test_no_image_is_normalised_by_another():
    """A batch norm without running statistics takes those of the image itself."""
    model = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.Linear(1, 2))
    reason = vkdnw(model, batch(torch.ones(2, 1, 1, 1), [0, 0])).reason
    assert reason.startswith("batch norm has a single value per channel")


def test_one_direction_an_image_is_the_same_in_the_mean():
    """A mean over many seeds of a perceptron with a weight and a bias, by both."""
    images = batch(pixels([7], [8]), [0, 0])
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(1, 2)).double()
    exact = vkdnw(perceptron, images, seed=3).value
    drawn = [vkdnw(perceptron, images, "vkdnw_directions", seed=seed).value for seed in range(40)]
    every = [vkdnw(perceptron, images, seed=seed).value for seed in range(40)]
    assert exact in every
    assert np.mean(drawn) == pytest.approx(np.mean(every), abs=3 * np.std(drawn) / math.sqrt(40))


def test_one_direction_an_image_leaves_many_eigenvalues_at_zero():
    """Of 128 tensors, 64 images tell of 64 directions at most: the deciles below the median are 0."""
    model = nn.Sequential(nn.Flatten(), *(nn.Linear(3, 3, bias=False) for _ in range(128))).double()
    images = batch(pixels([1, 2, 3]), [0], classes=3)
    assert vkdnw(model, images, "vkdnw_directions").value - 128 <= math.log(4)


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

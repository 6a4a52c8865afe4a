"""Networks for other tasks than classification: the loss of the task, and outputs that are images."""

import math

import pytest
import torch
from torch import nn

from zsnas.batches import Batch
from zsnas.batches.tasks import TASKS
from zsnas.proxies import Passes, list_proxies, measure
from zsnas.proxies._sample_gradients import sample_gradients
from zsnas.proxies._trace import tracing
from zsnas.proxies._weights import LAYERS
from zsnas.proxies.zen_score import gaussian_probe
from zsnas.proxies.zico import half_gradients

NAMES = ["room_layout", "segmentsemantic", "normal", "autoencoder"]
SURVEY = [
    "grad_norm",
    "snip",
    "grasp",
    "gradsign",
    "fisher",
    "jacob_cov",
    "synflow",
    "zen_score",
    "logdet",
    "params",
    "flops",
]


def task_batch(name, size=6):
    """Return noise of 8×8 pixels with a target of the task."""
    task, generator = TASKS[name], torch.Generator().manual_seed(0)
    images = torch.randn(size, 3, 8, 8, generator=generator)
    if name == "segmentsemantic":
        target = torch.randint(task.outputs, (size, 8, 8), generator=generator)
    else:
        target = torch.rand(size, task.outputs, *((8, 8) if task.is_dense else ()), generator=generator)
    return Batch(images, target, task.outputs, "noise", task)


def task_network(name):
    """Return an encoder that halves the image, with a decoder or a linear layer."""
    task = TASKS[name]
    torch.manual_seed(0)
    encoder = [nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU()]
    if not task.is_dense:
        return nn.Sequential(*encoder, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, task.outputs))
    decoder = [nn.ConvTranspose2d(6, 5, 3, 2, 1, output_padding=1), nn.BatchNorm2d(5), nn.LeakyReLU(0.2)]
    return nn.Sequential(*encoder, *decoder, nn.Conv2d(5, task.outputs, 3, padding=1))


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_that_of_the_task(name):
    network, batch = task_network(name), task_batch(name)
    expected = TASKS[name].loss(network.train()(batch.images), batch.labels)
    found = Passes(network, batch).training.loss
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradients_are_those_of_a_training_step(name):
    network, batch = task_network(name), task_batch(name)
    loss = TASKS[name].loss(network.train()(batch.images), batch.labels)
    weights = [layer.weight for layer in network if isinstance(layer, LAYERS)]
    expected = torch.autograd.grad(loss, weights)
    torch.testing.assert_close(Passes(network, batch).gradients.weights, list(expected))


@pytest.mark.parametrize("name", NAMES)
def test_the_proxies_of_the_survey_have_a_value_for_every_task(name):
    measured = measure(task_network(name), task_batch(name), SURVEY)
    assert {proxy: m.reason for proxy, m in measured.items() if m.reason} == {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_that_are_numbers_keep_their_fraction_in_every_precision(name, dtype):
    batch = task_batch(name)
    passes = Passes(task_network(name), batch, dtype=dtype)
    assert passes.labels.dtype == (torch.int64 if name == "segmentsemantic" else getattr(torch, dtype))
    assert torch.equal(passes.labels.to(batch.labels.dtype), batch.labels)
    assert passes.training.loss.dtype == getattr(torch, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_proxies_of_both_halves_of_a_batch_halve_the_targets(name):
    network, batch = task_network(name), task_batch(name)
    half = Batch(batch.images[:3], batch.labels[:3], batch.num_classes, "", batch.task)
    first, _ = half_gradients(Passes(network, batch))
    torch.testing.assert_close(first[0], Passes(network, half).gradients.weights[0])


# The features of a network without classifier are what its last convolution sees.
def test_zen_score_perturbs_the_input_of_the_last_convolution():
    probe = gaussian_probe(Passes(task_network("normal"), task_batch("normal")))
    assert probe.difference.shape == (6, 5, 8, 8)


def test_epe_nas_needs_classes():
    for name in NAMES:
        measured = measure(task_network(name), task_batch(name), ["epe_nas"])["epe_nas"]
        assert math.isnan(measured.value)
        assert measured.reason == f"there are no images of one class to compare in the task {name}"


def test_a_network_for_another_task_says_which_shape_is_missing():
    reason = measure(task_network("room_layout"), task_batch("normal"), ["snip"])["snip"].reason
    assert reason == "the network returns shape (6, 9), not (batch, channels, height, width)"
    reason = measure(task_network("normal"), task_batch("room_layout"), ["snip"])["snip"].reason
    assert reason == "the network returns shape (6, 3, 8, 8), not (batch, classes)"


def test_a_segment_without_an_output_is_named():
    network = task_network("segmentsemantic")
    network[-1] = nn.Conv2d(5, 4, 3, padding=1)
    reason = measure(network, task_batch("segmentsemantic"), ["snip"])["snip"].reason
    assert reason.startswith("label 16 has no output: the network has 4 outputs and the batch 17 classes; ")


@pytest.mark.parametrize(("name", "found"), [("room_layout", (6, 1)), ("normal", (6, 1, 8, 8))])
def test_numbers_of_another_shape_are_not_broadcast(name, found):
    network, batch = task_network(name), task_batch(name)
    network[-1] = nn.Linear(6, 1) if name == "room_layout" else nn.Conv2d(5, 1, 3, padding=1)
    reason = measure(network, batch, ["snip"])["snip"].reason
    assert reason == f"the target has the shape {tuple(batch.labels.shape)}, the output {found}"


@pytest.mark.parametrize("name", NAMES)
def test_every_proxy_has_a_value_or_a_reason(name):
    for proxy, measured in measure(task_network(name), task_batch(name), list_proxies()).items():
        assert math.isfinite(measured.value) != bool(measured.reason), proxy


# By the definition: the gradient of each image alone.
def test_a_transposed_convolution_has_gradients_of_single_images():
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1).double()
    x = torch.randn(5, 3, 6, 6, dtype=torch.float64)
    with tracing([layer.weight]) as trace:
        y = layer(x)
    dy = torch.randn_like(y)
    ((rows,),) = sample_gradients(trace.outputs, [dy], [layer.weight], 5)
    for i, row in enumerate(rows):
        value = (layer(x[i : i + 1]) * dy[i : i + 1]).sum()
        torch.testing.assert_close(row, torch.autograd.grad(value, layer.weight)[0].flatten())

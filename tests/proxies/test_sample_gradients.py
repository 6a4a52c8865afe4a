"""The gradients of single images, which are told apart in blocks, against those of each image alone."""

import unittest.mock

import pytest
import torch
from torch import nn
from zoo import CLASSES, Applied, Definitions, images

from zsnas.proxies import score
from zsnas.proxies._passes import Passes
from zsnas.proxies._sample_gradients import IMAGES, gradients_of_images, sample_gradients
from zsnas.proxies._trace import tracing

LAYERS = {
    "convolution": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1), (3, 6, 5)),
    "pointwise convolution": (lambda: nn.Conv2d(3, 4, 1), (3, 6, 5)),
    "linear": (lambda: nn.Linear(5, 4), (6, 5)),
}


@pytest.mark.parametrize("images", [1, IMAGES, IMAGES + 1, 2 * IMAGES + 3])
@pytest.mark.parametrize(("build", "shape"), LAYERS.values(), ids=LAYERS)
def test_every_image_of_full_and_of_short_blocks_has_the_gradient_that_it_has_alone(build, shape, images):
    torch.manual_seed(0)
    layer, x = build().double(), torch.randn(images, *shape, dtype=torch.float64)
    with tracing([layer.weight]) as trace:
        y = layer(x)
    dy = torch.randn_like(y)
    (blocks,) = sample_gradients(trace.outputs, [dy], [layer.weight], images)
    full, rest = divmod(images, IMAGES)
    assert [len(block) for block in blocks] == [IMAGES] * full + [rest] * bool(rest)
    for row, one, along in zip(torch.cat(blocks), x.split(1), dy.split(1), strict=True):
        (alone,) = torch.autograd.grad((layer(one) * along).sum(), layer.weight)
        torch.testing.assert_close(row, alone.flatten())


@pytest.mark.parametrize("positions", [4, 8], ids=["as many as images", "more"])
@pytest.mark.parametrize("is_learned", [True, False], ids=["parameter", "buffer"])
def test_a_layer_that_sees_no_image_has_a_gradient_of_each_image_however_small(positions, is_learned):
    """As one on a table of positions. Next to the other layer's gradients, this one's are rounding."""
    network = Applied(
        lambda net, x: net.f(x.flatten(1)) + 1e-13 * net.t(net.p).sum(0),
        f=nn.Linear(192, CLASSES),
        t=nn.Linear(4, CLASSES),
    )
    network.p = (nn.Parameter if is_learned else nn.Buffer)(torch.randn(positions, 4))
    network.double()
    names = ["gradsign", "ntk_cond_printed"]
    found, right = score(network, images(), names), Definitions(network, images())
    assert found == pytest.approx({name: getattr(right, name)() for name in names})


def _switched(network, x):
    """Let rounding switch a unit of the first image of a batch, as it may of any image of a large one."""
    switched = torch.ones(len(x), 1, dtype=x.dtype)
    switched[0] += network.by if len(x) > 1 else 0
    return network.g(network.f(x.flatten(1)).relu() * switched)


@pytest.mark.parametrize(("by", "runs"), [(0, 1), (0.01, 3), (0.5, len(images().images))])
def test_a_unit_that_rounding_switches_in_one_image_does_not_make_every_image_run_alone(by, runs):
    network = Applied(_switched, f=nn.Linear(192, 6), g=nn.Linear(6, CLASSES)).double()
    network.by = by
    passes = Passes(network, images(), statistics="running")
    with unittest.mock.patch.object(passes.model, "forward", wraps=passes.model.forward) as forward:
        sum(1 for _ in gradients_of_images(passes, lambda training: training.logits.sum()))
    assert forward.call_count == 1 + runs


def test_the_first_image_runs_alone_once_for_all_that_is_differentiated():
    network = Applied(lambda net, x: net.f(x.flatten(1)), f=nn.Linear(192, CLASSES))
    passes = Passes(network, images(), statistics="running")
    with unittest.mock.patch.object(passes.model, "forward", wraps=passes.model.forward) as forward:
        for summed in (lambda training: training.logits.sum(), lambda training: 2 * training.logits.sum()):
            sum(1 for _ in gradients_of_images(passes, summed))
    assert [len(call.args[0]) for call in forward.call_args_list] == [len(images().images), 1]


@pytest.mark.parametrize("share", [1e-6, 1e-2])
def test_images_that_influence_each_other_a_little_run_alone(share):
    network = Applied(
        lambda net, x: net.g((net.f(x.flatten(1)) + share * net.f(x.flatten(1)).mean(0)).relu()),
        f=nn.Linear(192, 6),
        g=nn.Linear(6, CLASSES),
    ).double()
    passes = Passes(network, images(), statistics="running")
    found = list(gradients_of_images(passes, lambda training: training.logits.sum()))
    weights = [network.f.weight, network.g.weight]
    for image, x in enumerate(images().images):
        right = torch.autograd.grad(network(x[None]).sum(), weights)
        for blocks, gradient in zip(found, right, strict=True):
            torch.testing.assert_close(torch.cat(blocks)[image], gradient.flatten(), rtol=1e-12, atol=0)

from math import log

import pytest
import torch
import torch.nn.functional as F
from small_networks import batch, convolution, linear, noise, pixels
from torch import nn
from zoo import Applied

from zsnas.proxies import measure, score

CHANNELS = ["fisher", "fisher_channels"]


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_by_hand(copies):
    # As in test_grad_norm: channels (3, 4) and (-3, -4), each with the gradient (-1/2, 0); logits 0.
    model = nn.Sequential(convolution(1, -1), nn.Flatten(), linear([[1, 0, 1, 0], [0, 0, 0, 0]]))
    images = batch(pixels(*[[3, 4]] * copies), [0] * copies)
    # Each image has 1/copies of the gradient: per channel (3/2 / copies)², two channels, times 1/2. The sum
    # over both channels before the square, as in the survey's Eq. 6, would give zero.
    assert score(model, images, ["fisher"])["fisher"] == pytest.approx(2 * (1.5 / copies) ** 2 / 2)


def test_outputs_of_linear_layers_count():
    model = nn.Sequential(nn.Flatten(), linear([[1, 0], [0, 0]]), linear([[1, 0], [1, 0]]))
    # The image (2, 0): hidden (2, 0), logits (2, 2), gradient (-1/2, 1/2); -1/2 + 1/2 = 0 at
    # the hidden units. Output layer: (2 · -1/2)² + (2 · 1/2)² = 2, times 1/2. Two weights make a logit.
    found = score(model, batch(pixels([2, 0]), [0]), CHANNELS)
    assert found["fisher_channels"] == pytest.approx(1)
    assert found["fisher"] == pytest.approx(2)


def test_positions_of_a_sequence_are_summed_before_the_square():
    model = nn.Sequential(
        nn.Flatten(2), linear([[1, 0], [0, 1]]), nn.Flatten(), linear([[1, 3, 1, 1], [0] * 4])
    )
    # Two positions, (3, -1) and (4, -4), of two features; logits 3 - 3 + 4 - 4 = 0 and 0, so the gradient is
    # -1/2 (1, 3, 1, 1). Products: -3/2 and 3/2 at the first position, -2 and 2 at the second. By feature
    # ∓7/2; with positions as channels there would be 0. Two weights make a feature, the logits are 0.
    found = score(model, batch(torch.tensor([[[[3.0, -1]], [[4, -4]]]]).double(), [0]), CHANNELS)
    assert found["fisher_channels"] == pytest.approx(2 * 3.5**2 / 2)
    assert found["fisher"] == pytest.approx(2 * 2 * 3.5**2 / 2)


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        (nn.Conv2d(3, 6, 5), 5 * 5 * 3),
        (nn.Conv2d(3, 6, (2, 3), groups=3), 2 * 3),
        (nn.Conv2d(3, 3, 3, groups=3), 3 * 3),
        (nn.ConvTranspose2d(3, 6, 2), 2 * 2 * 3),
        (nn.ConvTranspose2d(3, 6, 2, groups=3), 2 * 2),
    ],
    ids=["convolution", "grouped", "depthwise", "transposed", "transposed and grouped"],
)
def test_a_channel_counts_once_for_each_weight_that_makes_it(layer, weights):
    found = score(nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()), noise(), CHANNELS)
    assert found["fisher"] == pytest.approx(weights * found["fisher_channels"])
    assert found["fisher_channels"] > 0


def conditional(net, x):
    """Convolve each image with weights of its own, as groups of channels of one image."""
    mixture = net.r(x.mean((2, 3)))
    weights = mixture @ net.w.flatten(1)
    maps = F.conv2d(x.flatten(0, 1).unsqueeze(0), weights.view(-1, 3, 3, 3), padding=1, groups=len(x))
    logits = net.f(torch.tanh(maps.view(len(x), 6, 8, 8)).mean((2, 3)))
    # Each output, as (images, channels, positions), and how many weights make a channel.
    net.outputs = [(mixture, (2, 1), 3), (weights, (162, 1), 2), (maps, (6, 64), 27), (logits, (3, 1), 6)]
    return logits


def test_images_side_by_side_in_the_channels_are_told_apart():
    network = Applied(
        conditional, r=nn.Linear(3, 2), w=nn.Parameter(torch.randn(2, 6, 3, 3, 3)), f=nn.Linear(6, 3)
    )
    images = noise(dtype=torch.float64)
    loss = F.cross_entropy(network.double()(images.images), images.labels)
    right = 0.0
    for output, shape, weights in network.outputs:
        (gradient,) = torch.autograd.grad(loss, output, retain_graph=True)
        product = (output * gradient).reshape(4, *shape).sum(2)
        right += weights * product.square().mean(0).sum().item() / 2
    assert score(network, images, "fisher")["fisher"] == pytest.approx(right)


def test_an_image_without_a_batch_has_its_channels_first():
    plain = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    )
    single = Applied(lambda net, x: net.n[1:](net.n[0](x.squeeze(0)).unsqueeze(0)), n=plain)
    names = ["fisher", "fisher_channels"]
    assert score(single, noise(1), names) == pytest.approx(score(plain, noise(1), names))
    each = Applied(lambda net, x: net.n[1:](torch.stack([net.n[0](one) for one in x])), n=plain)
    assert score(each, noise(), "zico_bc") == pytest.approx(score(plain, noise(), "zico_bc"), rel=1e-4)


@pytest.mark.parametrize("positions", [4, 8], ids=["as many as images", "more"])
def test_a_layer_on_a_table_of_positions_counts_as_if_of_one_image(positions):
    network = Applied(
        lambda net, x: net.f(x.flatten(1)) + net.t(net.p).sum(0),
        f=nn.Linear(192, 3),
        t=nn.Linear(4, 3),
        p=nn.Parameter(torch.randn(positions, 4)),
    ).double()
    images = noise(dtype=torch.float64)
    logits = network(images.images)
    (gradient,) = torch.autograd.grad(F.cross_entropy(logits, images.labels), logits)
    of_images = (network.f(images.images.flatten(1)) * gradient).square().mean(0).sum() * 192 / 2
    of_table = (network.t(network.p) * gradient.sum(0)).sum(0).square().sum() * 4 / 2
    assert score(network, images, "fisher")["fisher"] == pytest.approx((of_images + of_table).item())


def test_a_layer_on_a_vector_counts_as_if_of_one_image():
    """Such as one that makes the weights of another: it has a single position."""

    def hyper(net, x):
        net.made = net.h(net.z)
        net.logits = F.conv2d(x, net.made.view(3, 3, 3, 3)).mean((2, 3))
        return net.logits

    network = Applied(hyper, h=nn.Linear(4, 81), z=nn.Parameter(torch.ones(4))).double()
    images = noise(dtype=torch.float64)
    loss = F.cross_entropy(network(images.images), images.labels)
    of_weights, of_logits = torch.autograd.grad(loss, [network.made, network.logits])
    # Pooled, a convolution's output has its own sum over positions as product with its gradient.
    right = 4 * (network.made * of_weights).square().sum() / 2
    right += 27 * (network.logits * of_logits).square().mean(0).sum() / 2
    assert score(network, images, "fisher")["fisher"] == pytest.approx(right.item())


def test_images_that_go_different_ways_have_a_reason():
    """A layer that takes only some images: of which of them its values are is not known."""

    def routed(net, x):
        h = x.flatten(1)
        chosen = torch.arange(len(h)) % 2 == 0
        return net.f(h) + torch.zeros(len(h), 3).index_put((chosen,), net.g(h[chosen]))

    network = Applied(routed, f=nn.Linear(192, 3), g=nn.Linear(192, 3))
    reason = measure(network, noise(), ["fisher"])["fisher"].reason
    assert "which image they belong to is not known" in reason


def test_the_printed_formula_adds_everything_before_the_square():
    # As in test_snip: outputs (log 3, 0) with the gradient (-1/4, 1/4), and the same once more. Of two images
    # each has half of the gradient.
    model = nn.Sequential(nn.Flatten(), linear([[2 * log(3), -log(3)], [0, 0]]))
    found = score(model, batch(pixels([1, 1], [1, 1]), [0, 0]), ["fisher", "fisher_printed"])
    assert found["fisher_printed"] == pytest.approx((2 * log(3) / 8) ** 2)
    assert found["fisher"] == pytest.approx(2 * (log(3) / 8) ** 2 / 2)

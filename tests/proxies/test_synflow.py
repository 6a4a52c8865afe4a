import math

import pytest
import timm
import torch
from small_networks import batch, convolution, linear, noise, pixels
from timm.layers import BatchNormAct2d, StdConv2d
from tiny_cells import Residual
from torch import nn
from zoo import Applied

from zsnas.proxies import measure, score
from zsnas.proxies._passes import Passes
from zsnas.proxies.synflow import free_flow

OVERFLOW = "the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)"


def synflow(model, images=(0, 0), name="synflow"):
    return measure(model, batch(pixels(list(images)), [0]), [name])[name]


def test_by_hand():
    model = nn.Sequential(convolution(-2), nn.Flatten(), linear([[1, -3], [0, 2]]))
    # Absolute weights, an image of ones: hidden (2, 2), outputs 2 + 6 and 4, so R = 12. R is proportional to
    # the weights of each layer: its weights times their gradients add up to R, in both layers.
    assert synflow(model).value == pytest.approx(12 + 12)


def test_biases_feed_the_flow_but_are_not_counted():
    model = nn.Sequential(nn.Flatten(), linear([[1, 1]]), linear([[2]]))
    model[1].bias = nn.Parameter(torch.tensor([-3.0], dtype=torch.float64))
    # Hidden 1 + 1 + |-3| = 5, R = 10. Second layer: 2 · 5; first: its weights carry 2 · (1 + 1).
    assert synflow(model).value == pytest.approx(10 + 4)


def test_the_images_do_not_matter():
    model = nn.Sequential(convolution(-2), nn.Flatten(), linear([[1, -3], [0, 2]]))
    assert synflow(model, (5, -7))[:2] == synflow(model)[:2]


def test_shifting_scale_between_the_layers_of_a_linear_network_changes_nothing():
    layers = [[[1, -3], [0, 2]], [[2, 1], [-1, 4]], [[3, 3]]]
    rescaled = [
        [[5 * w for w in row] for row in layers[0]],
        layers[1],
        [[w / 5 for w in row] for row in layers[2]],
    ]
    there, back = (synflow(nn.Sequential(nn.Flatten(), *map(linear, found))) for found in (layers, rescaled))
    assert back.value == pytest.approx(there.value)


def untidy(norm):
    """Give a batch norm of one channel a scale, a shift and running statistics that would matter."""
    norm = norm.double()
    norm.weight.data[:], norm.bias.data[:] = 0, 7
    if norm.running_mean is not None:
        norm.running_mean[:], norm.running_var[:] = 1, 4
    return norm


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(1), nn.BatchNorm2d(1, track_running_stats=False)])
def test_batch_norm_is_taken_out(norm):
    # The image of ones times 2 is 2 at both pixels: R = 4, which is the weight 2 times its gradient.
    assert synflow(nn.Sequential(convolution(-2), untidy(norm), nn.Flatten())).value == pytest.approx(4)


def test_a_branch_that_batch_norm_would_switch_off_keeps_its_flow():
    model = nn.Sequential(Residual(convolution(-2), untidy(nn.BatchNorm2d(1))), nn.Flatten())
    # Each pixel is 2 + 1 = 3, of which the weight carries 2.
    assert synflow(model).value == pytest.approx(2 * 2)


def test_the_activation_of_a_batch_norm_stays():
    norm = BatchNormAct2d(1, act_layer=nn.Sigmoid)
    slope = torch.sigmoid(torch.tensor(2.0)) * torch.sigmoid(torch.tensor(-2.0))
    model = nn.Sequential(convolution(-2), untidy(norm), nn.Flatten())
    assert synflow(model).value == pytest.approx(2 * 2 * slope.item())


def test_standardised_weights_stay_standardised():
    """They are computed with the function that computes batch norm, too."""
    standardised = StdConv2d(2, 1, 1).double()
    standardised.weight.data = torch.tensor([5.0, 7]).double().view(1, 2, 1, 1)
    # Their weights become (-1, 1): each of two pixels is -1 + 3, and neither changes with 5 and 7.
    flow = synflow(nn.Sequential(convolution(1, 3), standardised, nn.Flatten()))
    assert flow.value == pytest.approx(2 * (1 + 3), rel=1e-4)


def test_products_count_by_their_absolute_value():
    model = nn.Sequential(
        nn.Flatten(), linear([[2, 1], [1, 0.5]]), nn.LayerNorm(2).double(), linear([[1, 3], [1, 3]])
    )
    # Hidden (3, 3/2), which layer norm takes to (1, -1) whatever the weights before it are: those carry
    # nothing. Each output is 1 - 3, the flow -4; the absolute products are 1 + 3 for each output.
    assert synflow(model).value == pytest.approx(8, rel=1e-4)
    assert synflow(model, name="synflow_log").value == pytest.approx(math.log(8), rel=1e-4)


def test_with_batch_norm_the_image_of_ones_is_normalised():
    norm = nn.BatchNorm1d(1, eps=0).double()
    nn.init.constant_(norm.weight, -3)
    model = nn.Sequential(nn.Flatten(2), Ramp(), norm, nn.Flatten(), linear([[1, 5]]))
    # The pixels of the ramp, 1 and 2, become -3 and 3: the products of the linear layer are -3 · 1 and 3 · 5.
    assert synflow(model, name="synflow_batch_norm").value == pytest.approx(3 * 1 + 3 * 5)


class Ramp(nn.Module):
    def forward(self, x):
        return x.cumsum(-1)


def test_a_resnet_flows_although_timm_starts_the_last_scale_of_its_branches_at_zero():
    """Without its branches, which are most of its weights, 21 orders of magnitude would be missing."""
    torch.manual_seed(0)
    flow = score(timm.create_model("resnet18", num_classes=10), noise(1, 64, 10), ["synflow"])["synflow"]
    assert 1e27 < flow < 1e28


def test_single_precision_does_not_overflow():
    huge = nn.Sequential(convolution(1e30), convolution(1e30), nn.Flatten()).float()
    assert synflow(huge).value == pytest.approx(2 * 2e60, rel=1e-6)


@pytest.mark.parametrize(
    "cast",
    [torch.Tensor.float, lambda x: x.to(torch.float32), lambda x: x.to(dtype=torch.float32)],
    ids=["float", "to", "named"],
)
def test_a_part_that_a_network_computes_in_single_precision_is_in_double(cast):
    """As EfficientViT does for its attention, where the flow exceeds what single precision can hold."""

    def network(net, x):
        return net.b(cast(net.a(x.flatten(1))).pow(2).to(x.dtype))

    # (1e25 · 1)² · 1 = 1e50 = R. Weights times gradients: 2 R for a, which is squared, and R for b.
    net = Applied(network, a=linear([[1e25]]), b=linear([[1.0]]))
    assert score(net, batch(pixels([0]), [0], 1), "synflow")["synflow"] == pytest.approx(3e50, rel=1e-12)


@pytest.mark.parametrize("name", ["synflow", "synflow_log"])
def test_an_overflow_of_double_precision_is_undefined(name):
    measured = synflow(nn.Sequential(convolution(1e300), convolution(1e300), nn.Flatten()), name=name)
    assert measured.reason == OVERFLOW


def test_the_logarithm_by_hand():
    # One pixel, 700 layers whose weight is -e: R = e^700, and as often does each layer's weight times its
    # gradient add up to R. In single precision R would be infinite from 89 layers on.
    layers = [linear([[-math.e]]).float() for _ in range(700)]
    measured = synflow(nn.Sequential(nn.Flatten(), *layers), images=(0,), name="synflow_log")
    assert measured.value == pytest.approx(700 + math.log(700), rel=1e-6)


def test_the_logarithm_of_no_flow_is_undefined():
    measured = synflow(nn.Sequential(convolution(0), convolution(1), nn.Flatten()), name="synflow_log")
    assert (
        measured.reason == "no signal flows through a weight to the output: the logarithm of 0 is not finite"
    )


@pytest.mark.parametrize("name", ["synflow_printed", "plain"])
def test_the_printed_formula_by_hand(name):
    # As in test_snip: the gradient is -1/4 at both weights, 2 log 3 and -log 3.
    model = nn.Sequential(nn.Flatten(), linear([[2 * math.log(3), -math.log(3)], [0, 0]]))
    assert synflow(model, (1, 1), name).value == pytest.approx(-math.log(3) / 4)


class Counted(nn.Module):
    """Returns its input times how often it was called."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        return x * self.calls.add_(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_buffer_that_the_network_changes_is_as_before_the_flow(dtype):
    model = nn.Sequential(nn.Flatten(), linear([[1, -2], [3, 4]]), Counted()).to(dtype)
    passes = Passes(model, batch(pixels([1, 2]), [0]))
    before = {name: buffer.clone() for name, buffer in passes.model.named_buffers()}
    free_flow(passes)
    assert all(torch.equal(buffer, before[name]) for name, buffer in passes.model.named_buffers())

"""The counter against arithmetic on paper and against torch's own."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from zsnas.macs import MacCounter


def counted(network, *inputs):
    with torch.no_grad(), MacCounter() as counter:
        network(*inputs)
    return counter.total


def counted_by_torch(network, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops() / 2  # torch counts a multiplication and an addition


def test_a_convolution_and_a_linear_layer_on_paper():
    """Each of the 4 × 4 places takes 3 × 3 × 2 products for 5 channels; then 5 numbers for 7 outputs."""
    network = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 7)
    )

    assert counted(network, torch.ones(1, 2, 4, 4)) == 4 * 4 * 3 * 3 * 2 * 5 + 5 * 7


def test_biases_and_the_size_of_the_batch():
    network = nn.Linear(3, 2)

    assert counted(network, torch.ones(10, 3)) == 10 * 3 * 2
    assert counted(nn.Linear(3, 2, bias=False), torch.ones(10, 3)) == 10 * 3 * 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 8, 3, stride=2, dilation=2, groups=2),
        nn.Conv2d(4, 4, 5, groups=4, padding="same"),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 3, 2)),
        nn.Bilinear(9, 9, 4),
    ],
)
def test_layers_as_torch_counts_them(layer):
    images = torch.ones(2, 4, 9, 9)
    inputs = (images, images) if isinstance(layer, nn.Bilinear) else (images,)

    assert counted(layer, *inputs) == counted_by_torch(layer, *inputs)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention(device):
    """Six queries and nine keys of 4 numbers, 5 numbers a value, 2 heads: 2 × 6 × 9 × (4 + 5)."""
    query, key, value = (torch.ones(1, 2, *shape, device=device) for shape in [(6, 4), (9, 4), (9, 5)])

    assert counted(scaled_dot_product_attention, query, key, value) == 2 * 6 * 9 * (4 + 5)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "regnetx_002"])
def test_whole_networks_as_torch_counts_them(name):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        network, image = timm.create_model(name).eval(), torch.ones(1, 3, 224, 224)

    assert counted(network, image) == counted_by_torch(network, image)


def test_counting_imports_no_compiler():
    code = (
        "import sys, torch; from zsnas.macs import MacCounter\n"
        "with MacCounter() as counter: torch.nn.Linear(2, 3)(torch.ones(1, 2))\n"
        "print(counter.total, *({'triton', 'torch._dynamo'} & set(sys.modules)))"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["6"]

"""A network is cut into the kernels that one can read off its definition, and their latencies add up."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

import zsnas
from zsnas.hardware.kernels import Kernel, KernelModel, build, cut, sampled

CELL = "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"

ONE_OF_EACH = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
UNUSED = "|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"


def test_a_small_network_on_paper():
    """ReLU, convolution and batch norm are one kernel; the sum of two branches is one by itself."""

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))
            self.second = nn.Sequential(nn.Conv2d(3, 8, 1, stride=2), nn.BatchNorm2d(8))

        def forward(self, images):
            return self.first(images) + self.second(images)

    kernels = cut(Branches().eval(), (3, 16, 16))

    assert [str(kernel) for kernel in kernels] == [
        "relu-conv-bn:3:8:16:3:2",
        "conv-bn:3:8:16:1:2",
        "add:8:8:8:1:1",
    ]


def test_what_is_between_two_operations_is_not_fused_when_something_else_uses_it():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, images):
            between = self.conv(images)
            return self.norm(between) + between

    assert [kernel.kind for kernel in cut(Shared().eval(), (3, 4, 4))] == ["conv", "bn", "add"]


def test_an_operation_that_is_in_no_kernel_is_named():
    with pytest.raises(ValueError, match=r"target=1.* is in no kernel; known are conv"):
        cut(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid()), (3, 4, 4))


@pytest.mark.parametrize("text", sampled()[:40])
def test_text_kernel_and_network_are_the_same(text):
    network, shape = build(text)

    assert str(Kernel.parse(text)) == text
    assert network.eval()(torch.ones(1, *shape)).shape[1] == Kernel.parse(text).outputs


@pytest.mark.parametrize("text", ["add:8:8:8", "add:8:8:8:1:x", ""])
def test_text_of_another_form(text):
    with pytest.raises(ValueError, match="is no kernel; the form is kind:inputs"):
        build(text)


def test_all_kernels_of_a_cell_are_of_a_sampled_kind():
    with torch.device("meta"):
        network = zsnas.space("nb201").build(CELL, 10, 0).eval()
    known = {(kernel.kind, kernel.window, kernel.stride) for kernel in map(Kernel.parse, sampled())}

    assert {(kernel.kind, kernel.window, kernel.stride) for kernel in cut(network, (3, 32, 32))} <= known


def test_the_prediction_is_the_sum_of_the_kernels():
    """With the latency of each kernel 2 ms, a network takes 2 ms for each of its kernels."""
    texts = sampled()
    model = KernelModel().fit(texts, np.full(len(texts), 2.0))
    with torch.device("meta"):
        kernels = Counter(cut(zsnas.space("nb201").build(CELL, 10, 0).eval(), (3, 32, 32)))

    predicted = model.predict([CELL])

    np.testing.assert_allclose(predicted, 2 * kernels.total(), rtol=1e-6)
    np.testing.assert_allclose(model.adapt([CELL], 3 * predicted).predict([CELL]), 3 * predicted)


@pytest.mark.parametrize(
    "arch", [CELL, ONE_OF_EACH, UNUSED, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"]
)
def test_kernels_counted_by_node_are_those_that_the_network_is_cut_into(arch):
    with torch.device("meta"):
        network = zsnas.space("nb201").build(arch, 10, 0).eval()

    assert KernelModel()._counts(arch) == Counter(cut(network, (3, 32, 32)))


def test_a_space_without_such_nodes_is_cut():
    texts = sampled()
    found = KernelModel("nats-sss").fit(texts, np.full(len(texts), 2.0)).predict(["8:8:16:8:8"])

    with torch.device("meta"):
        network = zsnas.space("nats-sss").build("8:8:16:8:8", 10, 0).eval()
    np.testing.assert_allclose(found, 2 * len(cut(network, (3, 32, 32))))


def test_kernels_of_a_kind_that_was_not_measured():
    texts = [text for text in sampled() if not text.startswith("linear")]
    model = KernelModel().fit(texts, np.ones(len(texts)))

    with pytest.raises(ValueError, match="no kernel like linear:64:10:1"):
        model.predict([CELL])

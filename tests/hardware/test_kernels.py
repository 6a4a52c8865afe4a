"""A network is cut into the kernels that one can read off its definition, and their latencies add up."""

import itertools
import random
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zsnas
from zsnas.book.studies import processor
from zsnas.hardware import latencies
from zsnas.hardware.kernels import Kernel, KernelModel, build, cut, sampled
from zsnas.macs import MacCounter
from zsnas.spaces import list_spaces

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


def test_a_result_that_the_network_returns_is_not_fused():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, images):
            between = self.conv(images)
            return {"features": between, "logits": self.norm(between)}

    assert [kernel.kind for kernel in cut(Pair().eval(), (3, 4, 4))] == ["conv", "bn"]


def test_a_convolution_that_takes_the_result_as_its_weight_is_not_fused_with_it():
    class Dynamic(nn.Module):
        def forward(self, images):
            return F.conv2d(images, images.relu())

    assert [kernel.kind for kernel in cut(Dynamic().eval(), (1, 4, 4))] == ["relu", "conv"]


def test_how_a_network_writes_its_operations_does_not_matter():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.modules_ = nn.Sequential(
                nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4)
            )

        def forward(self, images):
            _, conv, norm = self.modules_
            convolved = F.conv2d(F.relu_(images + 0), conv.weight, conv.bias, padding=1, groups=4)
            return F.batch_norm(convolved, norm.running_mean, norm.running_var, norm.weight, norm.bias)

    network = Functional().eval()

    assert texts(network, (4, 8, 8)) == ["shift:4:4:8:1:1", "relu-depthwise-bn:4:4:8:3:1"]
    assert texts(network.modules_, (4, 8, 8)) == ["relu-depthwise-bn:4:4:8:3:1"]


def test_networks_of_the_same_kernels_tie_whatever_their_order():
    """The operations of a cell stand on other edges, and floating point adds them up in another order."""
    operations = ["nor_conv_1x1"] * 3 + ["nor_conv_3x3"] + ["skip_connect"] * 2
    form = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
    cells = sorted({form.format(*order) for order in itertools.permutations(operations)})
    table = latencies("kernels")
    model = KernelModel().fit(table["kernel"].tolist(), table["latency_ms"])
    kernels = [model._counts(cell) for cell in cells]
    same = [cell for cell, found in zip(cells, kernels, strict=True) if found == kernels[0]]

    assert len(same) > 10
    assert len({*model.predict(same)}) == 1


@pytest.mark.parametrize(
    ("layer", "shape", "text", "macs"),
    [
        (nn.Conv2d(32, 32, 3, padding=1, groups=32), (32, 8, 8), "depthwise:32:32:8:3:1", 64 * 9 * 32),
        (nn.Conv2d(4, 8, 3, padding=1, groups=4), (4, 8, 8), "depthwise:4:8:8:3:1", 64 * 9 * 8),
        (nn.Conv2d(8, 4, 3, 1, 1, groups=2), (8, 8, 8), "conv:8:4:8:3:1:groups=2", 64 * 9 * 4 * 4),
        (nn.Conv2d(1, 1, 3, padding=1), (1, 8, 8), "conv:1:1:8:3:1", 64 * 9),
        (nn.Conv2d(2, 5, (1, 7), padding=(0, 3)), (2, 4, 9), "conv:2:5:4x9:1x7:1", 36 * 7 * 10),
        (nn.Conv2d(2, 5, 3, (2, 1), 1), (2, 8, 9), "conv:2:5:8x9:3:2x1", 4 * 9 * 9 * 10),
        (nn.Conv2d(2, 5, 3), (2, 8, 8), "conv:2:5:8:3:1:padding=0", 36 * 9 * 10),
        (nn.Conv2d(2, 5, 3, padding=(0, 2)), (2, 8, 8), "conv:2:5:8:3:1:padding=0x2", 6 * 10 * 9 * 10),
        (nn.Conv2d(2, 5, 3, padding=2, dilation=2), (2, 8, 8), "conv:2:5:8:3:1:dilation=2", 64 * 9 * 10),
        (nn.Conv2d(2, 5, 3, dilation=2), (2, 8, 8), "conv:2:5:8:3:1:padding=0:dilation=2", 16 * 9 * 10),
        (nn.Conv2d(2, 5, 3, padding="same", dilation=2), (2, 8, 8), "conv:2:5:8:3:1:dilation=2", 5760),
        (nn.Conv2d(2, 5, 3, padding="valid"), (2, 8, 8), "conv:2:5:8:3:1:padding=0", 36 * 9 * 10),
        (nn.Conv2d(3, 8, 4, 4), (3, 8, 8), "conv:3:8:8:4:4:padding=0", 4 * 16 * 24),
        (nn.Linear(3, 5), (3,), "linear:3:5:1:1:1", 15),
        (nn.Linear(3, 5), (7, 3), "linear:3:5:7x1:1:1", 7 * 15),
        (nn.Linear(3, 5, bias=False), (4, 2, 3), "linear:3:5:8x1:1:1", 8 * 15),
    ],
)
def test_layers_on_paper(layer, shape, text, macs):
    (kernel,) = cut(layer.eval(), shape)

    assert (str(kernel), kernel.macs) == (text, macs)


def test_inference_mode_hides_no_operation():
    network = nn.Linear(3, 5).eval()

    with torch.inference_mode():
        assert texts(network, (3,)) == ["linear:3:5:1:1:1"]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_what_torch_pads_apart_is_a_kernel_of_its_own():
    """A window of 4 that keeps the size needs 3 more rows: 1 above and 2 below."""
    network = nn.Conv2d(2, 5, 4, padding="same").eval()

    assert texts(network, (2, 8, 8)) == ["pad:2:2:8:1:1:padding=1", "conv:2:5:9:4:1"]
    assert sum(kernel.macs for kernel in cut(network, (2, 8, 8))) == 64 * 16 * 10


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


@pytest.mark.parametrize(
    ("network", "shape", "named"),
    [
        (nn.Softmax(1), (3, 4, 4), "_softmax of 1×3×4×4 is in no kernel; known are convolution"),
        (nn.ConvTranspose2d(3, 3, 2), (3, 4, 4), "transposed convolution of 1×3×4×4 is in no kernel"),
        (nn.Conv1d(3, 3, 1), (3, 4), "convolution of 1×3×4, which is not one image, is in no kernel"),
        (nn.Conv3d(3, 3, 1), (3, 4, 4, 4), "which is not one image, is in no kernel"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), (3, 4, 4), "reflection_pad2d of 1×3×4×4"),
        (nn.AvgPool2d(2, ceil_mode=True), (3, 5, 5), "avg_pool of 1×3×5×5 that rounds its size up"),
        (nn.AdaptiveAvgPool2d(2), (3, 4, 4), "mean of 1×3×4×4 to 1×3×2×2"),
        (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (5, 4), "is in no kernel"),
        (Function(lambda x: x.flatten(2) @ x.flatten(2).mT), (3, 4, 4), "bmm of 1×3×16 and 1×16×3"),
        (Function(lambda x: x.flatten(2)[0] @ x.flatten(2)[0].T), (3, 4, 4), "mm of 3×16 and 16×3"),
        (Function(lambda x: F.batch_norm(x, None, None, training=True)), (3, 4, 4), "of the batch"),
        (Function(lambda x: torch.cat([x, x], 2)), (3, 4, 4), "cat to 1×3×8×4 along another axis"),
        (Function(lambda x: F.max_pool2d(x.view(2, 2, 4, 4), 2)), (4, 4, 4), "max_pool of 2×2×4×4, which is"),
        (Function(lambda x: F.pad(x, (0, 0, 0, 0, 1, 0))), (3, 4, 4), "pad of 1×3×4×4"),
        (Function(lambda x: F.pad(x, (-1, 0))), (3, 4, 4), "pad of 1×3×4×4"),
        (Function(lambda x: F.layer_norm(x, (3, 4, 4))), (3, 4, 4), "layer norm of 1×3×4×4"),
    ],
)
def test_what_no_kernel_says_is_refused_in_a_sentence(network, shape, named):
    with pytest.raises(ValueError, match=named) as refusal:
        cut(network.eval(), shape)
    assert "zsnas.hardware.measure times a network as a whole" in str(refusal.value)


def test_a_network_in_training_mode_is_refused_and_left_alone():
    network = nn.BatchNorm2d(3)

    with pytest.raises(ValueError, match=r"training mode.*call eval\(\) first"):
        cut(network, (3, 4, 4))
    assert network.num_batches_tracked == 0


ZOOS = {"segmentation": [], "timm": [], "torchvision": ["shufflenet_v2_x1_0", "mobilenet_v3_small"]}
ZOOS |= {"vitbench-autoformer": [], "vitbench-pit": []}  # whose tokens are no images
ZOOS |= {"flexibert": [], "flexibert-trained": []}


@pytest.mark.parametrize("name", list_spaces())
def test_the_kernels_multiply_what_the_network_does_in_every_space(name):
    space, generator = zsnas.space(name), random.Random(0)
    for arch in ZOOS.get(name, [space.sample(generator) for _ in range(2)]):
        network = of_space(name, arch)
        assert sum(kernel.macs for kernel in cut(network, (3, 64, 48))) == counted(network, (3, 64, 48))


@pytest.mark.parametrize(
    "name",
    [
        *("mobilenetv3_small_050", "resnext50_32x4d", "regnetx_002", "regnety_002", "efficientnet_b0"),
        *("tf_efficientnet_b0", "convnext_atto", "mixnet_s", "densenet121", "resnet26d"),
    ],
)
def test_the_kernels_multiply_what_the_network_does_in_timm(name):
    network = of_timm(name)

    assert sum(kernel.macs for kernel in cut(network, (3, 128, 96))) == counted(network, (3, 128, 96))


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (lambda: of_space("segmentation", "resnet18s-d8+fcn"), "upsample_bilinear2d of 1×"),
        (lambda: of_timm("vit_tiny_patch16_224"), "cat of 1×197×192, which is not one image,"),
        (lambda: of_timm("eca_resnet33ts"), "convolution of 1×1×64, which is not one image,"),
        (lambda: of_timm("nf_regnet_b0"), "batch norm of .* with statistics of the batch"),
    ],
)
def test_networks_of_other_kernels_are_refused_in_a_sentence(network, named):
    with pytest.raises(ValueError, match=f"the operation {named}.* is in no kernel"):
        cut(network(), (3, 224, 224))


def of_space(name, arch):
    with torch.device("meta"):
        return zsnas.space(name).build(arch, 10, 0).eval()


def of_timm(name):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        return timm.create_model(name).eval()


def counted(network, shape):
    with torch.no_grad(), MacCounter() as counter:
        network(torch.zeros(1, *shape, device="meta"))
    return counter.total


def texts(network, shape):
    return [str(kernel) for kernel in cut(network, shape)]


ALL_KINDS = (
    *("conv:4:6:8x9:3x5:2x1:groups=2:padding=0x1:dilation=2x1", "relu-depthwise-bn:4:8:9:5:2"),
    *("conv-bn:3:8:16:1:2", "linear:3:5:7x1:1:1", "linear:3:5:1:1:1", "bn:4:4:5:1:1", "bn-relu:4:4:5:1:1"),
    *("layer_norm:4:4:9x1:1:1", "avg_pool:4:4:9:3:2", "max_pool:4:4:9x8:3:2:padding=0:dilation=2"),
    *("global_pool:4:4:5x6:1:1", "add:4:4:5x6:1:1", "mul:4:4:5:1:1", "shift:4:4:5:1:1", "scale:4:4:5:1:1"),
    *("cat:4:7:5:1:1", "copy:4:4:5:1:1", "zeros:4:4:5x6:1:1", "pad:4:4:5:1:1:padding=1x3"),
    *(f"{name}:4:4:5:1:1" for name in ("relu", "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "silu")),
    "gelu:4:4:197x1:1:1",
)


@pytest.mark.parametrize("text", [*sampled()[:40], *ALL_KINDS])
def test_text_kernel_and_network_are_the_same(text):
    network, shape = build(text)

    assert str(Kernel.parse(text)) == text
    assert texts(network.eval(), shape) == [text]


@pytest.mark.parametrize("text", ["add:8:8:8", "add:8:8:8:1:x", "add:8:8:8:0:1", "add:8:8:8:1:1:depth=2", ""])
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


@pytest.mark.parametrize("text", ["depthwise-bn:16:16:8:3:1", "conv-bn:16:16:8:1:1:groups=2"])
def test_dense_kernels_predict_no_others(text):
    texts = sampled()
    model = KernelModel().fit(texts, np.ones(len(texts)))

    assert model._latency(Kernel.parse("conv-bn:16:16:8:1:1")) == pytest.approx(1)
    with pytest.raises(ValueError, match=f"no kernel like {text} was measured"):
        model._latency(Kernel.parse(text))


def test_the_published_errors_of_the_kernel_model_follow_from_the_published_latencies():
    published = pd.read_csv(processor.TABLE).query("method == 'kernels' and seed == 0")

    found = pd.DataFrame(processor.rows(0, ["kernels"]))

    columns = ["rmse_ms", "mean_ms", "kendall", "spearman"]
    np.testing.assert_allclose(found[columns], published[columns], rtol=1e-3)

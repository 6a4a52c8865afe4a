from functools import cache

import pytest
import torch
from torch import nn

from zsnas.batches import Batch
from zsnas.spaces import _segmentation_heads as heads
from zsnas.spaces import space
from zsnas.spaces._segmentation_networks import network
from zsnas.spaces.segmentation import Backbone
from zsnas.tasks import ADE20K

SPACE = space("segmentation")

# Millions of parameters without the auxiliary classifier, of networks of mmsegmentation 1.2.2 that were built
# and counted. Some heads have further classifiers for a second loss there, left out here (512 × 150 + 150
# parameters each): two in DANet, one in EncNet.
UNUSED = (512 * 150 + 150) / 1e6
PARAMETERS = {
    "resnet50c-d8+fcn": 47.200246,
    "resnet50c-d8+pspnet": 46.678006,
    "resnet50c-d8+deeplabv3": 65.815542,
    "resnet50c-d8+deeplabv3plus": 41.29239,
    "resnet50c-d8+nonlocal": 47.726326,
    "resnet50c-d8+dnl": 47.726839,
    "resnet50c-d8+gcnet": 47.332727,
    "resnet50c-d8+ccnet": 47.528567,
    "resnet50c-d8+danet": 47.683492 - 2 * UNUSED,
    "resnet50c-d8+ann": 43.931126,
    "resnet50c-d8+isanet": 35.40991,
    "resnet50c-d8+encnet": 33.661676 - UNUSED,
    "resnet50c-d8+apcnet": 54.060072,
    "resnet50c-d8+dmnet": 50.878454,
    "resnet50c+upernet": 64.11775,
    "resnet50c+fpn": 28.514806,
    "resnet50c+jpu-deeplabv3": 85.551094,
    "resnet50c+jpu-pspnet": 66.413558,
    "resnet50c+jpu-encnet": 53.397228 - UNUSED,
    "resnest101e-d8+deeplabv3plus": 63.991142,
    "mobilenetv2_100-d8+fcn": 9.559446,
    "hrnet_w18_small_v2+fcn1": 3.97481,
    "hrnet_w18_small_v2+ocr": 6.4812,
}


def on_meta(arch, classes=150):
    with torch.device("meta"):
        return SPACE.build(arch, classes, 0).eval()


@cache
def maps(backbone):
    """Four feature maps of two images of 64 × 96, computed once for all heads."""
    arch = next(arch for arch in SPACE.architectures if arch.startswith(f"{backbone}+"))
    return on_meta(arch).backbone(torch.zeros(2, 3, 64, 96, device="meta"))[-4:]


@pytest.mark.parametrize("arch", PARAMETERS)
def test_a_network_has_the_parameters_of_mmsegmentation_and_its_head_reads_the_maps(arch):
    built, levels = on_meta(arch), maps(arch.partition("+")[0])
    assert sum(p.numel() for p in built.parameters()) == round(1e6 * PARAMETERS[arch])
    logits = built.head(levels)
    assert logits.shape[:2] == (2, 150)
    assert logits.shape[2:] in {level.shape[2:] for level in levels}


def test_every_head_that_mmsegmentation_has_is_compared():
    compared = {SPACE.parts(arch)[1] for arch in PARAMETERS}
    assert set(heads.HEADS) - compared == {"c1", "lraspp"}


# Backbone features of torchvision's MobileNet-v3 have 2,971,952 parameters; the head by hand: two 1×1
# convolutions without bias (960 → 128), one with batch norm, and classifiers of 40 and 128 channels.
def test_lraspp_has_the_parameters_counted_by_hand():
    built = on_meta("mobilenetv3_large_100-d16+lraspp", 10)
    assert sum(p.numel() for p in built.head.parameters()) == 2 * 960 * 128 + 2 * 128 + (41 + 129) * 10
    assert built(torch.zeros(1, 3, 64, 96, device="meta")).shape == (1, 10, 64, 96)


@pytest.mark.parametrize(
    ("backbone", "strides"),
    [
        ("resnet50c-d8", [4, 8, 8, 8]),
        ("resnet18s", [4, 8, 16, 32]),
        ("mobilenetv3_large_100-d16", [4, 8, 16, 16]),
        ("hrnet_w18_small_v2", [4, 8, 16, 4]),
    ],
)
def test_a_backbone_gives_four_maps_and_dilation_keeps_their_sides(backbone, strides):
    assert [tuple(level.shape[2:]) for level in maps(backbone)] == [(64 // s, 96 // s) for s in strides]


def test_every_architecture_is_there_once_and_names_its_parts():
    assert len(set(SPACE.architectures)) == len(SPACE.architectures) >= 200
    assert SPACE.parts("resnet50c-d8+pspnet") == (Backbone("resnet50c", 8), "pspnet")
    assert SPACE.parts("rdnet_tiny+upernet") == (Backbone("rdnet_tiny"), "upernet")
    assert SPACE.canonical("rdnet_tiny+upernet") == "rdnet_tiny+upernet"
    assert {SPACE.parts(arch)[1] for arch in SPACE.architectures} == set(heads.HEADS)


def test_a_combination_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean 'resnet50c-d8\+pspnet'"):
        SPACE.build("resnet50c-d8+psnet", 10, 0)


def test_weights_follow_from_the_seed_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = (
        SPACE.build("mobilenetv3_large_100-d16+lraspp", 4, seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    for part in ("backbone.conv_stem.weight", "head.weigh.weight"):
        assert not torch.equal(first[part], other[part])


def test_the_residual_branches_of_a_resnet_do_not_start_at_zero():
    body = network(Backbone("resnet18s", 8), "c1", 3, 0).backbone
    assert (body.layer1[0].bn2.weight == 1).all()


def test_a_training_step_reaches_every_parameter():
    torch.manual_seed(0)
    built = SPACE.build("hrnet_w18_small_v2+ocr", 5, 0)
    images = Batch(torch.randn(2, 3, 64, 64), torch.randint(5, (2, 64, 64)), 5, "noise", ADE20K)
    ADE20K.loss(built(images.images), images.labels).backward()
    unreached = [
        name for name, p in built.named_parameters() if p.grad is None or not p.grad.isfinite().all()
    ]
    assert unreached == []


# --- what the heads compute, on inputs small enough to follow


def test_pixels_attend_by_a_softmax_of_products():
    query, key = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2), torch.tensor([0.0, 2.0]).view(1, 1, 2, 1)
    value = torch.tensor([10.0, 20.0]).view(1, 1, 2, 1)
    weight = torch.tensor(2.0).sigmoid()
    expected = torch.stack([torch.tensor(15.0), 10 * (1 - weight) + 20 * weight]).view(1, 1, 1, 2)
    torch.testing.assert_close(heads.attend(query, key, value), expected)


def test_each_level_is_added_to_the_next_finer_one():
    maps = [torch.full((1, 1, 4, 4), 1.0), torch.full((1, 1, 2, 2), 10.0), torch.full((1, 1, 1, 1), 100.0)]
    assert [level.unique().tolist() for level in heads._top_down(maps)] == [[111], [110], [100]]


# Equal queries weigh the row and the column alike: each pixel gets the mean of its cross, itself once.
def test_criss_cross_attention_sees_the_row_and_the_column():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    found = heads.CrissCross._cross(torch.zeros_like(x), torch.zeros_like(x), x)
    expected = [[(0 + 1 + 2 + 3) / 4, (0 + 1 + 2 + 4) / 4, (0 + 1 + 2 + 5) / 4]]
    expected += [[(3 + 4 + 5 + 0) / 4, (3 + 4 + 5 + 1) / 4, (3 + 4 + 5 + 2) / 4]]
    torch.testing.assert_close(found[0, 0], torch.tensor(expected))


def test_channels_attend_to_the_most_different_ones():
    x = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    alike = torch.tensor([[9.0, 0.0], [0.0, 1.0]])
    weights = (alike.amax(1, keepdim=True) - alike).softmax(1)
    torch.testing.assert_close(heads.Channels()(x).view(2, 2), x.view(2, 2) + weights @ x.view(2, 2))


def test_dynamic_filters_are_those_of_the_image():
    head = heads.DynamicFilters(1, 1, 3)
    head.filters, head.reduce, head.norm = nn.Identity(), nn.Identity(), nn.Identity()
    x = torch.randn(2, 1, 3, 3)
    expected = [torch.conv2d(image[None], image[None], padding=1)[0] for image in x]
    torch.testing.assert_close(head(x), torch.stack(expected))


class Mean(nn.Module):
    """In place of attention: every pixel takes the mean of its group."""

    def forward(self, x, _other):
        return x.mean((2, 3), keepdim=True).expand_as(x)


class Keep(nn.Module):
    """In place of attention: nothing changes."""

    def forward(self, x, _other):
        return x


def test_interlaced_attention_mixes_far_pixels_then_near_ones():
    head = heads.Interlaced(1, 1)
    head.reduce, head.merge, head.far, head.near = nn.Identity(), nn.Identity(), Mean(), Keep()
    x = torch.randn(1, 1, 16, 16)
    _, far = head(x)[0]
    for row, column in ((0, 0), (1, 0), (1, 1)):  # a group: every second pixel of each axis
        group = x[0, 0, row::2, column::2]
        torch.testing.assert_close(far[row::2, column::2], group.mean().expand_as(group))
    head.far, head.near = Keep(), Mean()
    _, near = head(x)[0]
    torch.testing.assert_close(near[2:4, 4:6], x[0, 0, 2:4, 4:6].mean().expand(2, 2))


# One code at the origin, one far away: every pixel belongs to the first, and its residual is the pixel.
def test_a_codebook_gathers_the_residuals_of_its_nearest_pixels():
    head = heads.Encoding(1, 1, codes=2)
    head.reduce, head.project, head.norm, head.weigh = (nn.Identity() for _ in range(4))
    head.codes.data, head.smoothing.data = torch.tensor([[0.0], [100.0]]), torch.tensor([-1.0, -1.0])
    x = torch.tensor([1.0, 2.0]).view(1, 1, 1, 2)
    encoded = torch.tensor((1.0 + 2.0) / 2)  # the mean over two codes, of which one gathers nothing
    torch.testing.assert_close(head(x), x + x * encoded.sigmoid())

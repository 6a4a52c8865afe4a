from functools import cache

import pytest
import torch

from zsnas.batches import Batch
from zsnas.batches.tasks import ADE20K
from zsnas.spaces import space
from zsnas.spaces._segmentation_heads import HEADS
from zsnas.spaces._segmentation_networks import network
from zsnas.spaces.segmentation import Backbone

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
    "resnet50c-d8+psanet": 51.666934,
    "resnet50c-d8+knet-fcn": 60.41215,
    "resnet50c-d8+knet-pspnet": 59.88991,
    "resnet50c-d8+knet-deeplabv3": 79.027446,
    "resnet50c+knet-upernet": 77.329654,
    "resnet50c+upernet": 64.11775,
    "resnet50c+fpn": 28.514806,
    "resnet50c+jpu-deeplabv3": 85.551094,
    "resnet50c+jpu-pspnet": 66.413558,
    "resnet50c+jpu-encnet": 53.397228 - UNUSED,
    "resnest101e-d8+deeplabv3plus": 63.991142,
    "mobilenetv2_100-d8+fcn": 9.559446,
    "hrnet_w18_small_v2+fcn1": 3.97481,
    "hrnet_w18_small_v2+ocr": 6.4812,
    "mscan_t+ham256": 4.263414,
    "mscan_s+ham256": 13.932886,
    "mscan_b+ham512": 27.63631,
    "mscan_l+ham1024": 48.92655,
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
    assert set(HEADS) - compared == {"c1", "lraspp", "deeplabv3-256", "deeplabv3plus-256"}


# As the page of pytorchcv 0.0.74 prints them for the networks of gluon-cv.
@pytest.mark.parametrize(
    ("arch", "parameters"),
    [
        ("resnet50s-d8+c1", 33_146_966),
        ("resnet50s-d8+pspnet", 46_782_550),
        ("resnet50s-d8+deeplabv3-256", 39_795_798),
        ("resnet101s-d8+deeplabv3-256", 58_787_926),
    ],
)
def test_networks_of_gluon_have_the_parameters_that_pytorchcv_prints(arch, parameters):
    assert sum(p.numel() for p in on_meta(arch).parameters()) == parameters


# DeepLabV3+ on Xception-65 by hand: five branches that give 256 channels each, of which three are separable
# 3×3 convolutions, a 1×1 convolution of all, 48 channels of the 256 at stride 4, and two separable ones.
def test_the_narrow_deeplabv3plus_has_the_parameters_counted_by_hand():
    branches = 5 * (2048 * 256 + 2 * 256) + 3 * (9 * 2048 + 2 * 2048)
    merged = 5 * 256 * 256 + 2 * 256
    fine = 256 * 48 + 2 * 48
    after = sum(9 * n + 2 * n + n * 256 + 2 * 256 for n in (256 + 48, 256))
    built = on_meta("xception65-d8+deeplabv3plus-256", 10).head
    assert sum(p.numel() for p in built.parameters()) == branches + merged + fine + after + 257 * 10


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
        ("xception65-d8", [4, 8, 8, 8]),
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
    assert {SPACE.parts(arch)[1] for arch in SPACE.architectures} == set(HEADS)


def test_a_combination_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"write one such as 'resnet50c-d8\+pspnet'"):
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

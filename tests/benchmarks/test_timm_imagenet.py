"""Which of timm's training runs count as standalone, and that the committed list follows from the rules."""

import pandas as pd
import pytest
from torch.nn.modules.batchnorm import _BatchNorm

from zsnas.benchmarks import benchmark, torchvision_imagenet
from zsnas.benchmarks.timm_imagenet import (
    counts,
    kind,
    one_per_architecture,
    recipes,
    retrained,
    select,
    selected,
    standalone,
    why_not_standalone,
    zero_scales,
)
from zsnas.sources import fetch
from zsnas.spaces import space


@pytest.mark.parametrize(
    "model", ["resnet50.a1_in1k", "vit_tiny_patch16_224.x_in1k", "dpn68b.ra_in1k", "dpn98.mx_in1k"]
)
def test_runs_that_count(model):
    assert why_not_standalone(model) is None


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("resnet50.fb_swsl_ig1b_ft_in1k", "weights of another training"),
        ("convnext_tiny.in12k", "other images"),
        ("deit_small_distilled_patch16_224.fb_in1k", "from a teacher"),
        ("hrnet_w18.ms_aug_ssld_in1k", "from a teacher"),
        ("volo_d1_224.sail_in1k", "token labelling"),
        ("flexivit_small.300ep_in1k", "trained ViT"),
        ("ecaresnet50d_pruned.miil_in1k", "larger network"),
        ("dpn92.mx_in1k", "further classes"),
        ("ghostnetv3_100.in1k", "recipe of its paper"),
        ("hardcorenas_a.miil_green_in1k", "weights of a supernet"),
        ("test_resnet.r160_in1k", "unit tests"),
    ],
)
def test_runs_that_do_not_count_say_why(model, reason):
    assert reason in why_not_standalone(model)


@pytest.mark.parametrize(
    ("arch", "expected"),
    [("resnet18", "cnn"), ("deit_tiny_patch16_224", "vit"), ("mixer_b16_224", "neither")],
)
def test_kinds(arch, expected):
    assert kind(arch) == expected


def test_the_run_nearest_to_224_pixels_is_kept_and_of_these_the_best():
    results = pd.DataFrame(
        {
            "model": ["resnet18.a", "resnet18.b", "resnet18.c", "tf_resnet18.a", "tf_other.a", "large.a"],
            "img_size": [224, 224, 288, 224, 224, 320],
            "top1": [70.0, 71.0, 73.0, 72.0, 60.0, 80.0],
        }
    )

    kept = one_per_architecture(standalone(results))

    assert list(zip(kept["arch"], kept["recipe"], strict=True)) == [("resnet18", "b"), ("tf_other", "a")]


def test_a_renamed_column_is_named():
    with pytest.raises(ValueError, match="has no column top1; it has model, img_size, accuracy"):
        standalone(pd.DataFrame(columns=["model", "img_size", "accuracy"]))


def test_the_committed_list_follows_from_the_rules():
    costs = pd.read_csv(fetch("timm/benchmark-infer-amp-nchw-pt291-cu130-5090"))

    pd.testing.assert_frame_equal(select(recipes(), costs), selected())


@pytest.mark.parametrize(("name", "least"), [("timm/imagenet-cnn", 200), ("timm/imagenet-vit", 100)])
def test_there_are_enough_and_all_have_an_accuracy(name, least):
    table = benchmark(name).table

    assert len(table) >= least
    assert table["validation_accuracy"].between(50, 90).all()
    assert table["arch"].is_unique


def test_counts_are_those_of_a_network_that_can_be_worked_out():
    """ResNet-18 has 11,689,512 parameters and 1,814,073,344 multiply-accumulates at 224 pixels."""
    found = counts().set_index("arch")

    assert set(found.index) == set(selected()["arch"])
    assert found.loc["resnet18", "params"] == pytest.approx(11_689_512, abs=5_001)
    assert found.loc["resnet18", "flops"] == pytest.approx(1_814_073_344, abs=10_000_001)


def test_every_run_of_a_selected_network_counts_at_its_resolution_alone():
    runs = retrained()
    kept = selected()

    of_resnet50 = runs[runs["arch"] == "resnet50"]
    assert len(of_resnet50) > 10
    assert (of_resnet50["resolution"] == 224).all()
    assert len(kept.merge(runs, on=["arch", "resolution", "recipe"])) == len(kept)


def test_counts_of_torchvision_are_of_every_network_of_both_benchmarks():
    found = torchvision_imagenet.counts().set_index("arch")

    archs = [
        *benchmark("torchvision/imagenet-cnn").table["arch"],
        *benchmark("torchvision/imagenet-vit").table["arch"],
    ]
    assert sorted(found.index) == sorted(archs)
    assert found.loc["resnet18", "params"] == 11_689_512
    assert found.loc["resnet18", "flops"] == pytest.approx(1_814_073_344, abs=1_000_000)


def test_scales_that_start_at_zero_are_those_of_the_networks():
    """ResNet-18 has two batch norms in each of eight blocks, the second starts at 0, and four others."""
    found = zero_scales().set_index("arch")

    assert list(found.index) == list(selected()["arch"])
    assert tuple(found.loc["resnet18"]) == (20, 8)
    for arch in ("resnet26", "vgg11_bn", "mobilenetv3_small_050"):
        network = space("timm").build(arch, num_classes=10, seed=0)
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        assert tuple(found.loc[arch]) == (len(norms), sum(bool((norm.weight == 0).all()) for norm in norms))

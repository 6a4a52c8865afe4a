import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from zsnas.batches import list_batches
from zsnas.benchmarks import ade20k, benchmark
from zsnas.spaces import space

RUNS = ade20k.published()


def test_every_network_is_in_the_space_once_with_a_miou():
    bench = benchmark("ade20k/miou")
    assert bench.table["arch"].is_unique
    assert set(RUNS["arch"]) - {""} <= set(space(bench.space).architectures)
    assert bench.table["miou"].between(10, 70).all()
    assert (bench.metric, bench.unit) == ("miou", "%")
    assert bench.batch in list_batches()
    assert "MMSegmentation" in bench.cite()


# As printed on the pages of mmsegmentation and of the zoo of CSAIL.
@pytest.mark.parametrize(
    ("arch", "miou", "pixel_accuracy", "is_homogeneous", "runs"),
    [
        ("resnet50c-d8+pspnet", 42.48, None, True, 2),  # the run of 160,000 iterations, not 41.13
        ("resnet50c-d8+fcn", 36.10, None, True, 2),
        ("hrnet_w18+ocr", 39.32, None, True, 2),  # whose entry has the name of the shorter run
        ("convnext_base+upernet", 48.71, None, False, 4),  # from ImageNet-1K, not 52.13
        ("resnet18s-d8+pspnet", 38.00, 78.64, False, 1),
        ("mobilenetv2_100-d8+pspnet", 29.68, 77.77, True, 2),
        ("resnet50c-d8+psanet", 41.67, None, True, 2),
        ("resnet50s-d8+psanet", 42.29, 80.32, False, 1),
        ("resnet50c-d8+knet-pspnet", 44.18, None, False, 1),
        ("resnet50c+knet-upernet", 43.45, None, False, 1),  # whose entry says that it is dilated
    ],
)
def test_what_is_known_of_a_network(arch, miou, pixel_accuracy, is_homogeneous, runs):
    row = benchmark("ade20k/miou").table.set_index("arch").loc[arch]
    assert row["miou"] == miou
    assert row["pixel_accuracy"] == pytest.approx(pixel_accuracy) if pixel_accuracy else row.isna().any()
    assert (row["is_homogeneous"], row["runs"]) == (is_homogeneous, runs)


def test_several_scales_are_a_column_and_a_network_with_nothing_else_has_no_row():
    table = benchmark("ade20k/miou").table.set_index("arch")
    assert table["miou_multiscale"]["resnet50c-d8+pspnet"] == 43.44  # of the run with 42.48
    assert pd.isna(table["miou_multiscale"]["mobilenetv2_100-d8+pspnet"])  # 36.28 is of a run with 35.76
    only = RUNS[RUNS["arch"] == "xception65-d8+deeplabv3plus-256"]
    assert only["miou_multiscale"].tolist() == [45.65]
    assert only["is_built"].all()
    assert "xception65-d8+deeplabv3plus-256" not in table.index


def test_one_recipe_means_the_same_length_crop_and_pretraining():
    one = RUNS[RUNS["is_homogeneous"]]
    assert len(one) >= 40
    assert set(one["iterations"]) == {160_000}
    assert set(one["crop"]) == {"512x512"}
    assert set(one["pretraining"]) == {"ImageNet-1K"}
    assert not one["model"].str.contains("adamw|amp").any()


def test_all_convolutional_runs_of_mmsegmentation_are_there_and_no_transformer():
    known = RUNS[RUNS["source"].str.startswith("mmsegmentation")]
    assert len(known) == 112
    assert not known["backbone"].str.contains("Swin|ViT|MiT|BEiT|PVT").any()


def test_networks_that_cannot_be_built_are_listed_without_an_architecture():
    unbuilt = RUNS[~RUNS["is_built"]]
    assert {"PointRend", "MaskFormer", "Mask2Former"} <= set(unbuilt["head"])
    assert (unbuilt["arch"] == "").all()


def test_every_run_says_where_it_is_printed():
    assert RUNS["source"].str.contains("/").all()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(ade20k, "find_spec", lambda _name: None)
    ade20k._published.cache_clear()
    with pytest.raises(
        ModuleNotFoundError, match=r"'ade20k/miou' needs the package mmsegmentation.*zsnas\[segmentation\]"
    ):
        ade20k.published()


def test_weights_without_a_length_are_refused():
    with pytest.raises(ValueError, match="does not say how long 'x' was trained"):
        ade20k._iterations({"Name": "x", "Weights": "https://host/folder_80k_/x.pth"})


def test_a_caller_cannot_spoil_the_table_of_another():
    table = benchmark("ade20k/miou").table
    table["arch"] = "spoilt"
    assert benchmark("ade20k/miou").table["arch"].is_unique


def test_a_table_loads_neither_torch_nor_mmsegmentation():
    code = "import sys, zsnas; zsnas.benchmark('ade20k/miou'); assert not {'torch', 'mmseg'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])

from importlib.metadata import PackageNotFoundError

import pytest

from zsnas.benchmarks import benchmark, families
from zsnas.benchmarks.families import METRIC, PIPELINES, one_pipeline, pytorchcv_arch, runs
from zsnas.spaces import space

NAMES = {family: f"{family}/imagenet" for family in PIPELINES}


@pytest.mark.parametrize("family", NAMES)
def test_a_row_is_the_mean_of_its_runs(family):
    bench, found = benchmark(NAMES[family]), runs(family)
    assert (bench.space, bench.batch, bench.metric) == (family, "imagenet1k", METRIC)
    assert set(bench.table["arch"]) == set(found["arch"]) <= set(space(family).architectures)
    assert bench.table["arch"].is_unique
    assert bench.table["runs"].sum() == len(found)
    for row in bench.table.itertuples():
        of_arch = found.loc[found["arch"] == row.arch, METRIC]
        assert row.validation_accuracy == pytest.approx(of_arch.mean())
        assert (row.lowest, row.highest) == (of_arch.min(), of_arch.max())
    assert found["source"].notna().all()
    assert not found.duplicated(["arch", "source"]).any()


@pytest.mark.parametrize(("family", "count"), [("resnets", 40), ("mobilenet-v2", 22)])
def test_one_pipeline_has_one_run_an_architecture(family, count):
    table = one_pipeline(benchmark(NAMES[family])).table
    assert len(table) == table["arch"].nunique() == count


# The errors that pytorchcv's package metadata gives for these two.
def test_the_table_of_pytorchcv_is_read_from_the_package():
    table = one_pipeline(benchmark("resnets/imagenet")).table.set_index("arch")[METRIC]
    assert table["resnet-18-x0.25-k1-r224"] == 60.38
    assert table["preresnet-269b-x1-k1-r224"] == 79.65
    assert "resnet-50b-x1-k2-r224" not in table
    assert runs("resnets").query("recipe == 'functional-zoo'")["arch"].tolist() == ["resnet-50b-x1-k2-r224"]


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("PreResNet-BC-26b", "preresnet-26b-x1-k1-r224"),
        ("ResNet-18 x0.25", "resnet-18-x0.25-k1-r224"),
        ("ResNet-101", "resnet-101a-x1-k1-r224"),
        ("ResNet-34", "resnet-34-x1-k1-r224"),
        ("MobileNetV2b x0.5", "b-d1-x0.5-r224"),
        ("SE-ResNet-50", None),
        ("ResNet(A)-18", None),
    ],
)
def test_names_of_pytorchcv(name, arch):
    assert pytorchcv_arch(name) == arch


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(families, "distribution", absent)
    with pytest.raises(
        ModuleNotFoundError, match=r"'resnets/imagenet' needs .*pip install 'zsnas\[families\]'"
    ):
        families._of_pytorchcv("resnets")


def test_a_caller_cannot_spoil_the_table_of_another():
    for table in (runs("resnets"), benchmark("resnets/imagenet").table):
        table["arch"] = "spoilt"
    assert "spoilt" not in set(benchmark("resnets/imagenet").table["arch"])

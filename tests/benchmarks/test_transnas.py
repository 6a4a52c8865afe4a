import json
import subprocess
import sys
from zipfile import ZipFile

import pytest
from oracles_sizes import micro_parameters

from zsnas.batches import list_batches
from zsnas.batches.tasks import TASKS
from zsnas.benchmarks import benchmark, list_benchmarks, transnas
from zsnas.sources import fetch
from zsnas.spaces import space

MICRO = [f"transnas-micro/{task}" for task in sorted(TASKS)]
MACRO = [f"transnas-macro/{task}" for task in sorted(TASKS)]


@pytest.fixture
def forgotten():
    transnas._table.cache_clear()
    yield
    transnas._table.cache_clear()


def test_both_spaces_have_the_seven_tasks():
    assert list_benchmarks("transnas-*") == [*MACRO, *MICRO]


def test_an_unknown_task_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'transnas-micro/segmentsemantic'"):
        benchmark("transnas-micro/segmentation")


@pytest.mark.mirror
@pytest.mark.parametrize("name", [*MICRO, *MACRO])
def test_every_architecture_has_a_metric_of_the_last_epoch(name):
    bench = benchmark(name)
    assert tuple(bench.table["arch"]) == space(bench.space).architectures
    assert bench.table[bench.metric].notna().all()
    assert bench.space == name.split("/")[0]
    assert bench.batch == f"photographs-64/{name.split('/')[1]}"
    assert bench.batch in list_batches()
    assert "TransNAS-Bench-101" in bench.cite()
    assert bench.licence in bench.cite()


# Best metrics in micro. Table V of the survey prints 94.61, 0.59 and 0.58 for the three tasks that it has,
# and calls the first mIoU; by its values it is the pixel accuracy (the best mIoU is 26.27 %).
@pytest.mark.mirror
@pytest.mark.parametrize(
    ("task", "metric", "unit", "best", "best_epoch", "at_best_epoch"),
    [
        ("class_object", "validation_accuracy", "%", 45.59, "best_epoch_validation_accuracy", 46.32),
        ("class_scene", "validation_accuracy", "%", 54.94, "best_epoch_validation_accuracy", 54.94),
        ("jigsaw", "validation_accuracy", "%", 95.37, "best_epoch_validation_accuracy", 95.37),
        (
            "room_layout",
            "validation_negative_loss",
            "",
            -0.60,
            "best_epoch_validation_negative_loss",
            -0.59,
        ),
        ("segmentsemantic", "validation_pixel_accuracy", "%", 94.61, "best_epoch_validation_miou", 26.27),
        ("normal", "validation_ssim", "", 0.59, "best_epoch_validation_ssim", 0.60),
        ("autoencoder", "validation_ssim", "", 0.58, "best_epoch_validation_ssim", 0.58),
    ],
)
def test_metric_unit_and_best_value_of_each_task(task, metric, unit, best, best_epoch, at_best_epoch):
    bench = benchmark(f"transnas-micro/{task}")
    assert (bench.metric, bench.unit) == (metric, unit)
    assert list(bench.table.columns) == ["arch", metric, best_epoch]
    assert round(bench.table[metric].max(), 2) == best
    assert round(bench.table[best_epoch].max(), 2) == at_best_epoch


@pytest.mark.mirror
@pytest.mark.parametrize("name", [*MICRO, *MACRO])
def test_the_best_epoch_is_never_worse_than_the_last(name):
    bench = benchmark(name)
    best_epoch = bench.table.iloc[:, 2]
    if not name.endswith("segmentsemantic"):  # where it is another metric
        assert (best_epoch.dropna() >= bench.table.loc[best_epoch.notna(), bench.metric] - 1e-6).all()


@pytest.mark.mirror
@pytest.mark.parametrize("name", [*MICRO, *MACRO])
def test_what_upstream_lacks_is_missing_here(name):
    without = benchmark(name).table.pipe(lambda table: table[table.iloc[:, 2].isna()])
    assert without["arch"].tolist() == (["64-113444-basic"] if name in MACRO else [])


# The network with the most parameters in micro: Table V of the survey prints 94.50, 0.55, 0.46 for #Params.
@pytest.mark.mirror
@pytest.mark.parametrize(
    ("task", "printed"), [("segmentsemantic", 94.50), ("normal", 0.55), ("autoencoder", 0.46)]
)
def test_the_network_with_the_most_parameters(task, printed):
    bench = benchmark(f"transnas-micro/{task}")
    parameters = {arch: micro_parameters(arch) for arch in bench.table["arch"]}
    largest = max(parameters, key=parameters.__getitem__)
    assert largest == "64-41414-3_33_333"
    assert sum(count == parameters[largest] for count in parameters.values()) == 1  # no tie
    assert round(bench.table.set_index("arch")[bench.metric][largest], 2) == printed


# The two metrics of segmentation come from different repositories: they agree, so that their rows match.
@pytest.mark.mirror
@pytest.mark.parametrize("name", ["transnas-micro/segmentsemantic", "transnas-macro/segmentsemantic"])
def test_pixel_accuracy_ranks_architectures_much_as_mean_intersection_over_union(name):
    assert benchmark(name).table.iloc[:, 1:].corr(method="spearman").iloc[0, 1] > 0.8


def test_a_tuple_of_six_digits_becomes_an_architecture():
    assert transnas._named("(1, 0, 2, 3, 3, 3)", "micro") == "64-41414-1_02_333"
    assert transnas._named("(1, 2, 3, 4, 0, 0)", "macro") == "64-1234-basic"
    assert transnas._named("(1, 2, 3, 4, 1, 1)", "macro") == "64-123411-basic"


# --- truth files that are not whole


def changed(rows, how):
    """Return rows of which one is missing, extra, or there twice."""
    extra = {"arch": "(9, 9, 9, 9, 9, 9)", "val_accuracy": 0.5}
    return {"missing": rows[1:], "extra": [*rows, extra], "twice": [*rows, rows[0]]}[how]


MESSAGES = {
    "missing": r"lacks 1 of 4,096 architectures, has 0 too many and 0 twice; the first is '64-41414-",
    "extra": r"lacks 0 of 4,096 architectures, has 1 too many and 0 twice; the first is '64-41414-9_99_999'",
    "twice": r"lacks 0 of 4,096 architectures, has 0 too many and 1 twice; fetch it again",
}


@pytest.mark.mirror
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("how", MESSAGES)
def test_an_archive_with_a_missing_or_an_extra_row_is_refused(how, tmp_path, monkeypatch):
    part = "zen/benchmark--transbench101_micro--normal--0.json"
    with ZipFile(fetch("naslib/transnas/micro")) as whole, ZipFile(tmp_path / "it.zip", "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, json.dumps(changed(json.loads(content), how)) if name == part else content)
    given = {"naslib/transnas/micro": tmp_path / "it.zip"}
    monkeypatch.setattr(transnas, "fetch", lambda name: given.get(name) or fetch(name))
    with pytest.raises(ValueError, match=f"it.zip, task normal, {MESSAGES[how]}"):
        benchmark("transnas-micro/normal")
    assert len(benchmark("transnas-micro/autoencoder").table) == 4_096  # whose rows are whole


@pytest.mark.mirror
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("how", MESSAGES)
def test_best_epochs_with_a_missing_or_an_extra_row_are_refused(how, tmp_path, monkeypatch):
    rows = json.loads(fetch("rbflex/transnas-micro/normal").read_bytes())
    rows = {"missing": rows[1:], "extra": [*rows, ["64-41414-9_99_999", 0.5]], "twice": [*rows, rows[0]]}
    (tmp_path / "it.json").write_text(json.dumps(rows[how]))
    given = {"rbflex/transnas-micro/normal": tmp_path / "it.json"}
    monkeypatch.setattr(transnas, "fetch", lambda name: given.get(name) or fetch(name))
    with pytest.raises(ValueError, match=f"it.json {MESSAGES[how]}"):
        benchmark("transnas-micro/normal")


@pytest.mark.mirror
def test_a_table_does_not_load_torch():
    code = "import sys, zsnas; zsnas.benchmark('transnas-macro/normal'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

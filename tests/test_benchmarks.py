import gc
import io
import os
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from zsnas.benchmarks import (
    _analog_records,
    _operation_ids,
    benchmark,
    list_benchmarks,
    nats_sss,
    nb201,
    nb201_analog,
    transnas,
)
from zsnas.benchmarks._analog_records import ACCURACIES, DRIFTS, decode
from zsnas.sources import SourceCorruptError, SourceUnavailable, fetch

ANALOG = "nb201-analog/cifar10"
NB201 = ["nb201/cifar10", "nb201/cifar100", "nb201/imagenet16-120"]


@pytest.fixture
def no_files(tmp_path, monkeypatch):
    """Take away mirror, cache, network and what this process has read so far."""
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    tables = [module._table for module in (nats_sss, nb201, nb201_analog, transnas)]
    for table in tables:
        table.cache_clear()
    yield tmp_path / "cache"
    for table in tables:
        table.cache_clear()


def test_benchmarks_are_listed_by_wildcard():
    assert list_benchmarks("nb201*") == [ANALOG, "nb201-digits", "nb201-robust/cifar10", *NB201]
    assert list_benchmarks("nb201/*100") == ["nb201/cifar100"]
    assert {"help/nb201", "hw-nas-bench/nb201-cifar100"} < set(list_benchmarks())


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown benchmark 'nb201/cifar1000'; did you mean 'nb201/cifar100'\?"
    ):
        benchmark("nb201/cifar1000")


def test_a_batch_behind_the_name_changes_the_images_and_not_the_truth():
    bench, own = benchmark(f"{ANALOG}@imagenet16-120"), benchmark(ANALOG)
    assert (bench.name, bench.batch) == (f"{ANALOG}@imagenet16-120", "imagenet16-120")
    assert own.batch == "cifar10"
    pd.testing.assert_frame_equal(bench.table, own.table)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{ANALOG}@cifar11", r"unknown batch 'cifar11'; did you mean 'cifar10'\?"),
        (f"{ANALOG}@", "unknown batch ''"),
        ("nb201/cifar1000@cifar10", "unknown benchmark 'nb201/cifar1000'"),
    ],
)
def test_both_parts_of_a_name_must_be_known(name, why):
    with pytest.raises(ValueError, match=why):
        benchmark(name)


# Best accuracies as published with the mirror; Table IV of the survey prints the last two.
@pytest.mark.mirror
@pytest.mark.parametrize(("name", "best"), list(zip(NB201, (94.37, 73.51, 47.31), strict=True)))
def test_nb201_holds_every_architecture_with_its_accuracy(name, best):
    bench = benchmark(name)
    assert list(bench.table.columns) == ["arch", "test_accuracy"]
    assert len(bench.table) == bench.table["arch"].nunique() == 15625
    assert bench.table["test_accuracy"].notna().all()
    assert round(bench.table["test_accuracy"].max(), 2) == best
    assert (bench.name, bench.metric, bench.unit, bench.space) == (name, "test_accuracy", "%", "nb201")
    assert bench.batch == name.removeprefix("nb201/")
    assert bench.licence in bench.cite()
    assert "FreeREA" in bench.cite()


# Upstream's two repositories agree on the index when upstream's parameter counts follow from the strings:
# 0.073306 million, plus 0.24304 million for each 3×3 convolution and 0.028 million for each 1×1 convolution.
@pytest.mark.mirror
def test_the_rows_of_both_upstream_files_are_in_the_same_order():
    arch = benchmark("nb201/cifar10").table["arch"]
    expected = 0.073306 + 0.24304 * arch.str.count("nor_conv_3x3") + 0.028 * arch.str.count("nor_conv_1x1")
    params = pd.read_csv(fetch("freerea/cifar10/params"), index_col="index")["params"]
    np.testing.assert_allclose(params, expected, rtol=0, atol=1e-9)


# A row's position is its index in the truth table's file, whatever the order of the lines there.
@pytest.mark.mirror
def test_accuracies_are_matched_by_index(tmp_path, monkeypatch, request):
    request.addfinalizer(nb201._table.cache_clear)
    expected = benchmark("nb201/cifar10").table
    lines = fetch("freerea/cifar10/accuracies").read_text().splitlines()
    shuffled = tmp_path / "accuracies.csv"
    shuffled.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    monkeypatch.setattr(
        nb201, "fetch", lambda name: shuffled if name.endswith("/accuracies") else fetch(name)
    )
    nb201._table.cache_clear()
    pd.testing.assert_frame_equal(benchmark("nb201/cifar10").table, expected)


# Means of one to three percentages of 10,000 or 6,000 test images are multiples of 1/600 or 1/360.
@pytest.mark.mirror
@pytest.mark.parametrize(("name", "steps"), list(zip(NB201, (600, 600, 360), strict=True)))
def test_rounding_removes_float_noise_and_nothing_else(name, steps):
    accuracy = benchmark(name).table["test_accuracy"]
    exact = (accuracy * steps).round() / steps
    assert (accuracy - exact).abs().max() <= 5.1e-5
    assert accuracy.nunique() == exact.nunique()
    upstream = pd.read_csv(fetch(f"freerea/{name.removeprefix('nb201/')}/accuracies"))["accuracy"]
    assert (upstream - exact).abs().max() < 1e-6


@pytest.mark.usefixtures("no_files")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("nb201/cifar100", "freerea/cifar100/accuracies"),
        ("nats-sss/cifar100", "lightonai/nats-size/cifar100"),
        ("transnas-micro/normal", "naslib/transnas/micro"),
    ],
)
def test_without_its_files_a_benchmark_says_what_is_missing(name, file):
    with pytest.raises(SourceUnavailable, match=file):
        benchmark(name)


MIRRORED = [
    pytest.param(name, marks=pytest.mark.mirror)
    for name in ("nb201/cifar100", "nats-sss/cifar10", "transnas-micro/normal")
]


@pytest.mark.parametrize("name", [ANALOG, *MIRRORED])
def test_a_caller_cannot_spoil_the_table_of_another(name):
    bench = benchmark(name)
    kept = bench.table.copy()
    bench.table.loc[0, bench.metric] = -1.0
    bench.table["arch"] = "spoilt"
    pd.testing.assert_frame_equal(benchmark(name).table, kept)


@pytest.mark.usefixtures("no_files")
def test_the_analog_table_needs_neither_mirror_nor_network():
    table = benchmark(ANALOG).table
    assert len(table) == table["arch"].nunique() == 15625
    assert table.drop(columns="arch").notna().all(axis=None)
    assert table.drop(columns="arch").min(axis=None) >= 0
    assert table.drop(columns="arch").max(axis=None) <= 100


def test_the_analog_table_does_not_import_its_package():
    benchmark(ANALOG)
    assert "analognasbench" not in sys.modules


# Record (0, 0, 0, 0, 0, 2) of the package: five skip connections, and a 3×3 convolution on the edge 2→3.
def test_analog_columns_hold_the_fields_of_the_record():
    table = benchmark(ANALOG).table.set_index("arch")
    row = table.loc[
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|nor_conv_3x3~2|"
    ]
    assert row["test_accuracy"] == pytest.approx(88.6748)
    assert row["ptq_accuracy"] == pytest.approx(88.1128)
    assert row["qat_accuracy"] == pytest.approx(87.5788)
    assert row["noisy_accuracy"] == pytest.approx(11.4532)
    assert row["analog_accuracy"] == pytest.approx(85.4748)


def test_operation_ids_become_an_architecture_string_edge_by_edge():
    operations = np.array([[0, 1, 2, 3, 4, 0]], dtype=float)  # edges 0→1, 0→2, 0→3, 1→2, 1→3, 2→3
    assert _operation_ids.architectures(operations) == [
        "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|skip_connect~2|"
    ]


# The data set's README states this agreement.
@pytest.mark.mirror
def test_the_analog_baseline_ranks_as_the_official_accuracy():
    official = benchmark("nb201/cifar10").table
    both = official.merge(benchmark(ANALOG).table, on="arch", suffixes=("", "_analog"))
    assert len(both) == 15625
    assert spearmanr(both["test_accuracy"], both["test_accuracy_analog"]).statistic == pytest.approx(
        0.991, abs=5e-4
    )


def test_decoded_numbers_are_kept_and_read_back(no_files, monkeypatch):
    first = _analog_records.analog_records()
    kept = [path for path in no_files.rglob("*") if path.is_file()]
    assert len(kept) == 1
    monkeypatch.setattr(_analog_records, "decode", None)
    np.testing.assert_array_equal(_analog_records.analog_records(), first)


def test_decoded_numbers_that_were_changed_are_decoded_again(no_files):
    first = _analog_records.analog_records()
    (kept,) = (path for path in no_files.rglob("*") if path.is_file())
    content = kept.read_bytes()
    for place in (3, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        kept.write_bytes(changed)
        assert not _analog_records.is_right(kept)
        np.testing.assert_array_equal(_analog_records.analog_records(), first)
        assert kept.read_bytes() == content


@pytest.mark.usefixtures("no_files")
def test_another_file_of_the_package_is_refused(tmp_path, monkeypatch):
    (tmp_path / "data.anb").write_bytes(b"another")
    monkeypatch.setattr(_analog_records, "data_file", lambda: tmp_path / "data.anb")
    with pytest.raises(SourceCorruptError, match=r"is not the file of analog-nasbench 0\.1\.3: pip install"):
        _analog_records.analog_records()


@pytest.mark.usefixtures("no_files")
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "file"))
    assert len(benchmark(ANALOG).table) == 15625


@pytest.mark.usefixtures("no_files")
def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(_analog_records, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install --no-deps analog-nasbench==0\.1\.3"):
        benchmark(ANALOG)


class Architecture:
    """A record as the package has it; pickled under the package's name."""


class DriftMeasurement:
    """A record as the package has it; pickled under the package's name."""


def record(first):
    """Return a cell whose fields count up from `first`, each drift being value and uncertainty."""
    cell = Architecture()
    vars(cell).update(zip(ACCURACIES, range(first, first + 5), strict=True))
    for position, name in enumerate(DRIFTS):
        drift = DriftMeasurement()
        drift.value, drift.uncertainty = first + 5 + 2 * position, first + 6 + 2 * position
        setattr(cell, name, drift)
    return cell


def pickled(content, monkeypatch):
    module = type(sys)("analognasbench.data")
    for kind in (Architecture, DriftMeasurement):
        monkeypatch.setattr(kind, "__module__", module.__name__)
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "analognasbench", type(sys)("analognasbench"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return io.BytesIO(pickle.dumps(content, protocol=4))


def test_records_are_decoded_field_by_field(monkeypatch):
    cells = {(0, 1, 2, 3, 4, 0): record(100), (4, 4, 4, 4, 4, 4): record(200)}
    expected = [[0, 1, 2, 3, 4, 0, *range(100, 121)], [4, 4, 4, 4, 4, 4, *range(200, 221)]]
    np.testing.assert_array_equal(decode(pickled(cells, monkeypatch)), expected)


@pytest.mark.parametrize("enabled", [True, False])
def test_decoding_leaves_the_garbage_collector_as_it_was(enabled, monkeypatch):
    file = pickled({(0,) * 6: record(0)}, monkeypatch)
    (gc.enable if enabled else gc.disable)()
    try:
        decode(file)
        assert gc.isenabled() == enabled
    finally:
        gc.enable()


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_a_function_is_refused_and_nothing_runs(protocol, tmp_path):
    content = pickle.dumps({(0,) * 6: Malicious(str(tmp_path / "broken in"))}, protocol=protocol)
    with pytest.raises(pickle.UnpicklingError, match=r"mkdir, which is no record of AnalogNAS-Bench"):
        decode(io.BytesIO(content))
    assert not (tmp_path / "broken in").exists()


# Names that only look like the allowed ones: a dotted attribute of the class, another class of its module.
@pytest.mark.parametrize("name", ["Architecture.__init__", "pickle.loads", "AnalogNASBench"])
def test_other_names_of_the_package_are_refused(name):
    module = b"analognasbench.data"
    content = b"\x80\x04\x8c%c%s\x8c%c%s\x93." % (len(module), module, len(name), name.encode())
    with pytest.raises(pickle.UnpicklingError, match="no record of AnalogNAS-Bench"):
        decode(io.BytesIO(content))

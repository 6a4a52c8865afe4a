"""The costs of networks are upstream's, matched by architecture, and a file that is not whole is refused."""

import pandas as pd
import pytest
import torch

import zsnas
from zsnas.benchmarks import hw_help, hw_nas_bench, nb201
from zsnas.cli import main
from zsnas.scores.sweep import sweep

DATA_SETS = ["cifar10", "cifar100", "imagenet16-120"]
METRICS = [
    "edgegpu_latency_ms",
    "edgegpu_energy_mj",
    "raspi4_latency_ms",
    "edgetpu_latency_ms",
    "pixel3_latency_ms",
    "eyeriss_latency_ms",
    "eyeriss_energy_mj",
    "eyeriss_arithmetic_intensity_ops_per_byte",
    "fpga_latency_ms",
    "fpga_energy_mj",
]


def costs(name):
    return zsnas.benchmark(name).table.set_index("arch")


@pytest.mark.mirror
@pytest.mark.parametrize("data_set", DATA_SETS)
def test_hw_nas_bench_has_ten_metrics_of_every_architecture_beside_its_accuracy(data_set):
    bench = zsnas.benchmark(f"hw-nas-bench/nb201-{data_set}")

    assert list(bench.table.columns) == ["arch", "test_accuracy", *METRICS]
    assert (bench.space, bench.batch, bench.metric) == ("nb201", data_set, "test_accuracy")
    pd.testing.assert_frame_equal(
        bench.table[["arch", "test_accuracy"]], zsnas.benchmark(f"nb201/{data_set}").table, check_names=False
    )
    assert "HW-NAS-Bench" in bench.cite()
    assert "NATS-Bench" in bench.cite()


# The ranges are those of the data set's description, the count that of -1 in the file.
@pytest.mark.mirror
def test_costs_have_the_published_ranges_and_minus_one_is_missing():
    table = costs("hw-nas-bench/nb201-cifar100")

    assert table["edgegpu_energy_mj"].agg(["min", "max"]).round(2).to_list() == [2.05, 43.55]
    assert table["edgegpu_latency_ms"].agg(["min", "max"]).round(2).to_list() == [0.51, 11.46]
    assert table["edgetpu_latency_ms"].isna().sum() == 4699
    assert table.drop(columns="edgetpu_latency_ms").notna().all(axis=None)
    assert table[METRICS].min(axis=None) > 0


# The first line of the file: (4, 3, 3, 0, 0, 0), an average pooling, two 1×1 convolutions, three skips.
@pytest.mark.mirror
def test_a_row_belongs_to_the_cell_that_upstream_writes_in_it():
    arch = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"

    row = costs("hw-nas-bench/nb201-cifar10").loc[arch]

    assert row["edgegpu_latency_ms"] == pytest.approx(5.807419, abs=5e-7)
    assert row["fpga_energy_mj"] == pytest.approx(18.01072)


@pytest.mark.mirror
@pytest.mark.parametrize("device", ["raspi4", "pixel3", "fpga", "eyeriss"])
def test_help_and_hw_nas_bench_agree_exactly_where_both_have_a_device(device):
    ours, theirs = costs("help/nb201"), costs("hw-nas-bench/nb201-cifar10")

    assert ours[f"{device}_latency_ms"].equals(theirs[f"{device}_latency_ms"].reindex(ours.index))


@pytest.mark.mirror
def test_help_has_27_settings_of_nb201_with_cifar10_accuracies():
    bench = zsnas.benchmark("help/nb201")
    latencies = bench.table.filter(like="_latency_ms")

    assert latencies.shape == (15625, 27)
    assert latencies.notna().all(axis=None)
    assert {"titanx_256_latency_ms", "pixel2_latency_ms"} < set(latencies)
    whole = {name for name in latencies if (latencies[name] == latencies[name].round()).all()}
    assert whole == {
        f"{phone}_latency_ms" for phone in ("essential_ph_1", "pixel2", "samsung_a50", "samsung_s7")
    }
    pd.testing.assert_frame_equal(
        bench.table[["arch", "test_accuracy"]], zsnas.benchmark("nb201/cifar10").table, check_names=False
    )
    assert "HELP" in bench.cite()


# The first lines of the files of HELP.
@pytest.mark.mirror
def test_help_has_5000_fbnet_networks_without_accuracy_space_or_images():
    bench = zsnas.benchmark("help/fbnet")

    assert bench.table.shape == (5000, 28)
    assert bench.table["arch"].iloc[0] == "7,8,1,8,4,8,8,8,7,4,1,4,7,3,2,7,3,2,4,2,4,5"
    assert bench.table["fpga_latency_ms"].to_list()[:2] == pytest.approx([25.30272, 23.03968])
    assert (bench.metric, bench.unit, bench.space, bench.batch) == ("", "", "", "")


@pytest.mark.usefixtures("upstream")
def test_networks_that_were_never_trained_are_not_swept(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"'help/fbnet' has latencies only: no space builds its networks and none was trained; "
        r"choose another one of zsnas\.list_benchmarks\(\)",
    ):
        sweep("help/fbnet", store=tmp_path / "fbnet.sqlite", progress=False)
    assert not (tmp_path / "fbnet.sqlite").exists()


@pytest.mark.mirror
def test_details_of_a_benchmark_without_accuracy_have_dashes(capsys):
    main(["benchmarks", "help/fbnet", "--details"])

    assert capsys.readouterr().out.splitlines()[1].split() == ["help/fbnet", "5000", "–", "–", "–", "MIT"]


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["hw-nas-bench/nb201-cifar100", "help/nb201", "help/fbnet"])
def test_a_caller_cannot_spoil_the_costs_of_another(name):
    table = zsnas.benchmark(name).table
    column = table.columns[-1]

    table.loc[:, column] = -7.0

    assert zsnas.benchmark(name).table[column].min() > 0


KNOWN = [f"|none~0|+|none~0|none~1|+|none~0|none~1|{last}~2|" for last in ("none", "skip_connect")]


HEADER = ",".join(["net", *hw_nas_bench.COLUMNS])


def written(path, nets, cell="1.5", header=HEADER):
    lines = [f'"{net}"' + f",{cell}" * len(hw_nas_bench.COLUMNS) for net in nets]
    path.write_text("\n".join([header, *lines]))
    return path


NETS = ["(1, 1, 1, 1, 1, 1)", "(1, 1, 1, 1, 1, 0)"]


def test_a_whole_file_is_read(tmp_path):
    table = hw_nas_bench.read(written(tmp_path / "costs.csv", NETS[::-1]), KNOWN)

    assert table["arch"].to_list() == KNOWN[::-1]
    assert (table[METRICS] == 1.5).all(axis=None)


@pytest.mark.parametrize(
    ("nets", "complaint"),
    [
        (NETS[:1], "lacks 1 of the 2 architectures, repeats 0 and adds 0"),
        ([*NETS, NETS[0]], "lacks 0 of the 2 architectures, repeats 1 and adds 0"),
        ([*NETS, "(2, 1, 1, 1, 1, 1)"], "lacks 0 of the 2 architectures, repeats 0 and adds 1"),
    ],
)
def test_rows_that_are_missing_or_extra_are_counted(tmp_path, nets, complaint):
    with pytest.raises(ValueError, match=complaint):
        hw_nas_bench.read(written(tmp_path / "costs.csv", nets), KNOWN)


@pytest.mark.parametrize(
    "broken",
    [
        {"nets": [NETS[0], "(1, 1"]},
        {"nets": [NETS[0], "(1, 1, 1)"]},
        {"nets": [NETS[0], "(9, 1, 1, 1, 1, 1)"]},
        {"nets": NETS, "cell": "much"},
        {"nets": NETS, "header": "net,latency"},
        {"nets": NETS, "header": ""},
    ],
)
def test_a_malformed_file_is_named(tmp_path, broken):
    with pytest.raises(ValueError, match=r"costs\.csv is no table of HW-NAS-Bench: .+; fetch it again"):
        hw_nas_bench.read(written(tmp_path / "costs.csv", **broken), KNOWN)


def test_an_empty_cell_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"costs\.csv has 20 empty cells"):
        hw_nas_bench.read(written(tmp_path / "costs.csv", NETS, cell=""), KNOWN)


def saved(path, content):
    torch.save(content, path)
    return path


class Malicious:
    def __reduce__(self):
        return print, ("broken in",)


@pytest.mark.parametrize("content", [Malicious(), b"not a file of torch"])
def test_a_file_that_is_no_data_is_refused(tmp_path, capsys, content):
    path = tmp_path / "latency.pt"
    path.write_bytes(content) if isinstance(content, bytes) else saved(path, content)

    with pytest.raises(ValueError, match=r"latency\.pt is no file of numbers written by torch"):
        hw_help.read(path, list)
    assert capsys.readouterr().out == ""


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"latency\.pt holds a dict, not a list"):
        hw_help.read(saved(tmp_path / "latency.pt", {"a": 1}), list)


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """Put small files in the place of HELP's; return the function that replaces one."""
    files = {
        "help/nb201/architecture-index": {arch: 1 - k for k, arch in enumerate(KNOWN)},
        "help/nb201/latency/fpga": [2, 3],
        "help/fbnet/architectures": [[0] * 22, [8] * 22],
        "help/fbnet/latency/fpga": [2, 3],
    }

    def fetch(name):
        return saved(tmp_path / f"{name.replace('/', '-')}.pt", files[name])

    bench = zsnas.benchmarks.Benchmark("nb201/cifar10", pd.DataFrame({"arch": KNOWN}), "", "", "", "")
    monkeypatch.setitem(nb201.LOADERS, "nb201/cifar10", lambda: bench)
    monkeypatch.setattr(hw_help, "fetch", fetch)
    monkeypatch.setattr(hw_help, "list_sources", lambda pattern: [pattern.replace("*", "fpga")])
    tables = hw_help._nb201, hw_help._fbnet
    for table in tables:
        table.cache_clear()
    yield files.__setitem__
    for table in tables:
        table.cache_clear()


@pytest.mark.usefixtures("upstream")
def test_latencies_of_help_are_in_the_order_of_its_index():
    table = hw_help._nb201().set_index("arch")

    assert table["fpga_latency_ms"].to_dict() == {KNOWN[1]: 2.0, KNOWN[0]: 3.0}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("help/nb201/latency/fpga", [2], "has 1 latencies for 2 architectures"),
        ("help/nb201/architecture-index", dict.fromkeys(KNOWN, 0), "gives no order of its 2 architectures"),
        ("help/nb201/architecture-index", {KNOWN[0]: 0}, "lacks 1 of the 2 architectures and adds 0"),
        (
            "help/nb201/architecture-index",
            {**dict(zip(KNOWN, (0, 1), strict=True)), "x": 2},
            "lacks 0 .* adds 1",
        ),
    ],
)
def test_a_file_of_help_that_does_not_fit_is_refused(upstream, name, content, complaint):
    upstream(name, content)

    with pytest.raises(ValueError, match=complaint):
        hw_help._nb201()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("help/fbnet/architectures", [[0] * 22, [0] * 21], r"network \[0, 0.*\]; FBNet's have 22 ids"),
        ("help/fbnet/architectures", [[0] * 22, [9] * 22], r"network \[9, 9.*\]; FBNet's have 22 ids"),
        ("help/fbnet/latency/fpga", [2, 3, 4], "has 3 latencies for 2 architectures"),
    ],
)
def test_a_file_of_fbnet_that_does_not_fit_is_refused(upstream, name, content, complaint):
    upstream(name, content)

    with pytest.raises(ValueError, match=complaint):
        hw_help._fbnet()

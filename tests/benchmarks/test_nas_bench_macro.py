import json

import numpy as np
import pytest

from zsnas.benchmarks import benchmark, nas_bench_macro
from zsnas.counting import counts
from zsnas.sources import fetch
from zsnas.spaces import space

NAME = "nas-bench-macro/cifar10"
RUNS = ["test_accuracy_run_1", "test_accuracy_run_2", "test_accuracy_run_3"]


@pytest.fixture
def records():
    return json.loads(fetch(NAME).read_bytes())


@pytest.mark.mirror
def test_every_architecture_has_three_runs(records):
    bench = benchmark(NAME)
    assert list(bench.table.columns) == ["arch", "test_accuracy", *RUNS]
    assert tuple(bench.table["arch"]) == space("nas-bench-macro").architectures
    runs = bench.table[RUNS].to_numpy()
    assert np.abs(runs * 100 - np.rint(runs * 100)).max() < 1e-9  # shares of 10,000 test images
    upstream = [records[arch]["mean_acc"] for arch in bench.table["arch"]]
    assert np.abs(bench.table["test_accuracy"] - upstream).max() < 1e-4
    assert (bench.batch, bench.unit, bench.metric) == ("cifar10", "%", "test_accuracy")
    assert "Apache-2.0" in bench.cite()


@pytest.mark.mirror
def test_the_networks_have_the_parameters_and_macs_that_the_source_states(records):
    table = counts(10, 32, "nas-bench-macro")
    assert table["params"].tolist() == [records[arch]["params"] for arch in table["arch"]]
    assert table["flops"].tolist() == [records[arch]["flops"] for arch in table["arch"]]


@pytest.mark.mirror
def test_a_source_of_other_architectures_is_refused(tmp_path, monkeypatch, records):
    del records["00000000"]
    (tmp_path / "records.json").write_text(json.dumps(records))
    monkeypatch.setattr(nas_bench_macro, "_table", nas_bench_macro._table.__wrapped__)
    monkeypatch.setattr(nas_bench_macro, "fetch", lambda _: tmp_path / "records.json")
    with pytest.raises(ValueError, match="has other architectures than the 6,561; fetch it again"):
        benchmark(NAME)

import pandas as pd
from command_line import run

import zsnas.benchmarks
from zsnas.scores.sweep import visited


def test_latency_measures_a_few_and_resumes(capsys, tmp_path):
    table = tmp_path / "kernels.parquet"
    status, output, _ = run(
        capsys, "latency", "kernels", "--limit", "2", "--table", str(table), "--no-progress"
    )
    assert (status, output) == (0, f"2 latencies are in {table}\n")
    first = pd.read_parquet(table)

    assert run(capsys, "latency", "kernels", "--limit", "3", "--table", str(table), "--no-progress")[0] == 0
    longer = pd.read_parquet(table)

    assert list(longer["latency_ms"][:2]) == list(first["latency_ms"])
    assert len(longer) == 3
    assert (longer["latency_ms"] > 0).all()


def test_latency_of_a_network_is_that_of_its_space(capsys, tmp_path):
    table = tmp_path / "cells.parquet"
    options = ["--limit", "1", "--table", str(table), "--no-progress"]

    assert run(capsys, "latency", "nb201-analog/cifar10", *options)[0] == 0
    assert list(pd.read_parquet(table)["arch"]) == visited(
        zsnas.benchmarks.benchmark("nb201-analog/cifar10"), 1
    )

import re

from command_line import run

import zsnas.benchmarks
from zsnas.sources import SourceUnavailable


def test_benchmarks_are_listed(capsys):
    status, output, _ = run(capsys, "benchmarks", "nb201*/cifar10")
    assert status == 0
    assert [re.split(r"  +", line)[0] for line in output.splitlines()] == [
        "name",
        "nb201-analog/cifar10",
        "nb201-robust/cifar10",
        "nb201/cifar10",
    ]
    assert "NAS-Bench-201: 15,625 cells" in output.splitlines()[3]


def test_benchmarks_in_detail(capsys):
    status, output, _ = run(capsys, "benchmarks", "nb201-analog/*", "--details")
    assert status == 0
    assert re.split(r"  +", output.splitlines()[1])[:5] == [
        "nb201-analog/cifar10",
        "15625",
        "94.07 %",
        "nb201",
        "cifar10",
    ]


def test_a_benchmark_that_is_unavailable_does_not_hide_the_others(capsys, monkeypatch):
    def unavailable(_):
        raise SourceUnavailable("not here")

    monkeypatch.setattr(zsnas.benchmarks, "benchmark", unavailable)
    status, output, _ = run(capsys, "benchmarks", "--details")
    assert status == 0
    assert output.count("unavailable: zsnas data fetch") == len(zsnas.list_benchmarks())

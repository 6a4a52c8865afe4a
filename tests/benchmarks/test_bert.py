import json

import pytest

from zsnas.benchmarks import benchmark
from zsnas.benchmarks.bert import TASKS
from zsnas.sources import fetch
from zsnas.spaces import space
from zsnas.spaces.flexibert import as_trained, described, write

pytestmark = pytest.mark.mirror


def records():
    return json.loads(fetch("nas-bench-bert/glue").read_bytes())


# From the first record of the file; (42.69 + 72.57 + 81.62 + 82.96 + 86.9 + 62.82 + 83.72 + 84.59) / 8.
def test_scores_are_those_of_their_record():
    row = benchmark("bert/glue").table.iloc[0]
    assert row[list(TASKS)].tolist() == [42.69, 72.57, 81.62, 82.96, 86.9, 62.82, 83.72, 84.59]
    assert row["glue"] == pytest.approx(597.87 / 8)


@pytest.mark.parametrize(("name", "count", "most"), [("bert/glue", 491, 2), ("bert/glue-trained", 301, 12)])
def test_rows_of_one_network_are_averaged(name, count, most):
    bench = benchmark(name)
    assert tuple(bench.table["arch"]) == space(bench.space).architectures
    assert len(bench.table) == count
    assert bench.table["runs"].sum() == 500
    assert bench.table["runs"].max() == most
    assert (bench.table["glue"] - bench.table[list(TASKS)].mean(axis=1)).abs().max() < 1e-9


def test_a_mean_is_over_all_rows_of_a_network():
    table = benchmark("bert/glue-trained").table.set_index("arch")
    arch = table["runs"].idxmax()
    same = [record["scores"]["glue"] for record in records() if as_trained(write(described(record))) == arch]
    assert len(same) == 12
    assert table.loc[arch, "glue"] == pytest.approx(sum(same) / 12)


def test_it_says_where_it_is_from():
    bench = benchmark("bert/glue")
    assert "Serianni" in bench.cite()
    assert "CC-BY-4.0" in bench.cite()

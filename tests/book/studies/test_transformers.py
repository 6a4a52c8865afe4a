import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import transformers

ARCHS = [f"{16 * width}-m4-d1.{depth}.1-h2.2.2" for width in (1, 2) for depth in (1, 2, 3)]


@pytest.fixture(scope="module")
def table():
    return transformers.shapes("vitbench-pit", ARCHS, 10)


def test_shapes_are_those_of_the_blocks(table):
    assert list(table.columns) == [*transformers.COUNTS, *transformers.SHAPES]
    last = table.loc["32-m4-d1.3.1-h2.2.2"]
    assert last[["channels", "depth", "expansion", "heads"]].tolist() == [64, 5, 4, 2]
    assert table["params"].is_monotonic_increasing


# Plain accuracy follows #Params, distilled accuracy the depth; both widths have the same depths.
def test_counts_and_shapes_meet_each_training(table):
    accuracies = {"plain_accuracy": table["params"] * 1.0, "distilled_accuracy": table["depth"] * 1.0}
    bench = Benchmark(
        "toy", pd.DataFrame(accuracies).reset_index(), "vitbench-pit", "cifar10", "none", "none"
    )
    found = transformers.correlated(bench, table, resamples=20, seed=0).set_index(["training", "feature"])
    assert found.loc[("plain", "params"), "value"] == 1
    assert found.loc[("distilled", "depth"), "value"] == 1
    assert found.loc[("distilled", "depth"), "partial"] == pytest.approx(1)
    assert np.isnan(found.loc[("plain", "depth"), "partial"])  # nothing is left at fixed #Params
    assert set(found["n"]) == {6}

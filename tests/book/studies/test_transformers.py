import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import transformers

ARCHS = [f"{16 * width}-m4-d1.{depth}.1-h2.2.2" for width in (1, 2) for depth in range(1, 7)]


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
    assert set(found["n"]) == {12}


@pytest.mark.parametrize("count", [6, 12])
def test_few_networks_have_no_interval_and_say_nothing(table, count):
    some = table.head(count)
    accuracies = {"plain_accuracy": -some["params"], "distilled_accuracy": some["depth"] * 1.0}
    accuracies["test_accuracy"] = accuracies["distilled_accuracy"]
    bench = Benchmark(
        "toy", pd.DataFrame(accuracies).reset_index(), "vitbench-pit", "cifar10", "none", "none"
    )
    found = transformers.correlated(bench, some, resamples=20, seed=0)
    has_enough = count >= 10
    assert found.query("feature == 'params'")["low"].notna().all() == has_enough
    assert found["partial"].notna().any() == has_enough
    said = transformers.answer(found.assign(benchmark="PiT, toys"))
    assert ("below 0 in 1, from −1.00" in said and "(PiT, toys, plain) to" in said) == has_enough
    assert ("say nothing" in said) != has_enough
    scores = some[["params"]].assign(snip=some["depth"]).reset_index()
    left = transformers.at_equal_size(bench, scores, ["params", "snip"])
    assert np.isnan(left["params"])
    assert np.isnan(left["snip"]) != has_enough

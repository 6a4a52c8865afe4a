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


def toy(count=60, sign=1.0):
    """Return networks whose accuracy is a sum of their size and of something else, which the proxy is."""
    generator = np.random.default_rng(0)
    params, other = generator.normal(size=(2, count))
    truth = pd.DataFrame({"arch": list(map(str, range(count))), "distilled_accuracy": params + 2 * other})
    bench = Benchmark("toy", truth, "vitbench-pit", "cifar10", "none", "none", metric="distilled_accuracy")
    return bench, truth[["arch"]].assign(seed=0, params=params, dss=sign * other)


def test_what_is_left_at_equal_size_is_oriented_and_the_shape_can_be_fixed_too():
    bench, scores = toy()
    scores = scores.assign(ntk_cond=-scores["dss"])  # of which lower is better
    left = transformers.at_equal_size(bench, scores, ["params", "dss", "ntk_cond"])
    assert left["ntk_cond"] == left["dss"] > 0.9
    shape = scores.set_index("arch")[["dss"]].rename(columns={"dss": "depth"})
    assert np.isnan(transformers.at_equal_size(bench, scores, ["dss"], shape)["dss"])  # depth explains it all


def test_a_proxy_that_knows_more_than_the_size():
    bench, scores = toy()
    found = transformers.beside_size(bench, scores, "dss", resamples=50, seed=0)
    assert found["kt"] > 0.5 > found["kt_params"]
    assert found["kt_params"] + found["difference"] == pytest.approx(found["kt"])
    assert found["difference_low"] > 0
    assert found["partial_low"] > 0.9
    said = transformers.says("DSS", {"PiT": found})
    assert said.startswith(f"Among PiTs DSS ranks better than #Params: τ is {found['kt']:.2f} against ")
    assert "At equal #Params it says something that the size does not (ρ = 0.9" in said


def test_a_proxy_that_points_the_wrong_way():
    found = transformers.beside_size(*toy(sign=-1), "dss", resamples=50, seed=0)
    said = transformers.says("DSS", {"PiT": found, "AutoFormer": {"n": 3}})
    assert "ranks worse than #Params: τ is −0." in said
    assert "it points the wrong way (ρ = −0.9" in said
    assert "AutoFormer" not in said


def test_few_scores_or_none_are_said_to_be_missing():
    bench, scores = toy()
    for some in (scores.drop(columns="dss"), scores.head(6), scores.assign(dss=np.nan)):
        found = transformers.beside_size(bench, some, "dss", resamples=20, seed=0)
        assert found.keys() == {"n"}
        assert (
            transformers.says("DSS", {"PiT": found}) == "DSS has no scores yet of enough of these networks."
        )


def test_parts_of_az_nas_are_combined_where_a_transformer_has_them():
    _, scores = toy()
    parts = dict.fromkeys(["az_expressivity", "az_trainability", "az_complexity"], scores["params"])
    scores = scores.assign(az_progressivity=np.nan, **parts)
    scores.loc[0, "az_trainability"] = np.nan
    found = transformers.combined(scores)
    assert len(found) == len(scores) - 1
    assert found["az_nas"].rank().tolist() == found["params"].rank().tolist()
    assert (
        transformers.combined(scores.drop(columns="az_complexity")).columns.tolist()[-1] == "az_trainability"
    )
    assert transformers.combined(scores.assign(az_expressivity=np.nan)).empty


def test_only_what_every_benchmark_has_is_asked_for():
    known = ["vitbench/pit-cifar100", "vitbench/autoformer-cifar100"]
    assert transformers.published(["zico", "nobody", "params"], known) == ["zico", "params"]

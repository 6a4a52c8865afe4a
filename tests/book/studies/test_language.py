import random

import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import language, transformers
from zsnas.spaces import flexibert
from zsnas.spaces.flexibert import Layer, Plan, plan, write

OF_GLUE = ["glue", language.HOURS]
READ, OPERATIONS, DROPPED = (part.words for part in language.PARTS)


def drawn(count):
    rng = random.Random(0)
    for _ in range(count):
        layers = [
            Layer(
                rng.choice([*flexibert.OPERATIONS.values()]),
                rng.choice([2, 4]),
                (rng.choice([512, 1024]),) * rng.choice([1, 3]),
            )
            for _ in range(rng.choice([2, 4]))
        ]
        yield Plan(rng.choice([128, 256]), tuple(layers))


def trainings(count, glue, hours, seed=0):
    plans = list(drawn(count))
    noise = np.random.default_rng(seed).normal(size=(2, count))
    return pd.DataFrame(
        {
            "arch": [write(plan) for plan in plans],
            "channels": [plan.channels for plan in plans],
            "depth": [len(plan.layers) for plan in plans],
            "glue": [glue(plan) for plan in plans] + noise[0],
            language.HOURS: [hours(plan) for plan in plans] + noise[1],
        }
    )


@pytest.fixture(scope="module")
def parts():
    """Scores follow the heads, hours the operations, each with noise of variance 1."""
    table = trainings(
        300,
        lambda plan: 10 * plan.channels / 128 + 6 * sum(layer.heads == 4 for layer in plan.layers),
        lambda plan: 6 * sum(layer.operation == "dft" for layer in plan.layers),
    )
    return language.explained(table, OF_GLUE, shuffles=40, seed=0)


def test_what_matters_explains_more_than_its_shuffles(parts):
    assert parts.loc[("glue", READ), "share"] > 0.25
    assert parts.loc[("glue", READ), "p"] == pytest.approx(1 / 41)
    assert parts.loc[(language.HOURS, OPERATIONS), "share"] > 0.5
    assert parts.loc[(language.HOURS, OPERATIONS), "p"] == pytest.approx(1 / 41)


def test_what_does_not_matter_explains_as_much_as_its_shuffles(parts):
    for where in (("glue", OPERATIONS), ("glue", DROPPED), (language.HOURS, READ), (language.HOURS, DROPPED)):
        assert parts.loc[where, "p"] > 0.05
        assert parts.loc[where, "share"] < 2 * parts.loc[where, "shuffled"]


# 6 times the layers of four heads, of n layers, has the variance 36 · n / 4 about a mean of 3 n.
def test_shapes_explain_their_share(parts):
    alone = np.var([10 * c + 3 * n for c in (1, 2) for n in (2, 4)])
    within = np.mean([36 * n / 4 for n in (2, 4)])
    expected = alone / (alone + within + 1)
    assert parts.loc[("glue", language.GROUP), "share"] == pytest.approx(expected, abs=0.05)


def test_the_sentence_says_whether_operations_show(parts):
    assert language.operations(parts).startswith("They do show: the operations explain ")
    table = trainings(260, lambda plan: plan.channels, lambda plan: len(plan.layers), seed=1)
    nothing = language.explained(table, OF_GLUE, shuffles=40, seed=0)
    assert language.operations(nothing).startswith("They show in neither")
    few = language.explained(table.head(4), OF_GLUE, shuffles=2, seed=0)
    assert few.isna().all(axis=None)
    assert "cannot tell" in language.operations(few)
    assert " explain " in language.trained(parts)
    assert " explain " not in language.trained(few)


def test_three_readings_of_a_size():
    described = ["128:dft-h2-f512", "256:dft-h2-f1024", "128:wma-h2-f1024"]
    sizes = language.sizes(pd.DataFrame({"arch": described})).to_numpy()
    published, as_described, as_trained = sizes.T
    assert published[0] == published[1] == as_described[1]  # both become the second
    assert as_trained[0] == as_trained[2] < as_trained[1]
    assert len(set(as_described)) == 3


def test_a_rank_correlation_has_an_interval_where_there_are_enough():
    truth = pd.Series(range(12), dtype=float)
    columns = pd.DataFrame({"same": truth, "reversed": -truth})
    found = transformers.ranked(truth, columns, resamples=20, seed=0)
    assert found["value"].tolist() == [1, -1]
    assert found["low"].notna().all()
    assert transformers.ranked(truth[:5], columns[:5], resamples=20, seed=0)["low"].isna().all()


def test_what_is_left_at_equal_size_and_shape():
    table = trainings(40, lambda _plan: 0, lambda _plan: 0).drop_duplicates("arch")
    plans = [plan(arch) for arch in table["arch"]]
    heads = np.array([sum(layer.heads for layer in plan.layers) for plan in plans], dtype=float)
    channels = table["channels"].to_numpy(dtype=float)
    bench = Benchmark("toy", table[["arch"]].assign(glue=channels + heads), "", "", "none", "none", "glue")
    columns = {"params": np.random.default_rng(1).random(len(table)), "snip": channels, "synflow": heads}
    scores = table[["arch"]].assign(**columns)
    left = language.beyond_size(bench, scores, [*columns])
    assert left.loc["params"].isna().all()
    first, last = left.columns
    assert left.loc["snip", first] > 0.8
    assert np.isnan(left.loc["snip", last])  # which channels explain entirely
    assert left.loc["synflow", last] > 0.3
    assert language.beyond_size(bench, scores.head(4), [*columns]).isna().all(axis=None)


def test_the_answer_names_what_is_highest_and_what_is_left():
    rows = {"params": (0.5, 0.4, 0.6), "snip": (0.7, 0.65, 0.75), "zico": (0.6, 0.5, 0.7)}
    ranks = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"]).assign(n=12)
    left = pd.DataFrame({"size": [np.nan, 0.1, 0.2], "shape": [np.nan, -0.3, 0.2]}, list(rows))
    said = language.answer(ranks, left)
    assert (
        "is 0.50 [0.40,\N{NO-BREAK SPACE}0.60] over 12 networks. The highest is that of SNIP, "
        "0.70 [0.65,\N{NO-BREAK SPACE}0.75]; the two intervals do not overlap." in said
    )
    assert said.endswith("the best of the others, ZiCo, keeps a Spearman's ρ of 0.20.")
    assert "ZiCo, 0.60" in (near := language.answer(ranks.drop("snip"), left))
    assert "the two intervals overlap" in near
    assert "No other proxy has a higher one" in language.answer(ranks.drop(["snip", "zico"]), left)
    assert "say nothing" in language.answer(ranks.head(0), left)


@pytest.mark.mirror
def test_trainings_are_the_rows_of_the_file():
    table = language.trainings(3)
    assert table["glue"].tolist() == [74.73375, 73.455, 69.83]
    assert table["arch"].tolist() == list(flexibert.FlexiBERT().architectures[:3])
    assert table[language.HOURS].iloc[0] == pytest.approx(3399.7233786582947 / 3600)
    assert len(language.trainings()) == 500

"""Two proxies, subsets or kinds of images compared: by hand, and against correlations."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from toy_scores import make_bench, make_scores, pick, stratified_sample

from zsnas.statistics import agreement, correlations, differences, kendall, paired


def test_differences_are_those_of_the_correlations():
    accuracy, score, rows, _ = stratified_sample(3)
    bench, scores = make_bench(accuracy), make_scores(score[rows], rows)
    scores["other"] = scores["up"] + np.random.default_rng(5).normal(size=len(scores))
    table = correlations(bench, scores, resamples=0)
    contrasts = differences(bench, scores, resamples=0, reference="up").set_index(
        ["proxy", "statistic", "contrast"]
    )["value"]
    for statistic in ("KT", "SPR"):
        over_all = {name: pick(table, statistic, proxy=name)["value"] for name in ("up", "other")}
        top = pick(table, statistic, "top", "other")["value"]
        assert contrasts["other", statistic, "reference"] == pytest.approx(over_all["other"] - over_all["up"])
        assert contrasts["other", statistic, "top"] == pytest.approx(top - over_all["other"])
        assert contrasts["up", statistic, "reference"] == 0


def test_a_difference_of_equal_rankings_has_no_width():
    accuracy, score, rows, _ = stratified_sample(3)
    scores = make_scores(score[rows], rows).assign(other=lambda table: 2 * table["up"])
    row = differences(make_bench(accuracy), scores, resamples=20, reference="up").set_index(
        ["proxy", "statistic", "contrast"]
    )
    assert row.loc[("other", "KT", "reference"), ["value", "low", "high"]].tolist() == [0, 0, 0]
    low, high = row.loc[("other", "KT", "top"), ["low", "high"]]
    assert low < high


def test_the_reference_of_differences_has_to_be_scored():
    with pytest.raises(ValueError, match="no proxy 'down'"):
        differences(make_bench([1, 2]), make_scores([1, 2]), reference="down")


def absent(scores, name, rows, reason="no layers"):
    """Take scores away, with the reason that they are undefined."""
    scores = scores.assign(reasons=scores.get("reasons"))
    scores.loc[rows, name] = np.nan
    scores.loc[rows, "reasons"] = json.dumps({name: reason})
    return scores


@pytest.mark.parametrize("lacking", ["up", "other"])
def test_a_difference_is_over_the_architectures_that_both_have(lacking):
    """Whichever of the two lacks scores, both are correlated without these architectures."""
    rng = np.random.default_rng(2)
    accuracy, score, other = rng.normal(size=(3, 60))
    scores = absent(make_scores(score).assign(other=other), lacking, range(20))
    table = differences(make_bench(accuracy), scores, reference="up", resamples=50, sampled_top=1.0)
    row = table[(table["proxy"] == "other") & (table["contrast"] == "reference")].iloc[0]
    assert row["minuend"] == pytest.approx(kendall(other[20:], accuracy[20:]))
    assert row["subtrahend"] == pytest.approx(kendall(score[20:], accuracy[20:]))
    assert row["value"] == pytest.approx(row["minuend"] - row["subtrahend"])
    assert (row["n"], row["missing"]) == (40, 20)


def test_a_difference_leaves_out_what_was_measured_of_one_only():
    rng = np.random.default_rng(3)
    accuracy, score, other = rng.normal(size=(3, 60))
    scores = absent(
        make_scores(score).assign(other=other), "other", range(20), reason="not measured: no memory"
    )
    table = differences(make_bench(accuracy), scores, reference="up", resamples=0, sampled_top=1.0)
    row = table[(table["proxy"] == "other") & (table["contrast"] == "reference")].iloc[0]
    assert row["subtrahend"] == pytest.approx(kendall(score[20:], accuracy[20:]))
    assert (row["n"], row["missing"]) == (40, 0)


def test_a_difference_and_a_pair_say_the_same(pair):
    bench, scores = pair
    scores = pd.concat([scores, scores.assign(seed=1, up=-scores["up"])], ignore_index=True)
    scores = absent(absent(scores, "other", range(50)), "up", range(230, 260))
    table = differences(bench, scores, reference="up", resamples=60)
    row = table[(table["proxy"] == "other") & (table["contrast"] == "reference")].iloc[0]
    same = compared(bench, scores, resamples=60)
    columns = {"value": "difference", "low": "difference_low", "high": "difference_high"}
    columns |= {"minuend": "kt", "minuend_low": "kt_low", "minuend_high": "kt_high"}
    columns |= {"subtrahend": "reference_kt", "n": "n", "missing": "missing"}
    assert row[list(columns)].tolist() == pytest.approx(same[list(columns.values())].tolist())


def test_the_contrast_of_the_top_is_of_the_proxy_alone(pair):
    bench, scores = pair
    scores = absent(scores, "up", range(100))
    table = differences(bench, scores, proxies=["other"], reference="up", resamples=0)
    row = table[table["contrast"] == "top"].iloc[0]
    top = scores.tail(10)
    assert row["minuend"] == pytest.approx(kendall(top["other"], top.index))
    assert row["subtrahend"] == pytest.approx(kendall(scores["other"], scores.index))
    assert (row["n"], row["missing"]) == (10, 0)


# Pairs of proxies


def compared(bench, scores, subset="all", proxy="other", reference="up", resamples=100):
    table = paired(bench, scores, proxy, reference, resamples=resamples).set_index("subset")
    assert list(table.index) == ["all", "top"]
    return table.loc[subset]


@pytest.fixture
def pair():
    """A benchmark of 200, and scores of which "up" is closer to accuracy than "other"."""
    rng = np.random.default_rng(13)
    scores = make_scores(np.arange(200) + rng.normal(0, 60, 200))
    return make_bench(range(200)), scores.assign(other=scores["up"] + rng.normal(0, 5, 200))


def test_a_pair_in_the_same_order_agrees_and_makes_no_difference(pair):
    bench, scores = pair
    row = compared(bench, scores.assign(other=2 * scores["up"]))
    assert row[["agreement", "agreement_low", "agreement_high"]].tolist() == [1, 1, 1]
    assert row[["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]
    assert (row["n"], row["missing"]) == (200, 0)


def test_a_pair_in_opposite_order_disagrees_and_turns_the_correlation_round(pair):
    bench, scores = pair
    row = compared(bench, scores.assign(other=-scores["up"]))
    assert row["agreement"] == -1
    assert row["kt"] == pytest.approx(-row["reference_kt"])
    assert row["difference"] == pytest.approx(-2 * row["reference_kt"])


@pytest.mark.parametrize("subset", ["all", "top"])
def test_the_correlations_of_a_pair_are_the_usual_ones(pair, subset):
    usual = correlations(*pair, resamples=100)
    row = compared(*pair, subset)
    for column, proxy in (("kt", "other"), ("reference_kt", "up")):
        expected = pick(usual, "KT", subset, proxy)[["value", "low", "high"]].tolist()
        assert row[[column, f"{column}_low", f"{column}_high"]].tolist() == pytest.approx(expected)


def test_the_agreement_of_a_pair_is_kendalls_tau_of_the_scores_in_the_subset(pair):
    bench, scores = pair
    row, top = compared(bench, scores, "top"), scores.tail(10)
    assert row["agreement"] == pytest.approx(kendall(top["up"], top["other"]))
    assert row["n"] == 10


def test_the_agreement_of_a_pair_is_weighted(pair):
    bench, scores = pair
    sample = pd.concat([scores.head(190).iloc[::10], scores.tail(10)])
    weights = np.where(np.arange(29) < 19, 10.0, 1.0)
    row = compared(bench, sample)
    assert row["agreement"] == pytest.approx(kendall(sample["up"], sample["other"], weights))


def test_the_difference_of_a_pair_has_a_narrower_interval_than_its_parts(pair):
    row = compared(*pair)
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["difference_high"] - row["difference_low"] < 0.5 * (row["kt_high"] - row["kt_low"])
    assert row["agreement_low"] < row["agreement"] < row["agreement_high"]


def test_a_pair_is_read_in_its_directions(pair):
    bench, scores = pair
    row = compared(bench, scores.assign(down=-scores["other"]), proxy="down")
    assert row["agreement"] == pytest.approx(kendall(scores["up"], scores["other"]))
    assert row["kt"] == pytest.approx(kendall(scores["other"], range(200)))


def test_what_is_undefined_for_one_of_a_pair_is_left_out_of_both_and_counted(pair):
    bench, scores = pair
    scores = scores.assign(reasons=None)
    scores.loc[:49, "other"] = np.nan
    scores.loc[:49, "reasons"] = json.dumps({"other": "no layers"})
    kept = scores.tail(150)
    row = compared(bench, scores)
    assert (row["n"], row["missing"]) == (150, 50)
    # It was measured, so that the others stand for no more architectures than before: all weights are 1.
    assert row["reference_kt"] == pytest.approx(kendall(kept["up"], kept.index))
    assert row["agreement"] == pytest.approx(kendall(kept["up"], kept["other"]))


def test_what_was_measured_of_one_of_a_pair_only_does_not_count(pair):
    bench, scores = pair
    scores = scores.assign(reasons=None)
    scores.loc[:49, "other"] = np.nan
    kept = scores.tail(150)
    row = compared(bench, scores)
    assert (row["n"], row["missing"]) == (150, 0)
    weights = np.where(np.arange(150) < 140, 190 / 140, 1)
    assert row["reference_kt"] == pytest.approx(kendall(kept["up"], kept.index, weights))


def test_the_values_of_a_pair_are_means_over_the_seeds(pair):
    bench, scores = pair
    second = scores.assign(seed=1, up=-scores["up"])
    row = compared(bench, pd.concat([scores, second], ignore_index=True))
    assert row["agreement"] == pytest.approx(0)
    assert row["reference_kt"] == pytest.approx(0)
    assert row["kt"] == pytest.approx(kendall(scores["other"], range(200)))
    assert row["n"] == 200


@pytest.mark.parametrize("names", [("other", "up"), ("up", "other")])
def test_both_proxies_of_a_pair_have_to_be_scored(names):
    with pytest.raises(ValueError, match="no proxy 'other'"):
        paired(make_bench([1, 2]), make_scores([1, 2]), *names)


def test_the_architectures_of_a_pair_have_to_be_in_the_benchmark(pair):
    with pytest.raises(ValueError, match="not in toy"):
        paired(make_bench([1, 2]), pair[1], "other", "up")


def test_agreement_pairs_architectures_by_name_and_leaves_out_undefined_scores():
    first = make_scores([1, 2, 3, 4, math.nan])
    second = make_scores([9, 5, 30, 20, 10, 0], rows=[5, 0, 1, 3, 2, 4])

    found = agreement(first, second, ["up"], resamples=200).loc["up"]

    # a0 to a3: 1, 2, 3, 4 beside 5, 30, 10, 20: four of six pairs in the same order.
    assert found["n"] == 4
    assert found["value"] == pytest.approx((4 - 2) / 6)
    assert found["low"] < found["value"] < found["high"]


@pytest.mark.parametrize("second", [make_scores([math.nan, 2]), make_scores([1, 2], rows=[5, 6])])
def test_agreement_of_nothing_is_undefined(second):
    found = agreement(make_scores([1, math.nan]), second, resamples=20).loc["up"]
    assert found["n"] == 0
    assert found[["value", "low", "high"]].isna().all()


def test_agreement_is_of_one_seed():
    both = pd.concat([make_scores([1, 2]), make_scores([1, 2], seed=3)])
    with pytest.raises(ValueError, match="seeds 0, 3; compare those of one seed"):
        agreement(make_scores([1, 2]), both)


def test_differences_draw_from_the_strata_that_are_named():
    bench, scores = make_bench(range(40)), make_scores(np.random.default_rng(0).normal(size=40))
    scores["other"] = np.random.default_rng(1).normal(size=40)
    scores["down"] = 0.0
    (one, two) = (
        differences(bench, scores, proxies=["up"], reference="other", resamples=50, sampled_top=part)
        for part in (0.5, 1.0)
    )

    assert list(one["value"]) == list(two["value"])
    assert list(one["low"]) != list(two["low"])

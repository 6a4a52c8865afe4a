"""An interval holds the value that it belongs to, whatever is tied, undefined, missing or drawn."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from toy_scores import make_bench, make_scores, pick

from zsnas.statistics import (
    agreement,
    best_by_proxy,
    correlations,
    differences,
    paired,
    percentile_interval,
    ratio_correlations,
)

NOT_MEASURED, UNDEFINED, EXCEEDS = "not measured: no memory", "no layers", "it exceeds float64"
SCORES = st.sampled_from([0.0, 0.0, 1.0, 2.0, -math.inf, math.inf, UNDEFINED, EXCEEDS, NOT_MEASURED])


@st.composite
def tables(draw):
    """Draw a benchmark and scores of it: few of them, with ties, and in every way absent."""
    n = draw(st.integers(1, 12))
    bench = make_bench(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    rows = [
        (arch, seed, *(draw(SCORES) for _ in ("up", "down")))
        for seed in range(draw(st.integers(1, 3)))
        for arch in bench.table["arch"]
        if draw(st.integers(0, 4))
    ]
    assume(rows)
    table = pd.DataFrame(rows, columns=["arch", "seed", "up", "down"])
    why = [
        {name: row[name] for name in ("up", "down") if isinstance(row[name], str)}
        for _, row in table.iterrows()
    ]
    table["reasons"] = pd.Series([json.dumps(found) if found else None for found in why], dtype=object)
    numbers = {name: pd.to_numeric(table[name], errors="coerce").astype(float) for name in ("up", "down")}
    return bench, table.assign(**numbers)


ENDS = {
    "value": ("low", "high"),
    "value_with_undefined": ("low_with_undefined", "high_with_undefined"),
    "minuend": ("minuend_low", "minuend_high"),
    **{name: (f"{name}_low", f"{name}_high") for name in ("agreement", "kt", "reference_kt", "difference")},
    "test_accuracy": ("low", "high"),
    "rank": ("rank_low", "rank_high"),
}
KEYWORDS = st.fixed_dictionaries({"resamples": st.sampled_from([1, 2, 40]), "seed": st.integers(0, 3)})


def check(table, places=1e-12):
    """Check that there is an interval where there is a value, and that it holds the value."""
    checked = [column for column in ENDS if column in table.columns]
    assert checked
    for column in checked:
        value, low, high = (table[name].to_numpy(float) for name in (column, *ENDS[column]))
        assert (np.isnan(value) == np.isnan(low)).all()
        assert (np.isnan(value) == np.isnan(high)).all()
        known = ~np.isnan(value)
        assert (low[known] <= value[known] + places).all()
        assert (value[known] <= high[known] + places).all()
        if column not in {"test_accuracy", "rank"}:
            of_two = column == "difference" or (column == "value" and "contrast" in table.columns)
            assert (np.abs([low[known], high[known]]) <= 1 + of_two + places).all()


def found(statistic, *arguments, **how):
    """Return the table of a statistic; a sample that says nothing about a subset has a test of its own."""
    try:
        return statistic(*arguments, **how)
    except ValueError:
        reject()


@settings(deadline=None, derandomize=True, max_examples=30)
@given(tables(), KEYWORDS, st.sampled_from([0.05, 0.3, 1.0]), st.sampled_from([0.05, 0.5, 1.0]))
def test_intervals_of_correlations_hold_the_value(drawn, how, top, sampled_top):
    check(found(correlations, *drawn, top=top, sampled_top=sampled_top, **how))
    check(found(ratio_correlations, *drawn, ratios=[top, 1.0], sampled_top=sampled_top, **how))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(tables(), KEYWORDS, st.sampled_from([0.05, 0.3, 1.0]), st.sampled_from([0.05, 0.5, 1.0]))
def test_intervals_of_differences_hold_the_value(drawn, how, top, sampled_top):
    check(found(differences, *drawn, top=top, reference="up", sampled_top=sampled_top, **how))
    check(found(paired, *drawn, "down", "up", top=top, **how))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(tables(), KEYWORDS)
def test_intervals_of_first_places_and_agreement_hold_the_value(drawn, how):
    bench, scores = drawn
    if len(best := best_by_proxy(bench, scores)):
        check(best)
    check(agreement(scores[scores["seed"] == 0], scores[scores["seed"] == scores["seed"].max()], **how))


def test_what_a_resample_cannot_tell_counts_at_both_ends():
    """Of 40 equal scores but for one, 36 % of the resamples have that one not: nothing is known."""
    score, accuracy = np.zeros(40), np.arange(40.0)
    score[25] = 1
    row = pick(correlations(make_bench(accuracy), make_scores(score), sampled_top=1.0))
    assert row.value == pytest.approx(scipy.stats.kendalltau(score, accuracy).statistic)
    assert (row.low, row.high) == (-1, 1)


def test_the_interval_with_undefined_resamples_is_that_of_repeated_rows():
    """Three of 60 scores are not like the others: some 5 % of the resamples lack them."""
    rng = np.random.default_rng(1)
    accuracy, score = rng.normal(size=60), np.zeros(60)
    score[[3, 30, 50]] = 1, 2, 2
    row = pick(correlations(make_bench(accuracy), make_scores(score), resamples=400, seed=5, sampled_top=1.0))
    drawn = np.random.default_rng(5).multinomial(60, np.full(60, 1 / 60), size=400)
    plain = np.array(
        [
            scipy.stats.kendalltau(np.repeat(score, times), np.repeat(accuracy, times)).statistic
            for times in drawn
        ]
    )
    assert 0.02 < np.isnan(plain).mean() < 0.1
    low, high = (np.where(np.isnan(plain), extreme, plain) for extreme in (-1, 1))
    assert (row.low, row.high) == pytest.approx((np.quantile(low, 0.025), np.quantile(high, 0.975)))


def test_a_seed_that_a_resample_cannot_tell_does_not_leave_the_mean():
    """The first seed ranks backwards but has two values only; the mean is 0 with it, and 1 without."""
    accuracy = np.arange(30.0)
    backwards = np.where(accuracy < 1, 1.0, 0.0)
    scores = pd.concat([make_scores(backwards), make_scores(accuracy, seed=1)])
    row = pick(correlations(make_bench(accuracy), scores, sampled_top=1.0))
    alone = scipy.stats.kendalltau(backwards, accuracy).statistic
    assert row.value == pytest.approx((alone + 1) / 2)
    assert row.low == pytest.approx(0)  # (-1 + 1) / 2
    assert row.high == pytest.approx(1)


def test_a_seed_that_the_sample_cannot_tell_is_left_out_of_every_resample():
    accuracy = np.arange(30.0)
    scores = pd.concat([make_scores(np.zeros(30)), make_scores(accuracy, seed=1)])
    row = pick(correlations(make_bench(accuracy), scores, sampled_top=1.0))
    assert (row.value, row.low, row.high, row.seeds) == pytest.approx((1, 1, 1, 1))


def test_an_interval_reaches_to_what_no_resample_has():
    assert percentile_interval(9.0, np.arange(5.0)) == {"low": pytest.approx(0.1), "high": 9}
    assert percentile_interval(-9.0, np.arange(5.0)) == {"low": -9, "high": pytest.approx(3.9)}


@pytest.mark.parametrize(("value", "resampled"), [(1.0, []), (math.nan, [1.0]), (1.0, [1.0, math.nan])])
def test_without_a_value_in_every_resample_there_is_no_interval(value, resampled):
    assert all(map(math.isnan, percentile_interval(value, np.array(resampled)).values()))


def test_one_bad_architecture_of_many_in_the_first_place_is_in_the_interval():
    """The mean over the ties is 59.8; 2.5 % from below stands 60. The mean rank is 2 and a quarter."""
    accuracy = [*[60.0] * 199, 20.0, 90.0]
    row = best_by_proxy(make_bench(accuracy), make_scores([*[1] * 200, 0])).iloc[0]
    assert (row.low, row.test_accuracy, row.high) == (59.8, 59.8, 60)
    assert (row.rank_low, row["rank"]) == (2, (199 * 2 + 201) / 200)
    assert row.rank_high >= row["rank"]

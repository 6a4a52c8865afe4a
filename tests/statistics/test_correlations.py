"""Correlations over samples: against scipy, by hand, and on simulated data."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from toy_scores import make_bench, make_scores, pick, stratified_sample

import zsnas
from zsnas.statistics import (
    RATIOS,
    best_by_proxy,
    correlations,
    differences,
    kendall,
    ratio_correlations,
    spearman,
    top_architectures,
)
from zsnas.statistics._bootstrap import Sample

# Top architectures


def test_top_is_a_fraction_of_the_benchmark_best_first():
    assert list(top_architectures(make_bench([5, 9, 7, 8, 6]), 0.4)) == ["a1", "a3"]
    assert list(top_architectures(make_bench([5, 9, 7, 8, 6]), 0.5)) == ["a1", "a3", "a2"]
    assert len(top_architectures(make_bench(range(100)), 0.07)) == 7
    assert len(top_architectures(make_bench(range(15_625)), 0.05)) == 782


def test_ties_at_the_cut_are_kept():
    assert list(top_architectures(make_bench([1, 3, 2, 2, 2]), 0.4)) == ["a1", "a2", "a3", "a4"]


@pytest.mark.parametrize("fraction", [0, 1.01, -0.1, math.nan])
def test_impossible_fraction(fraction):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        top_architectures(make_bench([1, 2]), fraction)


# Correlations


def test_table_of_complete_scores_equals_scipy():
    rng = np.random.default_rng(0)
    accuracy, score = rng.normal(size=(2, 200))
    table = correlations(make_bench(accuracy), make_scores(score), top=0.1, resamples=20)
    assert list(table.columns) == [
        *("proxy", "statistic", "subset", "value", "low", "high", "seed_sd", "seeds", "n", "missing"),
        *("value_with_undefined", "low_with_undefined", "high_with_undefined"),
    ]
    best = np.argsort(accuracy)[-20:]
    for subset, rows, n in (("all", slice(None), 200), ("top", best, 20)):
        kt = pick(table, "KT", subset)
        assert kt.value == pytest.approx(scipy.stats.kendalltau(score[rows], accuracy[rows]).statistic)
        spr = pick(table, "SPR", subset)
        assert spr.value == pytest.approx(scipy.stats.spearmanr(score[rows], accuracy[rows]).statistic)
        assert (kt.n, kt.missing, kt.seeds) == (n, 0, 1)
        assert kt.low < kt.value < kt.high
        assert math.isnan(kt.seed_sd)


def test_sign_comes_from_the_metadata():
    scores = make_scores(range(40)).assign(down=lambda frame: frame["up"])
    table = correlations(make_bench(range(40)), scores, resamples=20)
    assert pick(table, proxy="up").value == 1
    down = pick(table, proxy="down")
    assert (down.value, down.low, down.high) == pytest.approx((-1, -1, -1))


def test_the_direction_changes_nothing_but_the_sign():
    rng = np.random.default_rng(1)
    scores = make_scores(rng.normal(size=60)).assign(down=lambda frame: -frame["up"])
    table = correlations(make_bench(rng.normal(size=60)), scores, resamples=50)
    up, down = (table[table["proxy"] == name].drop(columns="proxy") for name in ("up", "down"))
    pd.testing.assert_frame_equal(up.reset_index(drop=True), down.reset_index(drop=True))


def test_nan_is_left_out_and_counted():
    rng = np.random.default_rng(2)
    accuracy, score = rng.normal(size=(2, 50))
    score[[3, 4, np.argmax(accuracy)]] = np.nan
    table = correlations(make_bench(accuracy), make_scores(score), top=0.2, resamples=0)
    known = ~np.isnan(score)
    assert pick(table).value == pytest.approx(scipy.stats.kendalltau(score[known], accuracy[known]).statistic)
    assert (pick(table).n, pick(table).missing) == (47, 3)
    top = pick(table, subset="top")
    assert top.n + top.missing == 10
    assert top.missing >= 1


def test_scores_that_were_never_computed_are_not_missing():
    accuracy = np.arange(20.0)
    scores = make_scores([np.nan, np.nan, np.nan, *range(17)])
    reasons = {"up": "constant"}, {"down": "other"}, {"up": "not measured: no memory"}
    scores["reasons"] = [*map(json.dumps, reasons), *[None] * 17]
    assert pick(correlations(make_bench(accuracy), scores, resamples=0)).missing == 1


@pytest.mark.parametrize(("proxy", "sign"), [("up", 1), ("down", -1)])
def test_undefined_scores_can_be_ranked_last(proxy, sign):
    """Behind 1 and 2, the ranks are 0, 1, 2, 0: three pairs in order, two not, one tied."""
    scores = make_scores([np.nan, sign * 1, sign * 2, np.nan], proxy=proxy)
    row = pick(correlations(make_bench([1, 2, 3, 4]), scores, resamples=0), proxy=proxy)
    assert row.value == 1
    assert (row.n, row.missing) == (2, 2)
    assert row.value_with_undefined == pytest.approx((3 - 2) / math.sqrt(5 * 6))


@pytest.mark.parametrize(("proxy", "sign", "expected"), [("up", 1, 1.0), ("down", -1, (3 - 3) / 6)])
def test_what_exceeds_the_range_of_numbers_is_infinite(proxy, sign, expected):
    """It is above all others when higher is better, and below them when lower is."""
    scores = make_scores([sign * 1, sign * 2, sign * 3, np.nan], proxy=proxy)
    scores["reasons"] = [None, None, None, json.dumps({proxy: "it exceeds float64", "other": "no layers"})]
    row = pick(correlations(make_bench([1, 2, 3, 4]), scores, resamples=0), proxy=proxy)
    assert row.value_with_undefined == pytest.approx(expected)


def test_scores_that_were_never_computed_are_not_ranked_either():
    scores = make_scores([np.nan, np.nan, 1, 2, 3], proxy="up")
    scores["reasons"] = [
        json.dumps({"up": "not measured: no memory"}),
        json.dumps({"other": "x"}),
        *[None] * 3,
    ]
    row = pick(correlations(make_bench([4, 5, 1, 2, 3]), scores, resamples=0))
    assert (row.value, row.value_with_undefined, row.missing) == (1, 1, 0)


def test_undefined_scores_are_ranked_within_the_top_by_seed_and_weight():
    accuracy, score, rows, order = stratified_sample()
    top = order[:50]
    score[[rows[0], rows[-1]]] = np.nan  # one of the top and one of the others
    scores = pd.concat([make_scores(score[rows], rows), make_scores(-score[rows], rows, seed=1)])
    table = correlations(make_bench(accuracy), scores, resamples=20)
    weights = np.where(np.isin(rows, top), 1, 950 / 100)
    for subset, known, of in (("all", rows, weights), ("top", rows[:50], np.ones(50))):
        low = np.nanmin(score) - 1, np.nanmin(-score) - 1
        ranked = np.nan_to_num(score[known], nan=low[0]), np.nan_to_num(-score[known], nan=low[1])
        row = pick(table, subset=subset)
        assert row.value_with_undefined == pytest.approx(
            np.mean([kendall(values, accuracy[known], of) for values in ranked])
        )
        assert row.low_with_undefined < row.value_with_undefined < row.high_with_undefined
        assert row.missing == {"all": 2, "top": 1}[subset]


def test_without_undefined_scores_ranking_them_changes_nothing():
    rng = np.random.default_rng(0)
    accuracy, score = rng.normal(size=(2, 60))
    table = correlations(make_bench(accuracy), make_scores(score), resamples=30)
    for column in ("value", "low", "high"):
        assert table[f"{column}_with_undefined"].tolist() == table[column].tolist()


@pytest.mark.mirror
def test_logdet_of_convolutional_networks_that_have_no_rectifier():
    """42 of timm's 200 CNNs are without: ranked last, as a search would, they take .36 down to .11."""
    scores, bench = zsnas.scores("timm/imagenet-cnn"), zsnas.benchmark("timm/imagenet-cnn")
    scores = scores[scores["seed"] == 0][["arch", "seed", "logdet", "reasons"]]
    scores = scores.rename(columns={"logdet": "up"})
    scores["reasons"] = scores["reasons"].str.replace('"logdet"', '"up"')
    row = pick(correlations(bench, scores, resamples=0, sampled_top=1.0))
    assert (row.n, row.missing) == (158, 42)
    assert round(row.value, 2) == 0.36
    assert round(row.value_with_undefined, 2) == 0.11


def test_sampling_weights_are_stratum_size_over_number_scored():
    accuracy, score, rows, order = stratified_sample()
    table = correlations(make_bench(accuracy), make_scores(score[rows], rows), resamples=0)
    weights = np.where(np.isin(rows, order[:50]), 1, 950 / 100)
    assert pick(table).value == pytest.approx(kendall(score[rows], accuracy[rows], weights))
    assert pick(table, "SPR").value == pytest.approx(spearman(score[rows], accuracy[rows], weights))
    top = order[:50]
    assert pick(table, subset="top").value == pytest.approx(kendall(score[top], accuracy[top]))


def test_an_undefined_score_does_not_shift_the_weights():
    accuracy, score, rows, order = stratified_sample()
    score[rows[:10]] = np.nan
    table = correlations(make_bench(accuracy), make_scores(score[rows], rows), resamples=0)
    rest = rows[10:]
    weights = np.where(np.isin(rest, order[:50]), 1, 950 / 100)
    assert pick(table).value == pytest.approx(kendall(score[rest], accuracy[rest], weights))


def test_weights_remove_the_bias_of_the_complete_top():
    errors = []
    for seed in range(20):
        accuracy, score, rows, _ = stratified_sample(seed)
        table = correlations(make_bench(accuracy), make_scores(score[rows], rows), resamples=0)
        truth = scipy.stats.kendalltau(score, accuracy).statistic
        errors.append([pick(table).value - truth, kendall(score[rows], accuracy[rows]) - truth])
    weighted, unweighted = np.mean(errors, axis=0)
    assert abs(weighted) < 0.02
    assert unweighted > 0.05


def test_a_sample_of_the_top_alone_is_refused():
    scores = make_scores(range(5), rows=range(95, 100))
    with pytest.raises(ValueError, match=r"only architectures of the top 5% of toy.*'all'.*--limit"):
        correlations(make_bench(range(100)), scores)
    with pytest.raises(ValueError, match=r"the subset 0\.1"):
        ratio_correlations(make_bench(range(100)), scores, ratios=[0.05, 0.1])


def test_a_sample_without_the_top_is_a_random_sample():
    rng = np.random.default_rng(3)
    score = rng.normal(size=50)
    table = correlations(make_bench(range(100)), make_scores(score), resamples=10)
    assert pick(table).value == pytest.approx(kendall(score, range(50)))
    top = pick(table, subset="top")
    assert (top.n, top.seeds) == (0, 0)
    assert math.isnan(top.value)
    assert math.isnan(top.low)


def test_the_mean_over_seeds_and_its_spread():
    rng = np.random.default_rng(4)
    accuracy, first, second = rng.normal(size=(3, 40))
    scores = pd.concat([make_scores(first), make_scores(second, seed=1)])
    row = pick(correlations(make_bench(accuracy), scores, resamples=200))
    values = [kendall(first, accuracy), kendall(second, accuracy)]
    assert row.value == pytest.approx(np.mean(values))
    assert row.seed_sd == pytest.approx(np.std(values, ddof=1))
    assert (row.seeds, row.n) == (2, 40)


def test_seeds_weigh_by_what_they_scored_and_their_spread_is_on_common_architectures():
    rng = np.random.default_rng(5)
    accuracy, first, second = rng.normal(size=(3, 40))
    scores = pd.concat([make_scores(first), make_scores(second[:10], seed=1)])
    row = pick(correlations(make_bench(accuracy), scores, resamples=0, sampled_top=1.0))
    values = [kendall(first, accuracy), kendall(second[:10], accuracy[:10])]
    assert row.value == pytest.approx(np.average(values, weights=[40, 10]))
    common = [kendall(first[:10], accuracy[:10]), values[1]]
    assert row.seed_sd == pytest.approx(np.std(common, ddof=1))


def test_the_spread_over_seeds_leaves_out_what_is_undefined_with_any_seed():
    rng = np.random.default_rng(12)
    accuracy, first, second = rng.normal(size=(3, 20))
    scores = pd.concat([make_scores(first), make_scores([math.nan, *second[1:]], seed=1)])
    row = pick(correlations(make_bench(accuracy), scores, resamples=0))
    common = [kendall(score[1:], accuracy[1:]) for score in (first, second)]
    assert row.seed_sd == pytest.approx(np.std(common, ddof=1))


def test_the_spread_over_seeds_has_the_weights_of_what_every_seed_measured():
    """Ten of a hundred are the top; of the rest, the seeds share 20: each stands for 90 / 20, not 90 / 60."""
    rng = np.random.default_rng(13)
    accuracy = np.arange(100.0)
    top, shared = range(90, 100), range(20)
    found = [rng.normal(size=100) for _ in range(2)]
    own = [*top, *shared, *range(20, 40)], [*top, *shared, *range(40, 60)]
    scores = pd.concat([make_scores(found[k][[*own[k]]], own[k], seed=k) for k in range(2)])
    row = pick(correlations(make_bench(accuracy), scores, resamples=0, sampled_top=0.1))
    common = [*top, *shared]
    weights = np.repeat([10 / 10, 90 / 20], [len(top), len(shared)])
    values = [kendall(score[common], accuracy[common], weights) for score in found]
    assert row.seed_sd == pytest.approx(np.std(values, ddof=1))


def test_one_interval_for_the_mean_of_the_seeds():
    """Opposite noise cancels in the mean, so its interval is narrower than that of either seed."""
    rng = np.random.default_rng(6)
    accuracy, noise = rng.normal(size=(2, 100))
    both = [make_scores(accuracy + 2 * noise), make_scores(accuracy - 2 * noise, seed=1)]
    mean, alone = (
        pick(correlations(make_bench(accuracy), s, resamples=300)) for s in (pd.concat(both), both[0])
    )
    assert mean.low < mean.value < mean.high
    assert mean.high - mean.low < 0.7 * (alone.high - alone.low)


def test_the_interval_is_that_of_repeated_rows():
    """The vectorised bootstrap equals the plain one: repeat the drawn rows, call scipy."""
    rng = np.random.default_rng(7)
    accuracy, score = rng.normal(size=(2, 100))
    row = pick(
        correlations(make_bench(accuracy), make_scores(score), resamples=130, seed=11, sampled_top=1.0)
    )
    drawn = np.random.default_rng(11).multinomial(100, np.full(100, 0.01), size=130)
    plain = [
        scipy.stats.kendalltau(np.repeat(score, times), np.repeat(accuracy, times)).statistic
        for times in drawn
    ]
    assert (row.low, row.high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])))


def test_every_resample_keeps_what_each_seed_scored_in_each_stratum():
    scores = pd.concat([make_scores(range(45)), make_scores(range(10), rows=range(33, 43), seed=1)])
    sample = Sample.of(make_bench(range(50)), scores, "up", 0.2)
    drawn = sample.multiplicities(resamples=30, seed=0)
    assert drawn.shape == (45, 30)
    for stratum in (sample.in_top, ~sample.in_top):
        for measured in sample.measured.T:
            assert set(drawn[stratum & measured].sum(axis=0)) == {(stratum & measured).sum()}
    assert sample.in_top.sum() == 5


def test_the_bootstrap_is_seeded_and_leaves_the_global_generator_alone():
    rng = np.random.default_rng(8)
    bench, scores = make_bench(rng.normal(size=50)), make_scores(rng.normal(size=50))
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (correlations(bench, scores, resamples=50, seed=seed) for seed in (0, 0, 1))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    pd.testing.assert_frame_equal(first, again)
    assert first["low"].tolist() != other["low"].tolist()


def test_the_interval_covers_the_truth():
    """Bivariate normal with correlation 0.5: τ = 2/π · asin(0.5) = 1/3, in some 95 of 100 intervals."""
    rng = np.random.default_rng(9)
    covered = 0
    for _ in range(100):
        accuracy, noise = rng.normal(size=(2, 80))
        score = 0.5 * accuracy + math.sqrt(0.75) * noise
        bench, scores = make_bench(accuracy), make_scores(score)
        row = pick(correlations(bench, scores, resamples=128, sampled_top=1.0))
        covered += row.low <= 1 / 3 <= row.high
    assert 89 <= covered <= 99


def test_a_proxy_that_nothing_was_scored_with():
    scores = make_scores([np.nan] * 30).assign(reasons=None)
    row = pick(correlations(make_bench(range(30)), scores, resamples=5))
    assert (row.n, row.missing, row.seeds) == (0, 0, 0)
    assert math.isnan(row.value)


@pytest.mark.parametrize("statistic", [correlations, differences, ratio_correlations, best_by_proxy])
def test_a_benchmark_without_accuracy_has_no_statistics(statistic):
    costs_alone = replace(make_bench(range(30)), metric="", space="", batch="")
    with pytest.raises(ValueError, match="'toy' has latencies only"):
        statistic(costs_alone, make_scores(range(30)))


def test_columns_and_rows_are_checked():
    bench, scores = make_bench(range(30)), make_scores(range(30))
    with pytest.raises(ValueError, match=r"no proxy 'down'; they have up"):
        correlations(bench, scores, proxies=["down"])
    with pytest.raises(ValueError, match="'a3' is scored twice with seed 0"):
        correlations(bench, pd.concat([scores, scores.iloc[[3]]]))
    with pytest.raises(ValueError, match="1 scored architectures are not in toy, the first is 'b'"):
        correlations(bench, pd.concat([scores, pd.DataFrame({"arch": ["b"], "seed": [0], "up": [0.0]})]))
    with pytest.raises(ValueError, match="1 architectures without test_accuracy"):
        correlations(make_bench([1.0, np.nan]), scores.head(2))
    assert set(correlations(bench, scores.assign(seconds=1.0), resamples=0)["proxy"]) == {"up"}


# Ratios


def test_ratios_are_top_subsets():
    rng = np.random.default_rng(10)
    bench = make_bench(rng.normal(size=200))
    scores = make_scores(rng.normal(size=200))
    table = ratio_correlations(bench, scores, resamples=10)
    assert table["ratio"].unique().tolist() == list(RATIOS)
    assert (RATIOS[0], RATIOS[-1], len(RATIOS)) == (0.05, 1.0, 20)
    for subset, ratio in (("all", 1.0), ("top", 0.2)):
        expected = pick(correlations(bench, scores, top=0.2, resamples=10), subset=subset)
        row = table[(table["ratio"] == ratio) & (table["statistic"] == "KT")].iloc[0]
        assert row[["value", "low", "high", "n"]].tolist() == expected[["value", "low", "high", "n"]].tolist()

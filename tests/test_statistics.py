"""Rank statistics: checked by hand, against scipy, against loops over pairs, and on simulated data."""

import json
import math
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import zsnas
from zsnas.benchmarks import Benchmark
from zsnas.statistics import (
    RATIOS,
    _Sample,
    agreement,
    best_by_proxy,
    correlations,
    differences,
    kendall,
    paired,
    ratio_correlations,
    regret,
    spearman,
    top_architectures,
)

HIGHER_IS_BETTER = {"up": True, "down": False, "other": True}


@pytest.fixture(autouse=True)
def _metadata(monkeypatch):
    monkeypatch.setattr(zsnas, "list_proxies", lambda: list(HIGHER_IS_BETTER))
    monkeypatch.setattr(zsnas, "proxy", lambda name: SimpleNamespace(higher_is_better=HIGHER_IS_BETTER[name]))


def make_bench(accuracy):
    names = [f"a{i}" for i in range(len(accuracy))]
    table = pd.DataFrame({"arch": names, "test_accuracy": np.asarray(accuracy, dtype=float)})
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


def make_scores(values, rows=None, seed=0, proxy="up"):
    rows = range(len(values)) if rows is None else rows
    return pd.DataFrame(
        {"arch": [f"a{i}" for i in rows], "seed": seed, proxy: np.asarray(values, dtype=float)}
    )


def pick(table, statistic="KT", subset="all", proxy="up"):
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset) & (table["proxy"] == proxy)]
    assert len(rows) == 1
    return rows.iloc[0]


def naive_kendall(x, y, weights):
    agreement = untied_x = untied_y = 0.0
    for i, j in combinations(range(len(x)), 2):
        weight = weights[i] * weights[j]
        agreement += weight * np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
        untied_x += weight * (x[i] != x[j])
        untied_y += weight * (y[i] != y[j])
    return agreement / math.sqrt(untied_x * untied_y)


def naive_spearman(x, y, weights):
    def ranks(values):
        return [
            sum(w for v, w in zip(values, weights, strict=True) if v < value)
            + sum(w for v, w in zip(values, weights, strict=True) if v == value) / 2
            for value in values
        ]

    covariance = np.cov(ranks(x), ranks(y), aweights=weights)
    return covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])


# Kendall and Spearman


def test_kendall_by_hand():
    # Pairs of (1,1) (2,3) (3,2) (3,4): five concordant or discordant; the last two tie in x.
    # concordant: 01 02 03 13, discordant: 12, tied in x: 23. (4 - 1) / sqrt(5 * 6)
    assert kendall([1, 2, 3, 3], [1, 3, 2, 4]) == pytest.approx(3 / math.sqrt(30))


def test_spearman_by_hand():
    # Ranks of x: 1, 2, 3.5, 3.5; of y: 1, 3, 2, 4; deviations (-1.5, -.5, 1, 1) and (-1.5, .5, -.5, 1.5).
    # covariance 2.25 - 0.25 - 0.5 + 1.5 = 3; spreads 4.5 and 5
    assert spearman([1, 2, 3, 3], [1, 3, 2, 4]) == pytest.approx(3 / math.sqrt(4.5 * 5))


@pytest.mark.parametrize("levels", [2, 5, 40, 10_000])
@pytest.mark.parametrize("n", [2, 3, 17, 300])
def test_unweighted_equals_scipy(n, levels):
    rng = np.random.default_rng(levels + n)
    x, y = rng.integers(levels, size=n).astype(float), rng.normal(size=n).round(1)
    x[:2], y[:2] = (0, 1), (0, 1)
    assert kendall(x, y) == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("levels", [2, 5, 40])
def test_weighted_equals_loop_over_pairs(levels):
    rng = np.random.default_rng(levels)
    x, y = rng.integers(levels, size=40), rng.integers(7, size=40)
    weights = rng.uniform(0, 20, size=40)
    assert kendall(x, y, weights) == pytest.approx(naive_kendall(x, y, weights), abs=1e-12)
    assert spearman(x, y, weights) == pytest.approx(naive_spearman(x, y, weights), abs=1e-12)


pairs = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 3)), min_size=2, max_size=25
)


@settings(deadline=None, derandomize=True)
@given(pairs)
def test_integer_weights_are_repeated_rows(rows):
    x, y, weights = np.array(rows).T
    repeated = np.repeat(x, weights), np.repeat(y, weights)
    for statistic in (kendall, spearman):
        assert statistic(x, y, weights) == pytest.approx(statistic(*repeated), nan_ok=True, abs=1e-12)


@settings(deadline=None, derandomize=True)
@given(pairs)
def test_only_order_matters_and_reversal_negates(rows):
    x, y, weights = np.array(rows).T
    for statistic in (kendall, spearman):
        value = statistic(x, y, weights)
        assert statistic(np.exp(x), y**3, weights) == pytest.approx(value, nan_ok=True, abs=1e-12)
        assert statistic(-x, y, weights) == pytest.approx(-value, nan_ok=True, abs=1e-12)
        assert statistic(y, x, weights) == pytest.approx(value, nan_ok=True, abs=1e-12)
        assert not abs(value) > 1


@pytest.mark.parametrize("statistic", [kendall, spearman])
def test_undefined_statistics_are_nan(statistic):
    assert math.isnan(statistic([1, 1, 1], [1, 2, 3]))
    assert math.isnan(statistic([1, 2, 3], [1, 2, 3], [0.1, 0, 0]))
    assert math.isnan(statistic([1], [1]))
    assert math.isnan(statistic([], []))


@pytest.mark.parametrize("statistic", [kendall, spearman])
def test_infinite_scores_are_ranked(statistic):
    assert statistic([-math.inf, 0, math.inf, math.inf], [1, 2, 3, 3]) == pytest.approx(1)


@pytest.mark.parametrize("statistic", [kendall, spearman])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2, 3]), "one length"),
        (([1, 2], [1, 2], [1]), "one length"),
        (([[1, 2]], [[1, 2]]), "one length"),
        (([1, math.nan], [1, 2]), "NaN is undefined"),
        (([1, 2], [math.nan, 2]), "NaN is undefined"),
        (([1, 2], [1, 2], [1, -1]), "smallest weight is -1"),
    ],
)
def test_bad_input_is_explained(statistic, arguments, message):
    with pytest.raises(ValueError, match=message):
        statistic(*arguments)


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
        *("proxy", "statistic", "subset", "value", "low", "high", "seed_sd", "seeds", "n", "missing")
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
    scores = make_scores([np.nan, np.nan, *range(18)])
    scores["reasons"] = [json.dumps({"up": "constant"}), json.dumps({"down": "other"}), *[None] * 18]
    assert pick(correlations(make_bench(accuracy), scores, resamples=0)).missing == 1


def stratified_sample(seed=0):
    """1,000 architectures; the complete top 5 % and 100 of the others are scored."""
    rng = np.random.default_rng(seed)
    accuracy = rng.normal(size=1000)
    score = accuracy + rng.normal(size=1000)
    order = np.argsort(-accuracy)
    rows = np.concatenate([order[:50], rng.choice(order[50:], 100, replace=False)])
    return accuracy, score, rows, order


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
    sample = _Sample.of(make_bench(range(50)), scores, "up", 0.2)
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


# The architecture that a proxy ranks first


def test_best_by_proxy_averages_ties_and_measures_regret():
    scores = make_scores([1, 5, 5, 0], rows=[0, 1, 3, 4])
    row = best_by_proxy(make_bench([90.0, 60.0, 99.0, 70.0, 95.0]), scores).iloc[0]
    assert (row.arch, row.ties, row.n, row.missing) == ("a1", 2, 4, 0)
    assert (row.test_accuracy, row.worst, row.best) == (65, 60, 70)
    assert (row.optimum, row.regret) == (99, 34)
    assert row["rank"] == 4.5  # 70 has three above it and is fourth, 60 is fifth


def test_best_by_proxy_reads_the_direction():
    scores = make_scores([1, 2, np.nan], proxy="down")
    row = best_by_proxy(make_bench([10, 20, 30]), scores).iloc[0]
    assert (row.arch, row.test_accuracy, row.n, row.missing) == ("a0", 10, 2, 1)


def test_best_by_proxy_has_a_row_per_seed():
    scores = pd.concat([make_scores([1, 2]), make_scores([2, 1], seed=7)])
    table = best_by_proxy(make_bench([10, 20]), scores)
    assert table[["seed", "test_accuracy"]].to_numpy().tolist() == [[0, 20], [7, 10]]


def test_best_by_proxy_counts_as_missing_only_what_was_measured():
    reasons = [json.dumps({"up": "constant"}), None, None]
    scores = make_scores([np.nan, np.nan, 1.0]).assign(reasons=reasons)
    row = best_by_proxy(make_bench([10, 20, 30]), scores).iloc[0]
    assert (row.n, row.missing) == (1, 1)


def test_best_by_proxy_without_any_score():
    row = best_by_proxy(make_bench([10, 20]), make_scores([np.nan, np.nan])).iloc[0]
    assert row.arch is None
    assert (row.ties, row.n, row.missing) == (0, 0, 2)
    assert row[["test_accuracy", "rank", "rank_low", "rank_high"]].isna().all()


def test_the_rank_of_equal_accuracies_is_the_best_they_share():
    row = best_by_proxy(make_bench([50, 70, 70, 90]), make_scores([1, 3, 2, 0])).iloc[0]
    assert (row.arch, row["rank"]) == ("a1", 2)


def test_the_interval_of_the_rank_is_that_of_the_accuracy():
    rng = np.random.default_rng(1)
    accuracy = rng.permutation(100.0 + np.arange(40))  # the rank is 140 minus the accuracy
    row = best_by_proxy(make_bench(accuracy), make_scores(rng.normal(size=20), rows=range(20))).iloc[0]
    assert row.low < row.high
    assert (row["rank"], row.rank_low, row.rank_high) == (
        140 - row.test_accuracy,
        140 - row.high,
        140 - row.low,
    )


def test_regret_over_seeds_by_hand():
    # Seed 0 chooses 60 of a best 90, seeds 1 and 2 choose 80; nothing but seed 0 saw a3.
    scores = pd.concat([make_scores([3, 1, 2, 9]), *(make_scores([1, 3, 2], seed=s) for s in (1, 2))])
    row = regret(make_bench([60, 80, 70, 90, 85]), scores).iloc[0]
    assert (row.proxy, row.seeds, row.n, row.choices) == ("up", 3, 3, 2)
    assert row.regret == pytest.approx((30 + 10 + 10) / 3)
    assert row.regret_sd == pytest.approx(np.std([30, 10, 10], ddof=1))
    assert (row["rank"], row.rank_low, row.rank_high) == (3, 3, 5)


def test_regret_of_one_seed_has_no_spread_and_without_a_score_no_row():
    bench = make_bench([60, 80])
    assert math.isnan(regret(bench, make_scores([1, 2])).iloc[0].regret_sd)
    assert regret(bench, make_scores([np.nan, np.nan])).empty


@pytest.mark.parametrize("tied", [False, True])
def test_the_interval_of_the_first_place_is_that_of_drawn_samples(tied):
    rng = np.random.default_rng(1)
    score, accuracy = rng.normal(size=30), rng.uniform(50, 70, size=30)
    score[:5] = np.sort(score)[-1] if tied else score[:5]
    row = best_by_proxy(make_bench(accuracy), make_scores(score)).iloc[0]
    drawn = rng.integers(30, size=(20_000, 30))
    first = [accuracy[rng.choice(rows[score[rows] == score[rows].max()])] for rows in drawn]
    assert (row.low, row.high) == pytest.approx(
        tuple(np.quantile(first, [0.025, 0.975], method="inverted_cdf"))
    )


# Differences


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

"""The architecture that a proxy ranks first: by hand, and against drawn samples."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from toy_scores import make_bench, make_scores

from zsnas.statistics import best_by_proxy, regret


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

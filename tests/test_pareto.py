"""Fronts, picks and losses are what their definitions say, worked out by hand or by the slow way."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsnas import pareto
from zsnas.benchmarks import Benchmark

# Few distinct values, so that ties and duplicates are frequent.
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


def columns(points):
    return np.array(points, dtype=float).T


def dominates(one, other):
    return one[0] <= other[0] and one[1] >= other[1] and one != other


# Four networks: (cost, accuracy) = (1, 10), (2, 30), (3, 20), (4, 30).
COST, VALUE = [3, 1, 4, 2], [20, 10, 30, 30]


def test_front_is_what_nothing_dominates_cheapest_first():
    assert pareto.front(COST, VALUE).tolist() == [1, 3]


def test_equal_points_are_on_the_front_together():
    assert pareto.front([1, 1, 2], [5, 5, 5]).tolist() == [0, 1]


def test_nothing_has_an_empty_front_and_no_hypervolume():
    assert pareto.front([], []).tolist() == []
    assert pareto.hypervolume([], [], (1, 0)) == 0


@given(POINTS)
def test_front_is_the_points_that_no_other_dominates(points):
    expected = [k for k, point in enumerate(points) if not any(dominates(other, point) for other in points)]

    assert sorted(pareto.front(*columns(points))) == expected


@given(POINTS)
def test_front_goes_up_with_cost(points):
    cost, value = columns(points)
    found = pareto.front(cost, value)

    assert (np.diff(cost[found]) >= 0).all()
    assert (np.diff(value[found]) >= 0).all()


@given(POINTS, st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(points, random):
    shuffled = random.sample(points, len(points))

    def on_front(given_points):
        return sorted(given_points[k] for k in pareto.front(*columns(given_points)))

    assert on_front(points) == on_front(shuffled)
    assert pareto.hypervolume(*columns(points), (7, -1)) == pareto.hypervolume(*columns(shuffled), (7, -1))


@given(POINTS)
def test_a_dominated_point_changes_nothing(points):
    cost, value = points[0]
    more = [*points, (cost + 1, value - 1)]

    assert pareto.front(*columns(points)).tolist() == pareto.front(*columns(more)).tolist()
    assert pareto.hypervolume(*columns(points), (8, -2)) == pareto.hypervolume(*columns(more), (8, -2))


# Up to cost 5 and down to 0: 10 wide from 1 to 2, 30 from 2 to 5.
def test_hypervolume_is_the_area_under_the_staircase():
    assert pareto.hypervolume(COST, VALUE, (5, 0)) == 10 * 1 + 30 * 3
    assert pareto.hypervolume(COST, VALUE, (1, 0)) == 0


# All points have integer coordinates, so that each unit square is dominated as a whole or not at all.
@given(POINTS)
def test_hypervolume_is_the_number_of_dominated_unit_squares(points):
    squares = itertools.product(range(7), range(-1, 6))  # lower left corners, up to cost 7 and down to -1
    dominated = [(x, y) for x, y in squares if any(cost <= x and value >= y + 1 for cost, value in points)]

    assert pareto.hypervolume(*columns(points), (7, -1)) == len(dominated)


@pytest.mark.parametrize("function", [pareto.front, pareto.picks, lambda *a: pareto.hypervolume(*a, (1, 0))])
def test_nan_and_unequal_lengths_are_refused(function):
    for cost, value in (([1, math.nan], [1, 2]), ([1, 2], [1, math.nan])):
        with pytest.raises(ValueError, match="NaN is neither cheap nor dear"):
            function(cost, value)
    with pytest.raises(ValueError, match=r"have the shapes \(2,\) and \(1,\)"):
        function([1, 2], [1])


@pytest.mark.parametrize(("budget", "picked"), [(1, 1), (1.9, 1), (2, 3), (3, 3), (9, 3)])
def test_pick_is_the_best_within_the_budget_and_of_ties_the_cheapest(budget, picked):
    assert pareto.pick(COST, VALUE, budget) == picked


def test_pick_of_equal_candidates_is_the_first():
    assert pareto.pick([1, 1], [5, 5], 1) == 0


def test_budget_below_the_cheapest_is_an_error():
    with pytest.raises(ValueError, match=r"no candidate is within the budget 0.5: the cheapest costs 1"):
        pareto.pick(COST, VALUE, 0.5)
    with pytest.raises(ValueError, match="there are no candidates"):
        pareto.pick([], [], 1)


@given(POINTS)
def test_picks_are_those_under_every_budget(points):
    cost, score = columns(points)
    one_by_one = [pareto.pick(cost, score, budget) for budget in sorted(set(cost))]

    assert pareto.picks(cost, score).tolist() == list(dict.fromkeys(one_by_one))


@given(POINTS)
def test_picks_are_the_front_of_the_scores_without_duplicates(points):
    cost, score = columns(points)
    on_front = pareto.front(cost, score)

    assert [points[k] for k in pareto.picks(cost, score)] == list(dict.fromkeys(points[k] for k in on_front))


def test_a_score_of_minus_infinity_is_picked_when_there_is_no_other():
    assert pareto.picks([1, 2], [-math.inf, 0]).tolist() == [0, 1]
    assert pareto.picks([], []).tolist() == []


def test_bands_are_named_by_their_limits():
    assert pareto.bands([10]) == ["≤ 10", "> 10"]
    assert pareto.bands([1, 2.5, 4]) == ["≤ 1", "1–2.5", "2.5–4", "> 4"]


# The best accuracy within 1, 2, 3, 4, 5 is 10, 30, 30, 50, 50; f costs nothing that is known.
@pytest.fixture
def bench():
    table = pd.DataFrame(
        {
            "arch": list("cabdef"),
            "energy_mj": [3.0, 1.0, 2.0, 4.0, 5.0, math.nan],
            "test_accuracy": [20.0, 10.0, 30.0, 50.0, 40.0, 99.0],
        }
    )
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


@pytest.fixture
def scores():
    return pd.DataFrame({"arch": list("abcde"), "seed": 0, "snip": [1.0, 2, 3, 3, 0]})


def test_architectures_without_cost_are_left_out_and_the_others_sorted(bench):
    assert pareto.costed(bench, "energy_mj")["arch"].to_list() == list("abcde")


def test_a_benchmark_without_accuracy_has_nothing_to_set_against_cost(bench):
    with pytest.raises(ValueError, match="'toy' has latencies only"):
        pareto.costed(replace(bench, metric="", space="", batch=""), "energy_mj")


def test_an_unknown_cost_says_which_there_are(bench):
    with pytest.raises(ValueError, match="toy has no cost 'power_w'; it has energy_mj"):
        pareto.costed(bench, "power_w")
    bench.table["energy_mj"] = math.nan
    with pytest.raises(ValueError, match="no architecture of toy has a energy_mj"):
        pareto.costed(bench, "energy_mj")


# SNIP picks a, b, then c, which ties with d once the budget reaches 4; e has a low score.
def test_selections_are_the_picks_with_their_loss_and_ties(bench, scores):
    table = pareto.selections(bench, scores, "energy_mj")

    assert table["arch"].to_list() == ["a", "b", "c"]
    assert table["energy_mj"].to_list() == [1, 2, 3]
    assert table["test_accuracy"].to_list() == [10, 30, 20]
    assert table["lost"].to_list() == [0, 0, 10]
    assert table[["ties", "worst", "best"]].to_numpy().tolist() == [[1, 10, 10], [1, 30, 30], [2, 20, 50]]


def measured(bench, scores, limits=(2.5, 4), **settings):
    settings = {"resamples": 0, **settings}
    table = pareto.summary(bench, scores, "energy_mj", limits, **settings)
    return table.set_index("measure")


# Budgets 1 to 2.5 lose nothing; from 3 on c is picked: 10 is lost from 3 to 4, and 30 from 4 to 5.
def test_loss_is_a_mean_over_the_budgets_of_a_band(bench, scores):
    table = measured(bench, scores)

    assert table["value"][["≤ 2.5", "2.5–4", "> 4"]].to_list() == [0, pytest.approx(10 / 1.5), 30]
    assert (table["n"] == 5).all()
    assert (table["missing"] == 0).all()


# The whole: 10 from 1 to 2, 30 from 2 to 4, 50 from 4 to 5, all above 10. The picks: 30 from 2 to 5.
def test_hypervolume_ratio_is_that_of_the_picks_to_the_front(bench, scores):
    ratio = measured(bench, scores)["value"][pareto.HYPERVOLUME]

    picked = pareto.selections(bench, scores, "energy_mj")
    table = pareto.costed(bench, "energy_mj")
    areas = [
        pareto.hypervolume(rows["energy_mj"], rows["test_accuracy"], (5, 10)) for rows in (picked, table)
    ]
    assert areas == [60, 80]
    assert ratio == pytest.approx(60 / 80)


def test_ties_can_go_either_way(bench, scores):
    table = measured(bench, scores)

    assert table["if_best"][["2.5–4", "> 4"]].to_list() == [pytest.approx(10 / 1.5), 0]
    assert table["if_worst"]["> 4"] == 30
    assert math.isnan(table["if_best"][pareto.HYPERVOLUME])


# Without d the candidates allow 30 from budget 2 on: 20 are lost above 4 by any pick, 10 more by SNIP's.
def test_loss_beyond_what_the_candidates_allow_is_avoidable(bench, scores):
    table = pareto.summary(bench, scores.query("arch != 'd'"), "energy_mj", [2.5, 4], resamples=0)

    assert table.set_index("measure")["allowed"].to_dict() == {
        "≤ 2.5": 0,
        "2.5–4": 0,
        "> 4": 20,
        pareto.HYPERVOLUME: pytest.approx(60 / 80),
    }
    assert pareto.avoidable(table).loc["snip"].to_list() == [0, pytest.approx(10 / 1.5), 10]


def test_resamples_lose_what_each_of_them_alone_would(bench, scores):
    both = scores.assign(params=[2, 1, 3, 5, 4])
    table = pareto.avoidable_of_resamples(bench, both, "energy_mj", [2.5, 4], resamples=50, start=1)

    times = np.random.default_rng(0).multinomial(5, [0.2] * 5, size=50)
    archs = pareto.costed(bench, "energy_mj")["arch"].to_numpy()  # in the order in which they are drawn
    compared = 0
    for resample, drawn in enumerate(archs[row > 0] for row in times):
        if "a" not in drawn:  # nothing costs as little as the first budget
            continue
        some = both[both["arch"].isin(drawn)]
        alone = pareto.avoidable(pareto.summary(bench, some, "energy_mj", [2.5, 4], resamples=0, start=1))
        again = table.loc[resample].unstack("measure").reindex_like(alone)
        pd.testing.assert_frame_equal(again, alone, check_names=False)
        compared += 1
    assert compared > 20


# Of a and c, only a has a score: from budget 3 on, c would have lost 10 less than a.
def test_candidates_without_a_score_count_for_what_was_allowed(bench, scores):
    two = scores.iloc[[0, 2]].assign(snip=[1.0, math.nan], reasons=[None, json.dumps({"snip": "undefined"})])

    table = measured(bench, two)

    assert table["value"]["2.5–4"] == 20
    assert table["allowed"]["2.5–4"] == pytest.approx((20 * 0.5 + 10 * 1) / 1.5)


def test_avoidable_is_a_mean_over_seeds_in_the_order_of_the_table(bench, scores):
    other = scores.assign(seed=1, snip=[1, 2, 0, 3, 0])
    both = pd.concat([scores, other]).assign(params=1.0)

    table = pareto.avoidable(
        pareto.summary(bench, both, "energy_mj", [2.5, 4], ["snip", "params"], resamples=0)
    )

    assert list(table.index) == ["snip", "params"]
    assert list(table.columns) == ["≤ 2.5", "2.5–4", "> 4"]
    assert table.loc["snip", "> 4"] == (30 + 0) / 2


def test_lower_is_better_is_turned_round(bench, scores):
    same = scores.assign(ntk_cond=-scores["snip"])[["arch", "seed", "ntk_cond"]]

    pd.testing.assert_frame_equal(
        measured(bench, same).drop(columns="proxy"), measured(bench, scores).drop(columns="proxy")
    )


def test_undefined_scores_are_counted_and_those_never_measured_are_not(bench, scores):
    scores.loc[[2, 4], "snip"] = math.nan
    scores["reasons"] = [None, None, json.dumps({"snip": "undefined"}), None, None]

    table = measured(bench, scores)

    assert (table["n"] == 3).all()
    assert (table["missing"] == 1).all()


# The first score belongs to b, whose cost is 2; the budgets from 2 on count.
def test_first_band_starts_where_every_proxy_has_a_candidate(bench, scores):
    table = pareto.summary(
        bench, scores.iloc[1:].assign(params=1.0), "energy_mj", [2.5, 4], ["params"], resamples=0
    )
    assert table.attrs["start"] == 2

    later = measured(bench, scores, limits=(2.5, 4), start=3.5)
    assert later["value"][["2.5–4", "> 4"]].to_list() == [10, 30]
    assert math.isnan(later["value"]["≤ 2.5"])

    with pytest.raises(ValueError, match=r"some proxy has no candidate within 0\.5; start at 1 or above"):
        measured(bench, scores, start=0.5)


@pytest.mark.parametrize("limits", [(), (4, 2), (2, 2), (1,), (2, 5), (0.5, 2)])
def test_limits_have_to_increase_within_the_costs(bench, scores, limits):
    with pytest.raises(ValueError, match="they must increase between 1 and 5"):
        measured(bench, scores, limits=limits)


def test_scores_of_a_foreign_architecture_are_refused(bench, scores):
    with pytest.raises(ValueError, match="1 scored architectures are not in toy, the first is 'z'"):
        measured(bench, scores.replace({"arch": {"e": "z"}}))


def test_no_scores_are_an_error(bench, scores):
    with pytest.raises(ValueError, match="there are no scores of any proxy"):
        measured(bench, scores.iloc[:0])


def test_a_proxy_without_any_score_is_an_error(bench, scores):
    with pytest.raises(ValueError, match="no candidate has a score of 'snip'"):
        measured(bench, scores.assign(snip=math.nan))


N = 300


@pytest.fixture
def large():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "arch": [f"a{i}" for i in range(N)],
            "energy_mj": rng.uniform(1, 10, N),
            "test_accuracy": rng.uniform(0, 90, N),
        }
    )
    scores = pd.DataFrame(
        {"arch": table["arch"], "seed": 0, "snip": table["test_accuracy"] + rng.normal(0, 20, N)}
    )
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none"), scores


# The slow way: one budget after another on a fine grid.
def test_losses_agree_with_a_grid_of_budgets(large):
    bench, scores = large
    table = measured(bench, scores, limits=(4, 7))
    cost, accuracy = bench.table["energy_mj"], bench.table["test_accuracy"]
    budgets = np.linspace(cost.min(), cost.max(), 20_001)
    lost = np.array(
        [accuracy[cost <= b].max() - accuracy[pareto.pick(cost, scores["snip"], b)] for b in budgets]
    )

    for band, inside in (
        ("≤ 4", budgets <= 4),
        ("4–7", (budgets > 4) & (budgets <= 7)),
        ("> 7", budgets > 7),
    ):
        assert table["value"][band] == pytest.approx(lost[inside].mean(), abs=0.05)


# The slow way: each resample is a set of candidates of its own.
def test_intervals_are_those_of_resampled_candidates(large):
    bench, scores = large
    table = measured(bench, scores, limits=(4, 7), resamples=100)
    ordered = bench.table.sort_values("energy_mj")["arch"].to_numpy()
    drawn = np.random.default_rng(0).multinomial(N, np.full(N, 1 / N), size=100) > 0
    start = bench.table["energy_mj"].min()
    values = []
    for mask in drawn:
        part = scores[scores["arch"].isin(ordered[mask])]
        own = pareto.summary(bench, part, "energy_mj", (4, 7), resamples=0, start=None)
        assert own.attrs["start"] >= start
        values.append(own.set_index("measure")["value"][["4–7", pareto.HYPERVOLUME]])

    expected = pd.DataFrame(values).quantile([0.025, 0.975])
    for measure in ("4–7", pareto.HYPERVOLUME):
        assert table.loc[measure, ["low", "high"]].to_list() == pytest.approx(expected[measure].to_list())


def test_an_interval_reaches_to_a_value_that_no_resample_has(large):
    """Picks by accuracy itself reach the whole front; a resample lacks some of it."""
    bench, _ = large
    scores = pd.DataFrame({"arch": bench.table["arch"], "seed": 0, "snip": bench.table["test_accuracy"]})
    row = measured(bench, scores, limits=(4, 7), resamples=100).loc[pareto.HYPERVOLUME]
    assert row["value"] == pytest.approx(1)
    assert row["low"] < 0.99
    assert row["high"] == row["value"]


def test_a_band_in_which_a_resample_has_no_candidate_has_no_interval(bench, scores):
    table = measured(bench, scores, resamples=100)
    assert table.loc["≤ 2.5", ["low", "high"]].isna().all()  # a or b is drawn in 92 of 100 resamples
    assert table.loc["> 4", ["low", "high"]].notna().all()


def test_without_resamples_there_is_no_interval(bench, scores):
    assert measured(bench, scores)[["low", "high"]].isna().all(axis=None)

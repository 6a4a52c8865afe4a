"""Tables of picks write every proxy once per pool, and the best that the candidates allow."""

import pandas as pd
import pytest

from zsnas import pareto
from zsnas.benchmarks import Benchmark
from zsnas.book.tables import pareto as pareto_tables

COST = "cpu_latency_ms"
BUDGETS = pareto_tables.Budgets([2.5], "ms")
ARCHS = ["a", "b", "c", "d"]


@pytest.fixture
def bench():
    table = pd.DataFrame({"arch": ARCHS, COST: [1.0, 2, 3, 4], "test_accuracy": [10.0, 30, 50, 60]})
    return Benchmark("toy", table, space="nats-sss", batch="toy", licence="none", citation="none")


def scores(archs, seed=0, **columns):
    return pd.DataFrame({"arch": archs, "seed": seed, **columns})


def summary(bench, table):
    return pareto.summary(bench, table, COST, BUDGETS.limits, resamples=0)


def test_losses_of_the_whole_space_come_before_those_of_the_sample(bench):
    whole = summary(bench, scores(ARCHS, params=[1, 2, 3, 4]))
    sampled = summary(bench, scores(ARCHS[:2], params=[1, 2], snip=[2, 1]))

    table = pareto_tables.losses(sampled, whole, BUDGETS)

    assert list(table.index) == [
        "#Params, whole space",
        "Best of 2 candidates",
        "#Params, sample",
        "SNIP, {eq}`eq-snip`",
    ]
    assert list(table.columns) == ["hypervolume ratio", "≤ 2.5 ms", "> 2.5 ms", "n (missing)"]
    # Above 2.5 ms, half of the budgets buy 30 (until 3 ms), and then 50; the sample has no more than 30.
    assert table.loc["#Params, whole space", "> 2.5 ms"] == "0.00"
    assert (
        table.loc["Best of 2 candidates", "> 2.5 ms"] == table.loc["#Params, sample", "> 2.5 ms"] == "13.33"
    )
    assert table.loc["SNIP, {eq}`eq-snip`", "> 2.5 ms"] == "33.33"
    assert list(table["n (missing)"]) == ["4 (0)", "2 (0)", "2 (0)", "2 (0)"]


def test_the_best_of_the_candidates_knows_those_without_a_score(bench):
    sampled = summary(bench, scores(ARCHS, snip=[1, 2, None, None], params=[1, 2, 3, 4]))

    table = pareto_tables.losses(sampled, sampled.iloc[:0], BUDGETS)

    assert list(table.loc["Best of 4 candidates", ["> 2.5 ms", "n (missing)"]]) == ["0.00", "4 (0)"]
    assert table.loc["SNIP, {eq}`eq-snip`", "n (missing)"] == "2 (2)"


def test_proxies_stand_below_the_best_that_as_many_candidates_allow(bench):
    few, more = scores(ARCHS[:2], params=[1, 2]), scores(ARCHS[:3], snip=[3, 2, None])
    sampled = pd.concat([summary(bench, few), summary(bench, more)])

    table = pareto_tables.losses(sampled, sampled.iloc[:0], BUDGETS)

    assert list(table.index) == [
        "Best of 3 candidates",
        "SNIP, {eq}`eq-snip`",
        "Best of 2 candidates",
        "#Params",
    ]
    assert list(table["n (missing)"]) == ["3 (0)", "2 (1)", "2 (0)", "2 (0)"]
    assert list(table["> 2.5 ms"]) == ["0.00", "33.33", "13.33", "13.33"]


def test_proxies_stay_in_their_order(bench):
    found = summary(bench, scores(ARCHS, snip=[1, 2, 3, 4], params=[1, 2, 3, 4]))

    table = pareto_tables.losses(found, found, BUDGETS)
    over_seeds = pareto_tables.seeds(found, BUDGETS)

    whole, sample = (
        ["SNIP, {eq}`eq-snip`, " + pool, "#Params, " + pool] for pool in ("whole space", "sample")
    )
    assert list(table.index) == [*whole, "Best of 4 candidates", *sample]
    assert list(over_seeds.index) == ["SNIP", "#Params"]
    assert list(over_seeds.columns) == ["hypervolume ratio", "≤ 2.5 ms", "> 2.5 ms"]
    assert (table.index.name, over_seeds.index.name, over_seeds.columns.name) == ("Proxy", "Proxy", None)


def test_a_loss_has_its_interval(bench):
    found = summary(bench, scores(ARCHS, snip=[1, 2, 3, 4])).assign(low=1.0, high=2.0)

    table = pareto_tables.losses(found, found.iloc[:0], BUDGETS)

    assert table.loc["SNIP, {eq}`eq-snip`", "> 2.5 ms"] == "0.00 [1.00,\xa02.00]"


def test_ties_count_the_place_that_most_candidates_share(bench):
    table = scores(ARCHS, snip=[1, 1, 1, 2])
    found, picked = summary(bench, table), pareto.selections(bench, table, COST)

    written = pareto_tables.ties({"snip": found}, {"snip": picked}, BUDGETS).loc["SNIP"]

    assert (written["picks"], written["most in one place"]) == (2, "3")
    # A third of the budgets from 1 ms to 2.5 ms buys 30; the worst of equal scores, the cheapest, has 10.
    assert written["≤ 2.5 ms"] == "6.67 [0.00,\xa06.67]"


def test_seeds_are_written_as_mean_and_deviation(bench):
    table = pd.concat([scores(ARCHS, 0, snip=[1, 2, 3, 4]), scores(ARCHS, 1, snip=[4, 3, 2, 1])])

    written = pareto_tables.seeds(summary(bench, table), BUDGETS).loc["SNIP"]

    assert written["> 2.5 ms"] == "16.67 ± 23.57"

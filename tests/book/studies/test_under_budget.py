"""Picks of two proxies among forty networks whose accuracy is their number."""

import pandas as pd
import pytest

from zsnas import statistics
from zsnas.benchmarks import Benchmark
from zsnas.book.studies import under_budget

ARCHS = [f"a{i:02}" for i in range(40)]


@pytest.fixture
def bench():
    """Network k has accuracy k, k million multiply-accumulates and 40 − k parameters."""
    table = pd.DataFrame({"arch": ARCHS, "validation_accuracy": [float(i) for i in range(40)]})
    table = table.assign(macs=[i * 1e6 for i in range(40)], params=range(40, 0, -1))
    settings = {"licence": "none", "citation": "none", "metric": "validation_accuracy"}
    return Benchmark("toy/data", table, "toy", "toy", **settings)


@pytest.fixture
def found(bench):
    """Of networks 5 to 39, SynFlow picks the best of a budget and #Params the worst."""
    counts = under_budget.counted(bench)
    macs = counts.set_index("arch")["flops"]
    scores = counts[5:].assign(seed=0, batch_size=4, synflow=range(5, 40))
    scores.attrs |= dict.fromkeys(("origin", "batch_source", "machine", "zsnas", "torch"), "here")
    benches = {budget: under_budget.below(bench, macs, budget) for budget in (10e6, 39e6)}
    sampled, whole = {}, {}
    for budget, cheap in benches.items():
        within = counts["arch"].isin(cheap.table["arch"])
        whole[budget] = statistics.best_by_proxy(cheap, counts[within].assign(seed=0), under_budget.COUNTS)
        candidates = scores[scores["arch"].isin(cheap.table["arch"])]
        sampled[budget] = statistics.best_by_proxy(cheap, candidates, [*under_budget.COUNTS, "synflow"])
    return under_budget.Picks(benches, scores, sampled, whole)


def test_a_budget_keeps_what_costs_no_more(bench):
    macs = bench.table.set_index("arch")["macs"]
    assert list(under_budget.below(bench, macs, 2e6).table["arch"]) == ["a00", "a01", "a02"]


def test_candidates_have_every_seed_and_a_value_of_every_proxy():
    scores = pd.DataFrame(
        {"arch": list("aabbc"), "seed": [0, 1, 0, 1, 0], "snip": [1.0, None, None, None, 2.0]}
    )
    assert set(under_budget.of_all_seeds(scores, ["snip"])["arch"]) == {"a"}
    without = scores.assign(fisher=float("nan"))
    assert set(under_budget.of_all_seeds(without, ["snip", "fisher"])["arch"]) == {"a"}


def test_regrets_are_those_of_the_largest_budget(found):
    assert found.order == ["flops", "synflow", "params"]
    assert found.regrets.to_dict() == {"flops": 0.0, "synflow": 0.0, "params": 34.0}
    assert found.finding() == (
        "Of 35 trained networks below 39 M multiply-accumulates, #FLOPs picks one that is 0.00 points below "
        "the best, and #Params one that is 34.00 below. A random one is 19.50 below."
    )


def test_few_candidates_say_nothing(found):
    few = under_budget.Picks(found.benches, found.scores[:4], found.sampled, found.whole)
    assert few.finding() == "Only 4 scored networks compete here, too few to say which proxy picks well."


def test_a_caption_survives_without_candidates(found):
    none = under_budget.Picks(found.benches, found.scores[:0], {}, found.whole)
    assert none.made_with == "No network is scored here."


def test_tables_have_fixed_rows_above_and_below(found):
    accuracies = found.accuracies(pd.Series({"synflow": 74.0}))

    assert list(accuracies.index) == [
        "Best of all",
        "Best of the sample",
        "#Params, {eq}`eq-params`, among all",
        "#FLOPs, {eq}`eq-flops`, among all",
        "#FLOPs",
        "SynFlow, {eq}`eq-synflow`",
        "#Params",
        "A random network (mean)",
    ]
    assert accuracies["10 M"].to_list() == [
        "10.00",
        "10.00",
        "0.00",
        "10.00",
        "10.00",
        "10.00",
        "5.00",
        "5.00",
    ]
    assert accuracies.loc["SynFlow, {eq}`eq-synflow`", "survey, quoted"] == "74.00"
    distances = found.distances()
    assert distances.loc["#Params, {eq}`eq-params`, among all"].to_list() == ["10.00", "11", "39.00", "40"]


def test_a_panel_for_each_budget_ends_with_chance(found):
    panels = found.panels()

    assert list(panels) == ["Below 10 M", "Below 39 M"]
    assert panels["Below 10 M"]["regret"].to_dict() == {
        "#FLOPs": 0.0,
        "SynFlow": 0.0,
        "#Params": 5.0,
        "A random network": 5.0,
    }


def test_proxies_with_fewer_seeds(found):
    assert found.fewer_seeds() == "none"
    again = found.scores.assign(seed=1, synflow=float("nan"))
    both = pd.concat([found.scores, again], ignore_index=True)
    assert under_budget.Picks(found.benches, both, found.sampled, found.whole).fewer_seeds() == "SynFlow"

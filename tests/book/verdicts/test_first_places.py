"""Verdicts on first places follow from accuracies and their intervals, and say which decided."""

import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book import verdicts

PLACE = "Section 1"


def first_places(**accuracies):
    rows = [
        {
            "proxy": proxy,
            "arch": proxy,
            "reached": value,
            "low": value - 1,
            "high": value + 1,
            "regret": 80 - value,
            "n": 50,
            "missing": 0,
        }
        for proxy, value in accuracies.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("snip", "outcome"),
    [(67.5, "agrees"), (69.0, "left open"), (71.0, "left open"), (72.5, "differs")],
)
def test_the_best_first_place(snip, outcome):
    table = first_places(params=70.0, snip=snip)
    verdict = verdicts.finds_the_best("best", PLACE, {"data": table}, ["params"])
    assert verdict.outcome == outcome
    assert "On data: #Params 70.00 [69.00,\N{NO-BREAK SPACE}71.00]; higher: " in verdict.because
    assert verdict.because.endswith("higher: none.") == (snip < 70)


def test_first_places_among_other_candidates_cannot_be_compared():
    table = first_places(params=70.0, snip=60.0)
    table.loc[1, ["n", "missing"]] = 45, 5  # five have no score, which is never first
    assert verdicts.finds_the_best("best", PLACE, {"data": table}, ["params"]).outcome == "agrees"
    table.loc[1, ["n", "missing"]] = 45, 0
    verdict = verdicts.finds_the_best("best", PLACE, {"data": table}, ["params"])
    assert verdict.outcome == "cannot be compared"
    assert verdict.because.startswith("Some proxies were measured on fewer candidates")


def test_one_data_set_that_agrees_and_one_that_differs():
    tables = {"a": first_places(params=70.0, snip=60.0), "b": first_places(params=70.0, snip=75.0)}
    assert verdicts.finds_the_best("best", PLACE, tables, ["params"]).outcome == "agrees in part"


@pytest.mark.parametrize(
    ("best", "outcome"), [("a9", "agrees"), ("snip", "agrees in part"), ("params snip", "differs")]
)
def test_a_gap_is_a_first_place_outside_the_top(best, outcome):
    names = best.split() + [f"a{i}" for i in range(20)]
    names += [name for name in ("params", "snip") if name not in names]
    table = pd.DataFrame({"arch": names, "test_accuracy": [80.0 - i for i in range(len(names))]})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    places = first_places(params=70.0, snip=60.0)
    gap = "gap", PLACE, {"data": places}, {"data": bench}
    verdict = verdicts.leaves_a_gap(*gap, {"data": table}, top=0.06)
    assert verdict.outcome == outcome
    assert "the gap is 10.00 to 20.00 points" in verdict.because
    nothing_good = verdicts.leaves_a_gap(*gap, {"data": table[~table["arch"].isin(names[:2])]}, top=0.06)
    assert nothing_good.outcome == "cannot be compared"
    assert nothing_good.because.startswith("None of the candidates is among the best.")


def test_the_first_of_few_decides_nothing():
    table = first_places(params=70.0, snip=60.0).assign(n=29)
    verdict = verdicts.finds_the_best("best", PLACE, {"data": table}, ["params"])
    assert verdict.outcome == "cannot be compared"
    assert verdict.because.startswith("The first of 29 decides nothing.")


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        ({"snip": 72.5, "fisher": 67.5}, "agrees"),  # one is ahead by more than both intervals
        ({"snip": 72.5, "fisher": 72.6}, "differs"),
        ({"snip": 72.5, "fisher": 70.5}, "left open"),  # the second may be ahead too
    ],
)
def test_the_second_best_may_have_one_ahead(others, outcome):
    table = first_places(params=70.0, flops=70.5, **others)
    printed = {
        "data": pd.Series({"ground_truth": 80.0, "params": 0.5, "flops": 0.5, "snip": 0.6, "fisher": 0.6})
    }
    verdict = verdicts.stays_second("second", PLACE, {"data": table}, ["params", "flops"], printed)
    assert verdict.outcome == outcome
    assert verdict.because.endswith("above theirs are: data 1 (SNIP and Fisher).")


@pytest.mark.parametrize(
    ("score", "scored", "expected"),
    [
        (2.5, 3, ("differs", 1, 3)),
        (3.5, 30, ("agrees", 0, 30)),
        (3.5, 29, ("cannot be compared", 0, 29)),
    ],
)
def test_the_first_has_nothing_ahead(score, scored, expected):
    values = [3.0, *[1.0] * (scored - 1), 9.0, float("nan")]  # the last two: a named one, and one without
    scores = pd.DataFrame({"arch": [f"a{k}" for k in range(scored)] + ["d", "e"], "snip": values})
    named = pd.DataFrame({"arch": ["d", "x"], "snip": [score, 0.0]})
    assert verdicts.names_the_first(scores, named, "snip") == expected


def test_architectures_that_print_as_a_number():
    table = pd.DataFrame({"arch": list("abcd"), "test_accuracy": [60.02, 60.0249, 60.025, 60.0261]})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    assert verdicts.printed_as(bench, 60.02) == ["a", "b", "c"]  # 60.025 may have been rounded either way

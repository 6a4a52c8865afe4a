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


def gap(places, names):
    """Judge with the first two architectures of fifty as the best, of 80 and 79 %."""
    table = pd.DataFrame({"arch": names, "test_accuracy": [80.0 - i for i in range(len(names))]})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    return verdicts.leaves_a_gap("gap", PLACE, {"data": places}, {"data": bench}, {"data": table}, top=0.04)


@pytest.mark.parametrize(
    ("best", "outcome"), [("b c", "agrees"), ("snip b", "agrees in part"), ("params snip", "differs")]
)
def test_a_gap_is_a_first_place_outside_the_top(best, outcome):
    """All fifty are candidates, so that intervals do not matter."""
    names = [*best.split(), *({"params", "snip"} - set(best.split()))]
    names += [f"a{i}" for i in range(50 - len(names))]
    verdict = gap(first_places(params=70.0, snip=60.0), names)
    assert verdict.outcome == outcome
    assert "the gap is 10.00 to 20.00 points" in verdict.because
    assert [check.p for part in verdict.parts for check in part.checks] == [None, None]


@pytest.mark.parametrize(
    ("reached", "outcome"), [(77.9, "agrees"), (78.1, "left open"), (79.9, "left open"), (80.1, "differs")]
)
def test_in_a_sample_the_interval_has_to_be_outside_the_top(reached, outcome):
    places = first_places(params=reached).assign(n=45)
    verdict = gap(places, ["params", *(f"a{i}" for i in range(49))])
    assert verdict.outcome == outcome
    assert verdict.parts[0].checks[0].value == pytest.approx(79 - reached)


def test_candidates_without_one_of_the_best_say_nothing():
    table = pd.DataFrame({"arch": [f"a{i}" for i in range(50)], "test_accuracy": range(50)})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    places, drawn = first_places(params=70.0), {"data": table[:40]}
    verdict = verdicts.leaves_a_gap("gap", PLACE, {"data": places}, {"data": bench}, drawn)
    assert verdict.outcome == "cannot be compared"
    assert verdict.because.startswith("None of the candidates is among the best.")


def test_first_places_are_compared_with_their_intervals():
    table = first_places(params=70.0, snip=60.0)
    ((check,),) = (part.checks for part in verdicts.finds_the_best("", PLACE, {"": table}, ["params"]).parts)
    assert (check.value, check.low, check.high) == (10, 8, 12)


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
    ((second,),) = (part.checks for part in verdict.parts)
    assert second.value == 70.0 - min(others.values())


def test_behind_a_single_other_one_is_second():
    table, printed = first_places(params=70.0, snip=90.0), {"data": pd.Series({"params": 1.0})}
    assert verdicts.stays_second("", PLACE, {"data": table}, ["params"], printed).outcome == "agrees"


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

"""A verdict on fronts follows from the losses and the stated threshold, and says what others would give."""

import math

import pandas as pd
import pytest

from zsnas.book.verdicts import pareto as pareto_verdicts

PLACE = "Section 1"


def losses(tight, relaxed=None):
    """Make a table of avoidable losses, by proxy."""
    return pd.DataFrame({"≤ 10": tight, "> 20": relaxed or tight})


def most(tight, n=1000):
    return pareto_verdicts.most_are_near("most", PLACE, losses(tight), "≤ 10", "jacob_cov", n)


@pytest.mark.parametrize(
    ("snip", "fisher", "params", "jacob_cov", "outcome"),
    [
        (1.0, 2.0, 9.0, 3.0, "agrees"),
        (1.0, 2.0, 9.0, 2.0, "agrees in part"),
        (1.0, 9.0, 9.0, 3.0, "agrees in part"),
        (1.0, 9.0, 9.0, 2.0, "differs"),
    ],
)
def test_most_are_more_than_half_of_the_others(snip, fisher, params, jacob_cov, outcome):
    tight = {"snip": snip, "fisher": fisher, "params": params, "jacob_cov": jacob_cov}

    assert most(tight).outcome == outcome


def test_exactly_half_is_not_most():
    assert most({"snip": 1.0, "fisher": 9.0, "jacob_cov": 3.0}).outcome == "agrees in part"


def test_reason_of_most_names_both_sides_and_other_thresholds():
    because = most({"snip": 0.5, "fisher": 2.0, "params": 3.5, "synflow": 9.0, "jacob_cov": 2.5}).because

    assert (
        "2 of the 4 others do: SNIP (0.5) and Fisher (2.0). Not near: #Params (3.5) and SynFlow (9.0)."
        in because
    )
    assert "Jacob_cov (2.5)." in because
    assert because.endswith(
        "With half the threshold, near: SNIP; with twice: SNIP, Fisher, #Params and Jacob_cov."
    )


def nearest(relaxed, n=1000):
    return pareto_verdicts.these_are_nearest(
        "nearest", PLACE, losses(relaxed), "> 20", ["params", "flops"], n
    )


@pytest.mark.parametrize(
    ("flops", "snip", "outcome"),
    [
        (4.0, 4.1, "agrees"),
        (4.1, 4.1, "agrees in part"),
        (4.1, 0.9, "differs"),
    ],
)
def test_each_of_the_nearest_is_nearer_than_every_other(flops, snip, outcome):
    assert nearest({"params": 1.0, "fisher": 9.0, "flops": flops, "snip": snip}).outcome == outcome


def test_reason_of_nearest_gives_all_losses_and_the_nearest_other_first():
    assert nearest({"params": 1.0, "flops": 2.0, "fisher": 7.0, "snip": 3.0}).because == (
        "Read as: each of these loses less than every other proxy. #Params (1.0) and #FLOPs (2.0); "
        "the others: SNIP (3.0) and Fisher (7.0)."
    )


def relaxed(tight, loose, n=1000):
    return pareto_verdicts.loses_more_when_relaxed("more", PLACE, losses(tight, loose), "≤ 10", "> 20", n)


@pytest.mark.parametrize(
    ("loose", "outcome"),
    [
        ({"snip": 2.0, "params": 3.0}, "agrees"),
        ({"snip": 2.0, "params": 1.0}, "agrees in part"),
        ({"snip": 1.0, "params": 2.0}, "differs"),
    ],
)
def test_every_proxy_has_to_lose_more(loose, outcome):
    verdict = relaxed({"snip": 1.0, "params": 2.0}, loose)

    assert verdict.outcome == outcome
    assert f"SNIP from 1.0 to {loose['snip']} and #Params from 2.0 to {loose['params']}." in verdict.because


@pytest.mark.parametrize(
    "judge",
    [
        lambda n: most({"snip": 1.0, "jacob_cov": 3.0}, n),
        lambda n: nearest({"params": 1.0, "flops": 1.0, "snip": 9.0}, n),
        lambda n: relaxed({"snip": 1.0}, {"snip": 2.0}, n),
    ],
)
def test_few_candidates_decide_nothing(judge):
    assert judge(30).outcome == "agrees"
    assert judge(29).outcome == "cannot be compared"
    assert judge(29).because.startswith("A pick out of 29 decides nothing.")


@pytest.mark.parametrize(
    "verdict",
    [
        most({"snip": math.nan, "jacob_cov": math.nan}),
        nearest({"params": math.nan, "flops": math.nan, "snip": math.nan}),
        relaxed({"snip": math.nan}, {"snip": 2.0}),
        relaxed({"snip": 1.0}, {"snip": math.nan}),
    ],
)
def test_a_band_without_losses_decides_nothing(verdict):
    assert verdict.outcome == "cannot be compared"
    assert verdict.because.startswith("A band has no budget at which every proxy has a candidate.")


def test_only_the_bands_of_the_statement_have_to_have_losses():
    unused = losses({"snip": 1.0, "jacob_cov": 3.0}, {"snip": math.nan, "jacob_cov": math.nan})

    assert pareto_verdicts.most_are_near("most", PLACE, unused, "≤ 10", "jacob_cov", 30).outcome == "agrees"

"""A verdict on fronts follows from the losses and the stated threshold, and says what others would give."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from zsnas.book.verdicts import pareto as pareto_verdicts
from zsnas.book.verdicts.pareto import Losses

PLACE = "Section 1"


def losses(tight, relaxed=None, n=1000, **resampled):
    """Make avoidable losses by proxy; those that are of a sample have as many points more or less there."""
    values = pd.DataFrame({"≤ 10": tight, "> 20": relaxed or tight})
    names = list(product(resampled, values.columns))
    drawn = {(name, band): values.loc[name, band] + np.array(resampled[name]) for name, band in names}
    return Losses(values, pd.DataFrame(drawn, columns=pd.MultiIndex.from_tuples(names, names=["", ""])), n)


def most(tight, n=1000, **resampled):
    return pareto_verdicts.most_are_near("most", PLACE, losses(tight, n=n, **resampled), "≤ 10", "jacob_cov")


@pytest.mark.parametrize(
    ("snip", "fisher", "params", "jacob_cov", "outcome"),
    [
        (1.0, 1.9, 9.0, 3.0, "agrees"),
        (1.0, 2.0, 9.0, 3.0, "agrees in part"),
        (1.0, 1.9, 9.0, 2.0, "agrees in part"),
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
    because = most({"snip": 0.5, "fisher": 1.9, "params": 3.5, "synflow": 9.0, "jacob_cov": 2.5}).because

    assert (
        "2 of the 4 others do. Near: SNIP (0.5) and Fisher (1.9). Open: none. "
        "Not near: #Params (3.5) and SynFlow (9.0). Jacob_cov (2.5)."
    ) in because
    assert because.endswith(
        "with half the threshold, near: SNIP; with twice: SNIP, Fisher, #Params and Jacob_cov."
    )


APART, WIDE = [-0.1, 0.1], [-10.0, 10.0]
"""What resamples add to a loss."""


@pytest.mark.parametrize(
    ("fisher", "jacob_cov", "outcome"),
    [
        (APART, APART, "agrees"),
        (WIDE, APART, "agrees in part"),  # one of two is near and the other may be: not yet most
        (WIDE, WIDE, "left open"),
    ],
)
def test_an_interval_over_the_threshold_leaves_it_open(fisher, jacob_cov, outcome):
    values = {"snip": 1.0, "fisher": 1.5, "jacob_cov": 3.0}
    verdict = most(values, snip=APART, fisher=fisher, jacob_cov=jacob_cov)

    assert verdict.outcome == outcome
    assert ("Open: Fisher (1.5 [−8.0," in verdict.because) == (fisher is WIDE)


def test_what_is_known_without_an_interval_has_no_chance_to_correct():
    verdict = most({"params": 1.0, "fisher": 1.5, "jacob_cov": 3.0}, fisher=APART)
    (params, fisher), (jacob_cov,) = (part.checks for part in verdict.parts)

    assert (params.p, jacob_cov.p) == (None, None)
    assert fisher.p < 0.05


def nearest(relaxed, n=1000, **resampled):
    return pareto_verdicts.these_are_nearest(
        "nearest", PLACE, losses(relaxed, n=n, **resampled), "> 20", ["params", "flops"]
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


@pytest.mark.parametrize(
    ("snip", "outcome"),
    [
        ([-0.5, 0.0, 0.5], "agrees"),  # wide, but in every resample SNIP loses more, by 0.1
        ([0.5, 0.0, -0.5], "left open"),
    ],
)
def test_two_proxies_are_compared_in_the_same_resamples(snip, outcome):
    values = {"params": 4.0, "flops": 4.0, "snip": 4.1}
    moves = [-0.5, 0.0, 0.5]

    assert nearest(values, params=moves, flops=moves, snip=snip).outcome == outcome


def relaxed(tight, loose, n=1000, **resampled):
    return pareto_verdicts.loses_more_when_relaxed(
        "more", PLACE, losses(tight, loose, n, **resampled), "≤ 10", "> 20"
    )


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
    assert f"SNIP from 1.0 to {loose['snip']} (by {loose['snip'] - 1.0:.1f}) and " in verdict.because


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
    unused = losses({"snip": 1.0, "jacob_cov": 3.0}, {"snip": math.nan, "jacob_cov": math.nan}, n=30)

    assert pareto_verdicts.most_are_near("most", PLACE, unused, "≤ 10", "jacob_cov").outcome == "agrees"

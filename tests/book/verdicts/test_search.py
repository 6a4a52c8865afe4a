"""What the survey's own table says of its sentences on search by proxy."""

import pandas as pd

from zsnas.book.verdicts import search

TOP = pd.Series({"one_shot": 75.0, "ntk_cond": 74.5, "synflow": 73.0, "snip": float("nan")})


def test_gaps_are_in_points_and_nearest_first():
    verdict = search.is_close("close", "here", TOP)

    assert verdict.outcome == "cannot be compared"
    assert "1 of 2 proxies less than one point behind it" in verdict.because
    assert verdict.because.endswith("behind by: NTK_Cond 0.50 and SynFlow 2.00.")


def test_the_order_of_the_finds_beside_that_of_the_picks():
    regrets = pd.Series({"synflow": 0.1, "params": 0.2, "ntk_cond": 0.3})

    verdict = search.comes_closest("closest", "here", TOP, "ntk_cond", regrets, "600 M")

    assert "NTK_Cond has rank 1 of 2" in verdict.because
    assert "SynFlow 0.10 and NTK_Cond 0.30" in verdict.because
    assert verdict.because.endswith("over these 2 proxies, is −1.00.")
    nothing = search.comes_closest("closest", "here", TOP, "ntk_cond", regrets[:0], "600 M")
    assert "nothing is scored" in nothing.because


def test_factors_of_the_cost():
    hours = pd.Series({"one_shot": 200.0, "snip": 1.0, "synflow": 10.0, "ntk_cond": 50.0})

    verdict = search.costs_less("less", "here", hours, {"snip": "2.0"})

    assert (
        "at least 10 for 2 of 3 proxies and at least 100 for 1; it is smallest for NTK_Cond, 4."
        in verdict.because
    )
    assert verdict.because.endswith("steps here: SNIP 2.0.")

"""The five sentences of the front page, on correlations whose answers are known."""

import pandas as pd
import pytest

from zsnas.book.studies import findings


@pytest.fixture
def table():
    rows = [
        # benchmark, proxy, over all, over the top
        ("a", "params", 0.5, 0.1),
        ("a", "flops", 0.4, 0.2),
        ("a", "synflow", 0.6, 0.3),
        ("a", "snip", 0.1, 0.2),
        ("b", "params", 0.2, None),
        ("b", "flops", 0.7, None),
        ("b", "synflow", 0.3, None),
        ("b", "snip", -0.4, None),
    ]
    pairs = [
        (benchmark, proxy, subset, value, 100)
        for benchmark, proxy, *values in rows
        for subset, value in zip(("all", "top"), values, strict=True)
        if value is not None
    ]
    return pd.DataFrame(pairs, columns=["benchmark", "proxy", "subset", "value", "n"])


def test_counts_are_compared_with_the_median_and_with_each(table):
    # The medians of SynFlow and SNIP are 0.35 and -0.05; #Params has 0.5 and 0.2. SynFlow is ahead of it
    # twice.
    found = findings.counts_are_hard_to_beat(table)
    assert found.startswith("On 2 of 2 benchmarks")
    assert found.endswith("SynFlow on 2 of 2.")


def test_who_wins_everywhere_is_ahead_of_both_counts(table):
    # On b #FLOPs has 0.7 and SynFlow 0.3.
    assert findings.nobody_wins_everywhere(table) == (
        "No proxy is ahead of both counts everywhere; SynFlow is most often, on 1 of 2 benchmarks."
    )


def test_the_top_is_compared_where_both_are_known(table):
    # On a: 0.5, 0.4, 0.6, 0.1 become 0.1, 0.2, 0.3, 0.2; the medians are 0.45 and 0.2, and SNIP rises.
    found = findings.the_top_is_lost(table)
    assert "falls from 0.45 to 0.20" in found
    assert "3 of 4 pairs" in found


def test_without_a_top_it_says_so(table):
    assert findings.the_top_is_lost(table[table["subset"] == "all"]).startswith("No benchmark has enough")


def test_the_widest_range_is_named(table):
    # SNIP: 0.1 and -0.4, a range of 0.5, more than 0.3 of the others.
    assert findings.the_space_matters(table) == (
        "One proxy is not one number: SNIP has τ = 0.10 on a and −0.40 on b."
    )


@pytest.mark.mirror
def test_the_largest_cell_of_nb201_is_the_survey_s_pick_by_params():
    assert "71.1 % on CIFAR-100, 2.4 points below the best" in findings.the_pick_is_behind()  # its Table IV

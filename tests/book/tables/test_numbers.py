"""Numbers are written in one way everywhere."""

import pandas as pd
import pytest

from zsnas.book import tables


@pytest.mark.parametrize(
    ("value", "written"),
    [(-0.123, "−0.12"), (-0.004, "0.00"), (0.5, "0.50"), (float("nan"), "–"), (73.512, "73.51")],
)
def test_numbers(value, written):
    assert tables.number(value) == written


def test_an_interval_is_left_out_where_there_is_none():
    assert tables.interval(0.5, -0.02, 0.75) == "0.50 [−0.02,\N{NO-BREAK SPACE}0.75]"
    assert tables.interval(0.5, float("nan"), float("nan")) == "0.50"


def test_a_column_of_intervals_has_the_ends_of_its_name():
    rows = pd.DataFrame({"kt": [0.5, -0.25], "kt_low": [0.25, float("nan")], "kt_high": [0.75, float("nan")]})
    assert tables.intervals(rows, "kt", "kt_") == ["0.50 [0.25,\N{NO-BREAK SPACE}0.75]", "−0.25"]


def test_what_has_no_score_stands_in_brackets():
    assert tables.counted(1985, 15) == "1,985 (15)"

"""The marks of the cost figure are the medians, cheapest first, sets last."""

import pandas as pd
import pytest

from zsnas import figures
from zsnas.book.figures import cost as cost_drawing


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "proxy": ["twelve", "grasp", "params", "logdet", "twelve_by_image"],
            "cost": [9.2, 4.0, 0.02, 0.5, 4.2],
            "low": [9.0, 3.5, 0.01, 0.4, 4.0],
            "high": [9.4, 5.0, 0.03, 0.6, 4.4],
        }
    )


def test_marks_are_the_medians_cheapest_first_and_sets_last(table):
    axes = cost_drawing.cost_dots(table).axes[0]

    assert [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()] == [
        "#Params",
        "Logdet",
        "GraSP",
        "the survey’s twelve together, with NTK_Cond as printed",
        "the survey’s twelve together",
    ]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is at the top
    marks = {line.get_label(): line.get_xydata().tolist() for line in axes.lines[:4]}
    assert marks == {
        "naive": [[0.02, 0]],
        "gradient-free": [[0.5, 1]],
        "gradient-based": [[4.0, 2]],
        "several together": [[4.2, 3], [9.2, 4]],
    }
    assert len({line.get_marker() for line in axes.lines[:4]}) == 4


def test_lines_are_the_ranges(table):
    (ranges,) = cost_drawing.cost_dots(table).axes[0].collections

    assert [segment[:, 0].tolist() for segment in ranges.get_segments()] == [
        [0.01, 0.03],
        [0.4, 0.6],
        [3.5, 5.0],
        [4.0, 4.4],
        [9.0, 9.4],
    ]


def test_axis_is_logarithmic_and_marks_one_pass(table):
    axes = cost_drawing.cost_dots(table).axes[0]

    assert axes.get_xscale() == "log"
    assert list(axes.lines[4].get_xdata()) == [1, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        *("0.01", "0.03", "0.1", "0.3", "1", "3", "10")
    ]
    assert not len(axes.get_xticks(minor=True))


def test_words_name_the_ends_and_the_sets_and_count_the_cheap(table):
    assert cost_drawing.cost_dots_alt(table) == (
        "Dot chart of the cost of 3 proxies in bare forward and backward passes, "
        "from #Params (0.02) to GraSP (4); 2 cost less than one pass; "
        "the survey’s twelve together, with NTK_Cond as printed cost 4.2; "
        "the survey’s twelve together cost 9.2."
    )


def test_figure_is_the_same_bytes_each_time(table):
    assert figures.svg(cost_drawing.cost_dots(table)) == figures.svg(cost_drawing.cost_dots(table))

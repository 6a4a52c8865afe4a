"""The dots of the cost figure are the medians, cheapest first."""

import pandas as pd
import pytest

from zsnas import cost_drawing, figures


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "proxy": ["grasp", "params", "logdet", "together"],
            "cost": [4.0, 0.02, 0.5, 4.2],
            "low": [3.5, 0.01, 0.4, 4.0],
            "high": [5.0, 0.03, 0.6, 4.4],
        }
    )


def test_dots_are_the_medians_cheapest_first(table):
    axes = cost_drawing.cost_dots(table).axes[0]

    assert [label.get_text() for label in axes.get_yticklabels()] == ["#Params", "Logdet", "GraSP"]
    dots = {line.get_label(): line.get_xydata().tolist() for line in axes.lines[:3]}
    assert dots == {"naive": [[0.02, 0]], "gradient-free": [[0.5, 1]], "gradient-based": [[4.0, 2]]}


def test_lines_are_the_ranges(table):
    (ranges,) = cost_drawing.cost_dots(table).axes[0].collections

    assert [segment[:, 0].tolist() for segment in ranges.get_segments()] == [
        [0.01, 0.03],
        [0.4, 0.6],
        [3.5, 5.0],
    ]


def test_words_name_the_ends_and_count_the_cheap(table):
    words = cost_drawing.cost_dots_alt(table)

    assert "cost of 3 proxies" in words
    assert "from #Params (0.02) to GraSP (4)" in words
    assert words.endswith("2 cost less than one pass.")


def test_figure_is_the_same_bytes_each_time(table):
    assert figures.svg(cost_drawing.cost_dots(table)) == figures.svg(cost_drawing.cost_dots(table))

"""The panels of first places show every row once, and the survey's number where there is one."""

import pandas as pd

from zsnas.book.figures import regrets

NAN = float("nan")


def table(*distances, survey=NAN):
    rows = {"regret": distances, "low": NAN, "high": NAN, "survey": survey}
    return pd.DataFrame(rows, index=[f"proxy {k}" for k in range(len(distances))])


def test_a_panel_for_each_data_set_with_the_rows_of_all():
    figure = regrets.panels({"A": table(1.0, 2.0, survey=3.0), "B": table(4.0, 5.0, 6.0)})

    first, second = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["A", "B"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["proxy 0", "proxy 1", "proxy 2"]
    here, survey = first.lines
    assert list(here.get_xdata())[:2] == [1.0, 2.0]
    assert list(survey.get_xdata())[:2] == [3.0, 3.0]
    assert list(second.lines[0].get_xdata()) == [4.0, 5.0, 6.0]
    assert len(figure.legends) == 1


def test_the_unit_stands_below_or_in_the_titles():
    def below(figure):
        return figure.get_supxlabel()

    assert below(regrets.panels({"A": table(1.0)}, "points")) == "Below the best (points)"
    assert below(regrets.panels({"A (points)": table(1.0)})) == "Below the best"


def test_the_pick_that_is_the_best_is_drawn_whole_though_it_stands_on_the_axis():
    (axes,) = regrets.panels({"A": table(0.0, 1.0, survey=0.0)}).axes
    assert axes.get_xlim()[0] == 0
    assert [line.get_clip_on() for line in axes.lines] == [False, False]


def test_without_the_survey_there_is_no_legend():
    assert regrets.panels({"A": table(1.0)}).legends == []


def test_the_text_names_the_nearest_and_the_furthest():
    text = regrets.panels_alt({"A": table(1.0, 2.0), "none": table(NAN)}, "SSIM")

    assert text.startswith(
        "Dots by proxy. Below the best (SSIM): A: nearest proxy 0, 1.00; furthest proxy 1, 2.00."
    )

import pandas as pd

from zsnas import figures
from zsnas.book.figures import likeness, shares, strengths


def test_a_map_has_a_number_in_each_square_but_the_diagonal():
    table = pd.DataFrame([[1, 0.5], [0.5, 1]], ["params", "snip"], ["params", "snip"])
    [axes, *_] = likeness.likeness_map(table).axes
    assert [text.get_text() for text in axes.texts] == [".50", ".50"]
    assert "#Params and SNIP, 0.50" in likeness.likeness_map_alt(table)


def test_a_panel_for_each_benchmark():
    rows = [("params", ratio, tau) for ratio, tau in ((0.05, 0.1), (1.0, 0.5))]
    table = pd.DataFrame(rows, columns=["proxy", "ratio", "value"]).assign(statistic="KT")
    found = {"first": table, "second": table, "third": table}
    figure = shares.share_panels(found, ["params", "snip"])
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()] == list(found)
    assert "third: #Params from 0.50 to 0.10" in shares.share_panels_alt(found, ["params", "snip"])


def test_a_curve_over_the_strengths_of_an_attack():
    table = pd.DataFrame([[0.5, -0.1], [1.0, 0.2]], ["params", "clean_accuracy"], ["none", "1"])
    [axes] = strengths.strength_curves(table, "τ").axes
    assert [line.get_label() for line in axes.lines[:2]] == ["#Params", "clean accuracy"]
    assert "clean accuracy from 1.00 to 0.20" in strengths.strength_curves_alt(table)


def test_the_noise_ceiling_is_a_line_for_each_subset():
    rows = [("params", statistic, subset) for statistic in ("KT", "SPR") for subset in ("all", "top")]
    table = pd.DataFrame(rows, columns=["proxy", "statistic", "subset"])
    table = table.assign(value=0.5, low=0.4, high=0.6, n=100, missing=0, seeds=1)
    [axes] = figures.correlation_dumbbells(table, ceiling={"all": 0.9, "top": 0.5}).axes
    dashed = {line.get_label(): line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"}
    assert dashed == {figures.CEILINGS["all"]: 0.9, figures.CEILINGS["top"]: 0.5}

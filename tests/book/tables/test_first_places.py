"""Tables of first places begin with what is known of the whole space."""

import pandas as pd
import pytest

from zsnas.book import tables


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


@pytest.fixture
def chosen():
    """Return first places of #Params, exact, and of three proxies over a sample; Logdet has none."""
    nothing = float("nan")
    rows = [
        ("params", 71.0, 70.0, 72.0, 2.5, 1200.0, 3.0, 4567.0, 10, 0),
        ("snip", 72.125, 70.0, 73.0, 1.375, 40.0, 2.0, 900.0, 9, 1),
        ("logdet", nothing, nothing, nothing, nothing, nothing, nothing, nothing, 0, 10),
    ]
    columns = [
        "proxy",
        "reached",
        "low",
        "high",
        "regret",
        "rank",
        "rank_low",
        "rank_high",
        "n",
        "missing",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_first_places_begin_with_the_whole_space_and_the_survey_stands_there(chosen):
    whole = chosen[:1].assign(n=32_768)
    written = tables.first_places(whole, chosen, pd.Series({"params": 71.11, "snip": 60.02}))
    assert list(written.index) == [
        "#Params, {eq}`eq-params`, whole space",
        "SNIP, {eq}`eq-snip`",
        "#Params",
        "Logdet, {eq}`eq-logdet`",
    ]
    assert written["survey"].tolist() == ["71.11", "60.02", "–", "–"]
    assert written["first here"].tolist()[0] == "71.00"
    assert written["first here"].tolist()[2] == "71.00 [70.00,\N{NO-BREAK SPACE}72.00]"
    assert written["below the best"].tolist() == ["2.50", "1.38", "2.50", "–"]
    assert written["rank"].tolist() == [
        "1,200",
        "40 [2,\N{NO-BREAK SPACE}900]",
        "1,200 [3,\N{NO-BREAK SPACE}4,567]",
        "–",
    ]
    assert written["candidates"].tolist() == ["32,768", "9", "10", "0"]
    assert written["missing"].tolist() == ["0", "1", "0", "10"]


def test_what_is_found_can_have_more_digits_than_what_is_printed(chosen):
    written = tables.first_places(chosen[:1], chosen[:0], pd.Series({"params": 71.1}), decimals=3).iloc[0]
    assert [*written[["survey", "first here", "below the best"]]] == ["71.10", "71.000", "2.500"]


def test_regret_can_have_more_digits(chosen):
    table = chosen[:1].assign(regret_sd=0.25, choices=3, seeds=5)
    assert cells(tables.regret_table(table, "Caption.", "tab-x", decimals=3))[-1][1:3] == ["2.500", "0.250"]


def test_regret_is_written_smallest_first_with_its_spread(chosen):
    table = chosen[:2].assign(regret_sd=[0.5, float("nan")], choices=[3, 1], seeds=[5, 1])
    _, _, *rows = cells(tables.regret_table(table, "Caption.", "tab-x"))
    assert rows == [
        ["SNIP", "1.38", "–", "40 [2,\N{NO-BREAK SPACE}900]", "1", "9"],
        ["#Params", "2.50", "0.50", "1,200 [3,\N{NO-BREAK SPACE}4,567]", "3", "10"],
    ]

"""Tables are Markdown with the numbers of the data, in the order of Kendall's τ over all."""

import itertools

import pandas as pd
import pytest

from zsnas import tables


@pytest.fixture
def table():
    rows = [
        {
            "proxy": proxy,
            "statistic": statistic,
            "subset": subset,
            "value": value,
            "n": 1731 if subset == "all" else 782,
        }
        for (proxy, value), statistic, subset in itertools.product(
            (("params", 0.25), ("logdet", 0.5)), ("KT", "SPR"), ("all", "top")
        )
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(
        low=frame["value"] - 0.26, high=frame["value"] + 0.01, seed_sd=0.0125, seeds=5, missing=3
    )


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("value", "written"),
    [(-0.123, "−0.12"), (-0.004, "0.00"), (0.5, "0.50"), (float("nan"), "–"), (73.512, "73.51")],
)
def test_numbers(value, written):
    assert tables.number(value) == written


def test_an_interval_is_left_out_where_there_is_none():
    assert tables.interval(0.5, -0.02, 0.75) == "0.50 [−0.02,\N{NO-BREAK SPACE}0.75]"
    assert tables.interval(0.5, float("nan"), float("nan")) == "0.50"


def test_a_numbered_table_is_a_directive_with_its_name():
    frame = pd.DataFrame({"a": ["1"], "b": ["2"]}, index=pd.Index(["x"], name="Key"))
    assert tables.numbered(frame, "What it is.", "tab-x") == (
        ":::{table} What it is.\n:name: tab-x\n\n| Key | a | b |\n| :-- | --: | --: |\n| x | 1 | 2 |\n:::"
    )


def test_words_stand_left():
    frame = pd.DataFrame({"a": ["one"], "b": ["two"]}, index=pd.Index(["x"], name="Key"))
    assert cells(tables.numbered(frame, "What it is.", "tab-x", align="left"))[1] == [":--"] * 3


def test_correlations_are_in_order_and_linked_to_their_equation(table):
    header, _, first, second = cells(tables.correlation_table(table, "Caption.", "tab-x"))
    assert header[1:3] == ["KT, all", "KT, top 5\N{NO-BREAK SPACE}%"]
    assert first[0] == "Logdet, {eq}`eq-logdet`"
    assert second == [
        "#Params, {eq}`eq-params`",
        *["0.25 [−0.01,\N{NO-BREAK SPACE}0.26]"] * 4,
        *("1,731 (3)", "5"),
    ]


def test_spread_stands_beside_the_half_interval_of_the_figure(table):
    header, _, first, _ = cells(tables.spread_table(table.assign(n=200), table, "Caption.", "tab-x"))
    assert header[1:4] == ["KT, mean", "KT, seeds", "KT, architectures"]
    assert first == ["Logdet", "0.50", "0.013", "0.135", "0.50", "0.013", "0.135", "200"]


@pytest.mark.parametrize(("deviation", "named"), [(0.06, "none"), (0.07, "Logdet")])
def test_spread_names_the_proxies_that_the_seed_moves_further_than_half_of_their_interval(
    table, deviation, named
):
    logdet = table[table["proxy"] == "logdet"].assign(seed_sd=deviation, n=200)  # half of its interval: 0.135
    written = tables.spread_table(logdet, table, "Caption.", "tab-x")
    assert written.endswith(f"more than half of the interval) for: {named}.")


def test_points_of_a_curve_are_rows(table):
    curve = pd.concat([table[table["subset"] == "all"].assign(ratio=ratio) for ratio in (0.05, 0.5, 1.0)])
    header, _, *rows = cells(tables.ratio_table(curve, [1.0, 0.05], "Caption.", "tab-x"))
    assert header == ["Kept", "#Params, KT", "#Params, SPR", "Logdet, KT", "Logdet, SPR", "n"]
    assert [row[0] for row in rows] == ["100\N{NO-BREAK SPACE}%", "5\N{NO-BREAK SPACE}%"]
    assert rows[1][1:4] == [
        *["0.25 [−0.01,\N{NO-BREAK SPACE}0.26]"] * 2,
        "0.50 [0.24,\N{NO-BREAK SPACE}0.51]",
    ]


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
        "test_accuracy",
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


def test_other_images_stand_beside_each_other_most_alike_first(table):
    alike = pd.DataFrame(
        {"value": [0.2, 0.9], "low": [0.1, 0.8], "high": [0.3, 1.0]}, index=["params", "logdet"]
    )

    head, _, first, second = cells(
        tables.images_table(alike, {"small": table, "large": table}, "Caption.", "tab-x")
    )

    assert head == ["Proxy", "τ between both", "τ with truth, small", "τ with truth, large"]
    assert first[:2] == ["Logdet", "0.90 [0.80,\N{NO-BREAK SPACE}1.00]"]
    assert second[0] == "#Params"
    assert first[2] == first[3] == "0.50 [0.24,\N{NO-BREAK SPACE}0.51]"

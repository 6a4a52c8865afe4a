"""Tables are Markdown with the numbers of the data, in the order of Kendall's τ over all."""

import itertools

import pandas as pd
import pytest

from zsnas.book import tables


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
        low=frame["value"] - 0.26,
        high=frame["value"] + 0.01,
        seed_sd=0.0125,
        seeds=5,
        missing=3,
        value_with_undefined=frame["value"] / 2,
        low_with_undefined=-0.5,
        high_with_undefined=0.5,
    )


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_a_numbered_table_is_a_directive_with_its_name():
    frame = pd.DataFrame({"a": ["1"], "b": ["2"]}, index=pd.Index(["x"], name="Key"))
    assert tables.numbered(frame, "What it is.", "tab-x") == (
        ":::{table} What it is.\n:name: tab-x\n\n| Key | a | b |\n| :-- | --: | --: |\n| x | 1 | 2 |\n:::"
    )


def test_how_a_table_was_computed_stands_below_it():
    frame = pd.DataFrame({"a": ["1"]}, index=pd.Index(["x"], name="Key"))
    written = tables.numbered(frame, "What it is.", "tab-x", legend="Of 3.")
    assert written.endswith("| x | 1 |\n:::\n\n:::{legend}\nOf 3.\n:::")


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


def test_what_is_undefined_is_ranked_below_the_table(table):
    table.loc[table["proxy"] == "params", "missing"] = 0
    table.loc[(table["proxy"] == "logdet") & (table["subset"] == "top"), "value_with_undefined"] = -0.1
    written = tables.correlation_table(table, "Caption.", "tab-x", top=0.2)
    ends = "[−0.50,\N{NO-BREAK SPACE}0.50]"
    assert written.endswith(f":::\n\n{tables.undefined_ranked(table, top=0.2)}")
    assert written.endswith(f"(top 20\N{NO-BREAK SPACE}%): Logdet 0.25 {ends} (−0.10 {ends}).")


def test_where_all_is_defined_nothing_is_ranked(table):
    assert tables.undefined_ranked(table.assign(missing=0)) == ""
    assert tables.correlation_table(table.assign(missing=0), "Caption.", "tab-x").endswith("|\n:::")


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

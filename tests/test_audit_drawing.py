"""The dumbbells stand where the numbers say, and matter when the table says so."""

import pandas as pd
import pytest

from zsnas import audit_drawing, figures

JUDGEMENTS = {"snip_printed": "matters", "snip_running": "undecided", "logdet_printed": "does not matter"}


@pytest.fixture
def table():
    rows = [
        {
            "proxy": proxy,
            "original": proxy.split("_")[0],
            "subset": subset,
            "kt": 0.1 * k,
            "original_kt": 0.4,
            "difference": 0.1 * k - 0.4,
            "low": 0.1 * k - 0.5,
            "high": 0.1 * k - 0.3,
            "judgement": judgement,
        }
        for k, (proxy, judgement) in enumerate(JUDGEMENTS.items(), start=1)
        for subset in ("all", "top")
    ]
    return pd.DataFrame(rows)


def test_lines_join_original_and_variant_and_are_thick_when_it_matters(table):
    axes = audit_drawing.dumbbells(table).axes[0]
    joins = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == 0.4]

    assert [line.get_xdata()[1] for line in joins] == pytest.approx([0.1, 0.2, 0.3])
    widths = [line.get_linewidth() for line in joins]
    assert widths[0] > widths[1] == widths[2]
    assert [line.get_linestyle() for line in joins] == ["-", ":", "-"]


def test_whisker_is_the_interval_of_the_difference_from_the_original(table):
    axes = audit_drawing.dumbbells(table).axes[1]
    ends = [collection.get_segments()[0][:, 0].tolist() for collection in axes.collections]

    assert ends == [pytest.approx([0.0, 0.2]), pytest.approx([0.1, 0.3]), pytest.approx([0.2, 0.4])]


def test_rows_have_the_labels_of_the_variants(table):
    axes = audit_drawing.dumbbells(table).axes[0]

    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert labels == ["SNIP (Eq. 2)", "SNIP, running statistics", "Logdet (Eq. 18)"]


def test_words_count_what_matters_and_name_the_largest(table):
    words = audit_drawing.dumbbells_alt(table, top=0.1)

    assert "Over all architectures 1 of 3 differences matter; the largest is −0.30 (SNIP (Eq. 2))." in words
    assert "Over the top 10 % 1 of 3" in words


def test_subset_without_architectures_is_drawn_empty(table):
    empty = table["subset"] == "top"
    table.loc[empty, ["kt", "original_kt", "difference", "low", "high"]] = float("nan")
    table.loc[empty, "judgement"] = "undecided"

    assert figures.svg(audit_drawing.dumbbells(table))
    assert audit_drawing.dumbbells_alt(table).endswith("Over the top 5 % 0 of 0 differences matter.")

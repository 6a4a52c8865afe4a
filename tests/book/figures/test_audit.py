"""The dumbbells stand where the numbers say, and matter when the table says so."""

import pandas as pd
import pytest

from zsnas import figures
from zsnas.book.figures import audit as audit_drawing

JUDGEMENTS = {"snip_printed": "matters", "snip_running": "undecided", "logdet_printed": "does not matter"}


@pytest.fixture
def table():
    rows = [
        {
            "proxy": proxy,
            "reference": "snip" if proxy.startswith("snip") else "logdet_running",
            "subset": subset,
            "kt": 0.1 * k,
            "reference_kt": 0.4,
            "difference": 0.1 * k - 0.4,
            "difference_low": 0.1 * k - 0.5,
            "difference_high": 0.1 * k - 0.3,
            "judgement": judgement,
            "n": 1000 + k if subset == "all" else 50,
        }
        for k, (proxy, judgement) in enumerate(JUDGEMENTS.items(), start=1)
        for subset in ("all", "top")
    ]
    return pd.DataFrame(rows)


def marks(axes, marker):
    return [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == marker]


def test_lines_join_reference_and_variant_and_are_thick_when_it_matters(table):
    axes = audit_drawing.dumbbells(table).axes[0]
    joins = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == 0.4]

    assert [line.get_xdata()[1] for line in joins] == pytest.approx([0.1, 0.2, 0.3])
    widths = [line.get_linewidth() for line in joins]
    assert widths[0] > widths[1] == widths[2]
    assert [line.get_linestyle() for line in joins] == ["-", ":", "-"]


def test_circles_are_the_references_and_diamonds_the_variants(table):
    axes = audit_drawing.dumbbells(table).axes[1]

    assert marks(axes, "o") == [[0.4, 0], [0.4, 1], [0.4, 2]]
    assert [place for place, _ in marks(axes, "D")] == pytest.approx([0.1, 0.2, 0.3])


def test_whisker_is_the_interval_of_the_difference_from_the_reference(table):
    axes = audit_drawing.dumbbells(table).axes[1]
    ends = [collection.get_segments()[0][:, 0].tolist() for collection in axes.collections]

    assert ends == [pytest.approx([0.0, 0.2]), pytest.approx([0.1, 0.3]), pytest.approx([0.2, 0.4])]


def test_rows_have_the_labels_of_the_variants_and_of_other_references(table):
    axes = audit_drawing.dumbbells(table).axes[0]

    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert labels == [
        "SNIP as printed",
        "SNIP, running statistics",
        "Logdet as printed against Logdet, running statistics",
    ]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is at the top


def test_panels_say_how_many_architectures(table):
    panels = audit_drawing.dumbbells(table).axes

    titles = [axes.get_title(loc="left").replace("\N{NO-BREAK SPACE}", " ") for axes in panels]
    assert titles == ["All architectures\n(n = 1,001 to 1,003)", "Top 5 %\n(n = 50)"]


def test_legend_explains_every_mark(table):
    (legend,) = audit_drawing.dumbbells(table).legends

    assert [text.get_text() for text in legend.get_texts()] == [
        "reference",
        "variant",
        "matters",
        "does not matter",
        "undecided",
        "interval of the difference",
    ]


def test_words_count_what_matters_and_name_the_largest(table):
    words = audit_drawing.dumbbells_alt(table).replace("\N{NO-BREAK SPACE}", " ")

    assert (
        "Over all architectures 1 of 3 differences matter; the largest is −0.30 (SNIP as printed)." in words
    )
    assert "Over the top 5 % 1 of 3" in words


def test_subset_without_architectures_is_drawn_empty(table):
    empty = table["subset"] == "top"
    values = ["kt", "reference_kt", "difference", "difference_low", "difference_high"]
    table.loc[empty, values] = float("nan")
    table.loc[empty, "judgement"] = "undecided"

    assert figures.svg(audit_drawing.dumbbells(table))
    words = audit_drawing.dumbbells_alt(table).replace("\N{NO-BREAK SPACE}", " ")
    assert words.endswith("Over the top 5 % 0 of 0 differences matter.")

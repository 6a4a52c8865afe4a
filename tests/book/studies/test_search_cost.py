"""The points of the survey's Figure 1, and what they say."""

import numpy as np
import pandas as pd
import pytest

from zsnas.book.studies import search_cost


@pytest.fixture
def few():
    """Return points whose comparisons are known: two multi-shot searches, two one-shot, one zero-shot."""
    rows = [
        ("multi-shot", 1000.0, 80.0, 0.5),
        ("multi-shot", 1000.0, 82.0, 0.6),
        ("multi-shot", 200.0, 84.0, 20.0),
        ("one-shot", 10.0, 75.0, 0.4),
        ("one-shot", 50.0, 70.0, 5.0),
        ("zero-shot", 0.1, 79.5, 0.5),
    ]
    return pd.DataFrame(rows, columns=["kind", "search_kg_co2", "imagenet1k_top1", "gmacs"])


def test_transcribed_are_100_points_each_with_its_source():
    points = search_cost.points()

    assert points["kind"].value_counts().to_dict() == {"one-shot": 73, "multi-shot": 22, "zero-shot": 5}
    assert points["source"].str.contains("arXiv:2307.01998").all()
    assert points.notna().all(axis=None)


def test_a_search_counts_once(few):
    assert {kind: list(found) for kind, found in search_cost.costs(few).items()} == {
        "multi-shot": [200, 1000],
        "one-shot": [10, 50],
        "zero-shot": [0.1],
    }


def test_networks_of_one_size_are_compared(few):
    # 0.5: beside it 0.5 and 0.6 (mean 81) of multi-shot, and 0.4 of one-shot.
    first, second = search_cost.matched(few, 1.5).to_dict("records")

    assert (first["kind"], first["n"], first["other"], first["difference"]) == ("multi-shot", 2, 81, -1.5)
    assert first["ratio"] == pytest.approx(10_000)
    assert (second["kind"], second["n"], second["difference"]) == ("one-shot", 1, 4.5)
    assert second["ratio"] == pytest.approx(100)


def test_without_a_network_of_its_size_there_is_no_comparison(few):
    alone = search_cost.matched(few, 1.1)
    assert list(alone["n"]) == [1, 0]
    assert np.isnan(alone["difference"][1])
    assert len(search_cost.match_table(alone)) == 1


def test_verdicts(few):
    cost, accuracy, orders = search_cost.judged(few, search_cost.matched(few, 1.5))

    # A resample of 200 and 1000 has the median 200, 600 or 1000, one of 10 and 50 has 10, 30 or 50. One
    # in 16 has 200 / 50 = 4, so the interval begins below ten; one in 16 has 1000 / 10. All medians are a
    # hundred times 0.1 or more.
    assert cost.outcome == "agrees in part"
    assert "multi-shot to one-shot 20 [4,\N{NO-BREAK SPACE}100]" in cost.because
    assert "one-shot to zero-shot 300 [100,\N{NO-BREAK SPACE}500]" in cost.because
    assert accuracy.outcome == "agrees in part"  # 1.5 points behind multi-shot, ahead of one-shot
    assert "holds for 1 of 2" in accuracy.because
    assert orders.outcome == "agrees"  # factors of 10,000 and 100


def test_words_come_from_the_points(few):
    finding = search_cost.finding(few, search_cost.matched(few, 1.5))
    assert "600 kg" in finding  # the median of 200 and 1000
    assert "in 1 of 2 comparisons" in finding
    assert "n = 6 networks" in search_cost.caption(few)

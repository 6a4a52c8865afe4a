"""Sentences about all proxies, judged on boards of two benchmarks that are made by hand."""

import pandas as pd
import pytest

from zsnas.book.verdicts import boards as judge

WHERE = "Section 1"


def board(over_all, top=None, width=0.05, n=100):
    """Make a board of Kendall's τ by benchmark and proxy, with intervals of this width to each side."""
    rows = [
        {
            "benchmark": benchmark,
            "subset": subset,
            "proxy": proxy,
            "reference": count,
            "value": kt - kts[count],
            "low": kt - kts[count] - width * (proxy != count),
            "high": kt - kts[count] + width * (proxy != count),
            "kt": kt,
            "kt_low": kt - width,
            "kt_high": kt + width,
            "n": n,
        }
        for subset, part in (("all", over_all), ("top", top or {}))
        for benchmark, kts in part.items()
        for proxy, kt in kts.items()
        for count in ("params", "flops")
    ]
    return pd.DataFrame(rows)


GOOD = {"params": 0.5, "flops": 0.4, "snip": 0.6, "logdet": 0.3}
POOR = {"params": 0.5, "flops": 0.4, "snip": 0.1, "logdet": -0.3}


def test_a_promise_is_kept_where_the_correlation_is_positive():
    found = judge.verdict(
        "x", WHERE, judge.higher_is_more_accurate(board({"a": GOOD, "b": POOR}), ["logdet"])
    )
    assert (found.outcome, found.count) == ("agrees in part", "1 of 2 comparisons")
    assert "a 0.30 [0.25,\N{NO-BREAK SPACE}0.35] (n = 100)" in found.because


def test_surpassing_needs_every_benchmark_over_all_and_over_the_top():
    found = judge.verdict("x", WHERE, judge.surpasses_everywhere(board({"a": GOOD}, {"a": POOR}), "snip"))
    assert [part.holds for part in found.parts] == [True, False]
    assert found.outcome == "agrees in part"


def test_those_with_one_aim_are_set_against_the_better_count():
    found = judge.verdict("x", WHERE, judge.mostly_below_the_counts(board({"a": GOOD, "b": POOR})))
    assert [part.holds for part in found.parts] == [False, True]  # one of two is not most
    assert "a 1 of 2 and b 2 of 2" in found.because


def test_none_is_above_params():
    found = judge.verdict("x", WHERE, judge.none_above_params(board({"a": GOOD, "b": POOR})))
    assert [part.holds for part in found.parts] == [False, True]
    assert "Above it are: a SNIP." in found.because


@pytest.mark.parametrize(
    ("kts", "holds"),
    [(0.6, False), (0.1, True), (0.52, None)],  # 0.52 is level with #Params and above #FLOPs
)
def test_a_proxy_above_both_counts_everywhere_denies_the_sentence(kts, holds):
    one = {"params": 0.5, "flops": 0.4, "snip": kts}
    found = judge.verdict("x", WHERE, judge.none_above_everywhere(board({"a": one, "b": one})))
    assert [part.holds for part in found.parts] == [holds]


def test_bad_at_the_top_is_below_the_threshold_for_all():
    low = {"params": 0.1, "flops": 0.1, "snip": 0.2}
    found = judge.verdict("x", WHERE, judge.bad_at_the_top(board({}, {"a": low, "b": low | {"snip": 0.4}})))
    assert [part.holds for part in found.parts] == [True, False]
    assert "On b it is below for 2 of 3 and above for SNIP" in found.because


def test_several_on_more_than_one_benchmark():
    ahead = {"params": 0.1, "flops": 0.2, "snip": 0.3, "logdet": 0.4}
    both = judge.verdict("x", WHERE, judge.above_somewhere(board({}, {"a": ahead, "b": ahead})))
    one = judge.verdict(
        "x", WHERE, judge.above_somewhere(board({}, {"a": ahead, "b": ahead | {"snip": 0.2}}))
    )
    assert (both.outcome, one.outcome) == ("agrees", "differs")


def test_kinds_are_compared_by_their_medians():
    more = GOOD | {"grasp": 0.2, "fisher": 0.1}  # gradient-based: 0.6, 0.2, 0.1; gradient-free: 0.3
    found = judge.verdict(
        "x", WHERE, judge.kinds_differ(board({"a": more, "b": POOR, "c": {"params": 0.5, "flops": 0.4}}))
    )
    assert [part.holds for part in found.parts] == [False, True]  # the last has neither kind
    assert (
        "a 0.30 (1) against 0.20 (3); the best gradient-free one, Logdet, is above 2 of these"
        in found.because
    )


def test_nothing_scored_is_not_judged():
    empty = board({}).reindex(columns=board({"a": GOOD}).columns)
    for judged in (
        judge.verdict("x", WHERE, judge.higher_is_more_accurate(empty, ["logdet"])),
        judge.verdict("x", WHERE, judge.mostly_below_the_counts(empty)),
        judge.verdict("x", WHERE, judge.bad_at_the_top(empty)),
        judge.verdict("x", WHERE, judge.above_somewhere(empty)),
        judge.verdict("x", WHERE, judge.kendall_moves_less(pd.DataFrame())),
        judge.verdict("x", WHERE, judge.within_depth({}, {})),
    ):
        assert judged.outcome == "cannot be compared"


def test_a_filter_has_to_keep_more_than_its_share_and_be_cheap():
    kept = {
        ("a", "nngp_filter"): {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100},
        ("a", "params"): {"value": 1.0, "low": 0.9, "high": 1.0, "n": 100},
    }
    price = {"nngp_filter": 0.5, "params": 0.1}
    found = judge.verdict("x", WHERE, judge.keeps_the_best(kept, "nngp_filter", price))
    assert found.outcome == "agrees"
    assert len(found.parts) == 2
    dear = judge.verdict("x", WHERE, judge.keeps_the_best(kept, "nngp_filter", price | {"nngp_filter": 2.0}))
    assert dear.outcome == "agrees in part"


def test_the_smaller_relative_change_is_the_more_robust():
    moved = pd.DataFrame(
        {
            "benchmark": "a",
            "proxy": ["snip", "logdet"] * 2,
            "disturbance": ["noise"] * 2 + ["outliers"] * 2,
            "kendall": [0.1, 0.1, 0.3, 0.1],
            "spearman": [0.2, 0.2, 0.2, 0.2],
        }
    )
    found = judge.verdict("x", WHERE, judge.kendall_moves_less(moved))
    assert [part.holds for part in found.parts] == [True, False]  # one of two is not most
    assert "noise for 2 of 2" in found.because


def test_depths_are_parts():
    rows = pd.DataFrame(
        {
            "depth": [1, 2],
            "proxy": "params",
            "kt": [0.5, -0.2],
            "kt_low": [0.4, -0.3],
            "kt_high": [0.6, -0.1],
            "n": 99,
        }
    )
    found = judge.verdict("x", WHERE, judge.within_depth({"a": rows}, {"a": (0.5, 0.25)}))
    assert [part.holds for part in found.parts] == [True, False]
    assert "goes from 0.50 to 0.25 on a" in found.because

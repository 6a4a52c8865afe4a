import pandas as pd
import pytest

from zsnas.book.verdicts.families import reach, slightly_ahead


def rows(column, label, values):
    return pd.DataFrame(
        [
            {"proxy": name, "statistic": "SPR", column: label, "value": value, "low": low, "high": high}
            for name, (value, low, high) in values.items()
        ]
    ).assign(n=40, missing=0)


ABOVE, AROUND, BELOW = (0.96, 0.92, 0.98), (0.95, 0.85, 0.98), (0.5, 0.3, 0.7)


@pytest.mark.parametrize(
    ("snip", "zen", "outcome"),
    [
        (ABOVE, ABOVE, "agrees"),
        (ABOVE, AROUND, "agrees in part"),
        (AROUND, AROUND, "left open"),
        (AROUND, BELOW, "differs"),
    ],
)
def test_reach_needs_the_whole_interval_of_every_named_proxy_above_the_threshold(snip, zen, outcome):
    values = {"snip": snip, "zen_score": zen, "flops": ABOVE, "fisher": AROUND, "grasp": BELOW}
    verdict = reach("S.", "P", {"Toys": rows("subset", "all", values)}, ["snip", "zen_score"], 0.9)
    assert verdict.outcome == outcome
    assert verdict.because.endswith(
        "Not named, yet above it: #FLOPs with the whole interval, #FLOPs and Fisher by the value."
    )


def test_reach_says_whose_interval_is_where():
    values = {"snip": AROUND, "zen_score": ABOVE, "params": BELOW}
    because = reach("S.", "P", {"Toys": rows("subset", "all", values)}, list(values), 0.9).because
    assert (
        "On Toys: above it with the whole interval: Zen-score; undecided: SNIP; below it: #Params." in because
    )


def test_reach_holds_on_all_networks_or_in_part():
    tables = {name: rows("subset", "all", {"snip": values}) for name, values in (("A", ABOVE), ("B", BELOW))}
    verdict = reach("S.", "P", tables, ["snip"], 0.9)
    assert verdict.outcome == "agrees in part"
    assert "On A: above it" in verdict.because
    assert "On B: above it with the whole interval: none; undecided: none; below it: SNIP." in verdict.because


@pytest.mark.parametrize(
    ("of_params", "of_flops", "outcome"),
    [
        ((0.2, 0.1, 0.3), (0.2, 0.1, 0.3), "agrees"),
        ((0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), "differs"),
        ((0.2, 0.1, 0.3), (0.0, -0.1, 0.1), "left open"),
    ],
)
def test_ahead_is_beyond_the_interval_of_both(of_params, of_flops, outcome):
    by_reference = {
        "params": {"Toys": rows("contrast", "reference", {"snip": of_params})},
        "flops": {"Toys": rows("contrast", "reference", {"snip": of_flops})},
    }
    verdict = slightly_ahead("S.", "P", by_reference, ["snip"], list(by_reference))
    assert verdict.outcome == outcome


def test_what_is_ahead_by_the_value_alone_is_counted():
    level, behind = (0.1, -0.1, 0.3), (-0.2, -0.3, -0.1)
    by_reference = {
        "params": {"Toys": rows("contrast", "reference", {"snip": level, "fisher": level})},
        "flops": {"Toys": rows("contrast", "reference", {"snip": level, "fisher": behind})},
    }
    verdict = slightly_ahead("S.", "P", by_reference, ["snip", "fisher"], ["params", "flops"])
    assert (
        "On Toys: ahead of each: none; level with one at least: SNIP; behind one at least: Fisher."
        in verdict.because
    )
    assert "By the value alone, whatever the interval, 1 of 2 are ahead of each." in verdict.because
    assert verdict.outcome == "differs"

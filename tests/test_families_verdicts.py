import pandas as pd
import pytest

from zsnas.families_verdicts import reach, slightly_ahead


def rows(column, label, values):
    return pd.DataFrame(
        [
            {"proxy": name, "statistic": "SPR", column: label, "value": value, "low": low, "high": high}
            for name, (value, low, high) in values.items()
        ]
    )


@pytest.mark.parametrize(
    ("snip", "zen", "outcome"),
    [(0.95, 0.91, "agrees"), (0.95, 0.90, "agrees in part"), (0.1, 0.2, "differs")],
)
def test_reach_needs_every_named_proxy_above_the_threshold(snip, zen, outcome):
    values = {"snip": (snip, 0, 1), "zen_score": (zen, 0, 1), "flops": (0.99, 0, 1)}
    verdict = reach("S.", "P", rows("subset", "all", values), ["snip", "zen_score"], 0.9)
    assert verdict.outcome == outcome
    assert verdict.because.endswith("Not named, yet above 0.9: #FLOPs.")


@pytest.mark.parametrize(
    ("of_params", "of_flops", "outcome"),
    [
        ((0.2, 0.1, 0.3), (0.2, 0.1, 0.3), "agrees"),
        ((0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), "differs"),
        ((0.2, 0.1, 0.3), (0.0, -0.1, 0.1), "cannot be compared"),
    ],
)
def test_ahead_is_beyond_the_interval_of_both(of_params, of_flops, outcome):
    contrasts = {
        "params": rows("contrast", "reference", {"snip": of_params}),
        "flops": rows("contrast", "reference", {"snip": of_flops}),
    }
    assert slightly_ahead("S.", "P", contrasts, ["snip"]).outcome == outcome


def test_what_is_ahead_by_the_value_alone_is_counted():
    contrasts = {
        "params": rows("contrast", "reference", {"snip": (0.1, -0.1, 0.3), "fisher": (0.1, -0.1, 0.3)}),
        "flops": rows("contrast", "reference", {"snip": (0.1, -0.1, 0.3), "fisher": (-0.2, -0.3, -0.1)}),
    }
    verdict = slightly_ahead("S.", "P", contrasts, ["snip", "fisher"])
    assert "holds for 0 of 2, and by the value alone, whatever the interval, for 1; 1 are" in verdict.because
    assert verdict.outcome == "differs"

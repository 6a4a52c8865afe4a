"""A verdict follows from the numbers, and says which decided."""

import itertools

import pandas as pd
import pytest

from zsnas import verdicts
from zsnas.benchmarks import Benchmark

PLACE = "Section 1"


def correlated(values, n=100):
    """Make a table of correlations: KT over all and over the top, by proxy, with an interval of ±0.05."""
    rows = [
        {
            "proxy": proxy,
            "statistic": "KT",
            "subset": subset,
            "value": value,
            "low": value - 0.05,
            "high": value + 0.05,
        }
        for proxy, pair in values.items()
        for subset, value in zip(("all", "top"), pair, strict=True)
    ]
    return pd.DataFrame(rows).assign(n=n)


def contrasted(values, width=0.05):
    """Make the table of differences that belongs to the same values."""
    pairs = {
        (proxy, contrast): difference
        for proxy, (over_all, top) in values.items()
        for contrast, difference in (("reference", over_all - values["params"][0]), ("top", top - over_all))
    }
    rows = [
        {"proxy": p, "statistic": "KT", "contrast": c, "value": v, "low": v - width, "high": v + width}
        for (p, c), v in pairs.items()
    ]
    return pd.DataFrame(rows)


def judge_best(*by_data):
    data = {f"data {i}": values for i, values in enumerate(by_data)}
    return verdicts.works_best(
        "works best",
        PLACE,
        {label: correlated(values) for label, values in data.items()},
        {label: contrasted(values) for label, values in data.items()},
    )


BEST = {"params": (0.5, 0.2), "synflow": (0.4, 0.2), "logdet": (0.3, 0.2)}
LEVEL = {"params": (0.5, 0.2), "synflow": (0.54, 0.2), "logdet": (0.4, 0.2)}  # ahead within the interval
BEATEN = {"params": (0.5, 0.2), "synflow": (0.6, 0.2), "logdet": (0.7, 0.2)}


@pytest.mark.parametrize(
    ("by_data", "outcome"),
    [
        ((BEST, BEST), "agrees"),
        ((BEST, LEVEL), "agrees in part"),
        ((BEST, BEATEN), "agrees in part"),
        ((LEVEL, LEVEL), "left open"),
        ((LEVEL, BEATEN), "differs"),
        ((BEATEN, BEATEN), "differs"),
    ],
)
def test_the_best_is_ahead_of_every_other_beyond_the_interval(by_data, outcome):
    assert judge_best(*by_data).outcome == outcome


def test_who_is_ahead_and_who_is_level_is_named_best_first():
    because = judge_best(LEVEL, BEATEN).because
    assert (
        "On data 0 #Params has a KT of 0.50; ahead of it: none; "
        "level with it: SynFlow (by 0.04 [−0.01,\N{NO-BREAK SPACE}0.09]); behind it: 1 of 2." in because
    )
    assert (
        "; ahead of it: Logdet (by 0.20 [0.15,\N{NO-BREAK SPACE}0.25]) "
        "and SynFlow (by 0.10 [0.05,\N{NO-BREAK SPACE}0.15]); level with it: none; behind it: 0 of 2."
        in because
    )


def test_an_undefined_proxy_is_not_compared():
    assert judge_best(BEST | {"snip": (float("nan"), 0.2)}).because.endswith("behind it: 2 of 2.")


def test_those_that_are_best_too_may_be_ahead():
    table = {**BEATEN, "snip": (0.4, 0.2)}
    tables, contrasts = {"data": correlated(table)}, {"data": contrasted(table)}
    verdict = verdicts.works_best("best", PLACE, tables, contrasts, beside=["logdet", "synflow"])
    assert verdict.outcome == "agrees"
    assert "its KT is above that of every proxy but Logdet and SynFlow." in verdict.because
    assert verdicts.works_best("best", PLACE, tables, contrasts, beside=["logdet"]).outcome == "differs"


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.31, 0.4, True), (0.1, 0.29, False), (0.29, 0.4, None), (0.3, 0.3, None)]
)
def test_an_interval_is_above_as_a_whole_or_below_or_neither(low, high, expected):
    assert verdicts.is_above(low, high, 0.3) is expected


@pytest.mark.parametrize(
    ("comparisons", "together", "outcome"),
    [
        ([True, True], True, "agrees"),
        ([True, None], None, "agrees in part"),
        ([True, False], False, "agrees in part"),
        ([None, False], False, "differs"),
        ([False, False], False, "differs"),
        ([None, None], None, "left open"),
        ([], None, "left open"),
    ],
)
def test_comparisons_are_summed_up(comparisons, together, outcome):
    assert verdicts.every(comparisons) is together
    assert verdicts.outcome_of(comparisons) == outcome


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (0.32, 0.32, "agrees"),
        (0.32, 0.3, "agrees in part"),  # half is 0.25, at the end of an interval of 0.3
        (0.3, 0.18, "differs"),
        (0.3, 0.3, "left open"),
    ],
)
def test_working_well_is_more_than_half_of_the_reference(first, second, outcome):
    table = correlated({"params": (0.5, 0), "snip": (first, 0), "fisher": (second, 0), "logdet": (0.6, 0)})
    verdict = verdicts.works_well("well", PLACE, {"data": table}, ["snip", "fisher"])
    assert verdict.outcome == outcome
    assert (
        f"SNIP {200 * first:.0f}\N{NO-BREAK SPACE}% and Fisher {200 * second:.0f}\N{NO-BREAK SPACE}%."
        in verdict.because
    )
    assert ("or all: Fisher." in verdict.because) == (outcome == "agrees in part")
    assert verdict.because.endswith("Not named, yet above all of them: Logdet.")


def test_working_well_needs_an_interval_above_zero():
    table = correlated({"params": (-0.5, 0), "snip": (0.04, 0)})
    assert verdicts.works_well("well", PLACE, {"data": table}, ["snip"]).outcome == "left open"


def judge_drop(values, **settings):
    return verdicts.drops_at_the_top(
        "drops", PLACE, {"data": correlated(values, **settings)}, {"data": contrasted(values)}, ["zen_score"]
    )


FALLING, STEADY, RISING = (0.5, 0.2), (0.4, 0.38), (0.3, 0.5)


@pytest.mark.parametrize(
    ("params", "zen", "outcome"),
    [
        (FALLING, STEADY, "agrees"),
        (FALLING, FALLING, "agrees in part"),
        (STEADY, STEADY, "agrees in part"),
        (STEADY, FALLING, "differs"),
        (RISING, FALLING, "differs"),
    ],
)
def test_all_drop_but_the_exception(params, zen, outcome):
    verdict = judge_drop({"params": params, "snip": FALLING, "zen_score": zen})
    assert verdict.outcome == outcome
    assert ("for 2 of the 2" in verdict.because) == (params == FALLING)
    assert ("(is open for #Params)" in verdict.because) == (params == STEADY)
    assert ("(rises for #Params)" in verdict.because) == (params == RISING)


def test_the_course_of_the_exception_is_told():
    because = judge_drop({"params": FALLING, "zen_score": STEADY}).because
    assert "Zen-score goes from 0.40 to 0.38 (difference −0.02 [−0.07,\N{NO-BREAK SPACE}0.03])." in because


def test_few_architectures_decide_nothing():
    verdict = judge_drop({"params": FALLING, "zen_score": STEADY}, n=29)
    assert verdict.outcome == "cannot be compared"
    assert verdict.because.startswith("A correlation over 29 decides nothing.")


@pytest.mark.parametrize(
    ("params", "snip", "fisher", "outcome"),
    [
        (FALLING, FALLING, STEADY, "agrees"),  # two of three, and the named one among them
        (STEADY, FALLING, FALLING, "agrees in part"),  # most, but not the named one
        (FALLING, STEADY, STEADY, "agrees in part"),  # the named one, but not most
        (STEADY, STEADY, STEADY, "left open"),
        (RISING, RISING, STEADY, "differs"),
        (RISING, STEADY, STEADY, "differs"),  # the named one rises
    ],
)
def test_most_drop_and_the_named_one_with_them(params, snip, fisher, outcome):
    values = {"params": params, "snip": snip, "fisher": fisher}
    by_data = {"data": correlated(values)}, {"data": contrasted(values)}
    verdict = verdicts.mostly_drops_at_the_top("most drop", PLACE, *by_data, including=["params"])
    assert verdict.outcome == outcome
    assert f"it falls for {[params, snip, fisher].count(FALLING)} of the 3 proxies" in verdict.because
    assert ("proxies and is open for Fisher;" in verdict.because) == (outcome == "agrees")
    rise_twice = "proxies, rises for #Params and SNIP and is open for Fisher;"
    assert (rise_twice in verdict.because) == (params == snip == RISING)


@pytest.mark.parametrize(("other", "outcome"), [(STEADY, "left open"), (RISING, "differs")])
def test_half_is_not_most(other, outcome):
    values = {"params": FALLING, "snip": other}
    by_data = {"data": correlated(values)}, {"data": contrasted(values)}
    assert verdicts.mostly_drops_at_the_top("most", PLACE, *by_data).outcome == outcome


def test_a_small_top_decides_nothing_about_most():
    values = {"params": FALLING}
    by_data = {"data": correlated(values, n=12)}, {"data": contrasted(values)}
    assert verdicts.mostly_drops_at_the_top("most", PLACE, *by_data).outcome == "cannot be compared"


def ratios(high, low, n=100):
    rows = itertools.product((0.05, 0.5, 1.0), ("KT", "SPR"))
    frame = pd.DataFrame([(0.9, *row) for row in rows], columns=["value", "ratio", "statistic"])
    frame.loc[frame["statistic"] == "KT", "value"] = [low, 0.3, high]
    return frame.assign(proxy="params", low=frame["value"] - 0.05, high=frame["value"] + 0.05, n=n)


@pytest.mark.parametrize(("high", "outcome"), [(0.5, "agrees"), (0.28, "left open"), (0.05, "differs")])
def test_a_fall_needs_intervals_that_do_not_overlap(high, outcome):
    assert verdicts.correlation_falls("falls", PLACE, ratios(high, 0.2)).outcome == outcome


def test_a_fall_tells_both_ends_of_the_curve():
    because = verdicts.correlation_falls("falls", PLACE, ratios(0.5, 0.2)).because
    assert (
        "#Params falls from 0.50 [0.45,\N{NO-BREAK SPACE}0.55] to 0.20 [0.15,\N{NO-BREAK SPACE}0.25]."
        in because
    )
    assert verdicts.correlation_falls("falls", PLACE, ratios(0.5, 0.2, n=10)).outcome == "cannot be compared"


def test_markdown_quotes_the_statement_and_its_place():
    verdict = verdicts.Verdict("it works", "Section 4", "agrees", "Because.")
    assert verdict.markdown() == "> it works (Section 4)\n\n**Agrees.** Because.\n"
    other = verdict.without_judgement("Other data.")
    assert (other.outcome, other.because) == ("cannot be compared", "Other data. Because.")


def first_places(**accuracies):
    rows = [
        {
            "proxy": proxy,
            "arch": proxy,
            "test_accuracy": value,
            "low": value - 1,
            "high": value + 1,
            "regret": 80 - value,
        }
        for proxy, value in accuracies.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("snip", "outcome"),
    [(67.5, "agrees"), (69.0, "left open"), (71.0, "left open"), (72.5, "differs")],
)
def test_the_best_first_place(snip, outcome):
    table = first_places(params=70.0, snip=snip)
    verdict = verdicts.finds_the_best("best", PLACE, {"data": table}, ["params"])
    assert verdict.outcome == outcome
    assert "On data: #Params 70.00 [69.00,\N{NO-BREAK SPACE}71.00]; higher: " in verdict.because
    assert verdict.because.endswith("higher: none.") == (snip < 70)


def test_one_data_set_that_agrees_and_one_that_differs():
    tables = {"a": first_places(params=70.0, snip=60.0), "b": first_places(params=70.0, snip=75.0)}
    assert verdicts.finds_the_best("best", PLACE, tables, ["params"]).outcome == "agrees in part"


@pytest.mark.parametrize(
    ("best", "outcome"), [("a9", "agrees"), ("snip", "agrees in part"), ("params snip", "differs")]
)
def test_a_gap_is_a_first_place_outside_the_top(best, outcome):
    names = best.split() + [f"a{i}" for i in range(20)]
    names += [name for name in ("params", "snip") if name not in names]
    table = pd.DataFrame({"arch": names, "test_accuracy": [80.0 - i for i in range(len(names))]})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    places = first_places(params=70.0, snip=60.0)
    verdict = verdicts.leaves_a_gap("gap", PLACE, {"data": places}, {"data": bench}, top=0.06)
    assert verdict.outcome == outcome
    assert "the gap is 10.00 to 20.00 points" in verdict.because


@pytest.mark.parametrize(
    ("score", "scored", "expected"),
    [
        (2.5, 3, ("differs", 1, 3)),
        (3.5, 30, ("agrees", 0, 30)),
        (3.5, 29, ("cannot be compared", 0, 29)),
    ],
)
def test_the_first_has_nothing_ahead(score, scored, expected):
    values = [3.0, *[1.0] * (scored - 1), 9.0, float("nan")]  # the last two: a named one, and one without
    scores = pd.DataFrame({"arch": [f"a{k}" for k in range(scored)] + ["d", "e"], "snip": values})
    named = pd.DataFrame({"arch": ["d", "x"], "snip": [score, 0.0]})
    assert verdicts.names_the_first(scores, named, "snip") == expected


def test_architectures_that_print_as_a_number():
    table = pd.DataFrame({"arch": list("abcd"), "test_accuracy": [60.02, 60.0249, 60.025, 60.0261]})
    bench = Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")
    assert verdicts.printed_as(bench, 60.02) == ["a", "b", "c"]  # 60.025 may have been rounded either way


@pytest.mark.parametrize(
    ("margins", "outcome"),
    [
        ((0.1, 0.2), "agrees"),
        ((0.1, 0.01), "agrees in part"),
        ((-0.1, 0.04), "differs"),
        ((-0.01, 0.04), "left open"),
    ],
)
def test_surpassing_takes_a_margin_beyond_the_interval_everywhere(margins, outcome):
    """Intervals are ±0.05."""
    names = ("CIFAR-10", "CIFAR-100")
    tables = dict.fromkeys(names, correlated({"params": (0.5, 0.1), "logdet": (0.6, 0.1)}))
    contrasts = {
        name: correlated({"logdet": (margin, 0)})
        .rename(columns={"subset": "contrast"})
        .replace("all", "reference")
        for name, margin in zip(names, margins, strict=True)
    }

    verdict = verdicts.surpasses("Logdet is better.", PLACE, tables, contrasts, "logdet")

    assert verdict.outcome == outcome
    assert f"CIFAR-10 {margins[0]:.2f}".replace("-0", "−0") in verdict.because

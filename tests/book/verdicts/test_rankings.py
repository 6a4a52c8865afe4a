"""A verdict follows from the numbers, and says which decided."""

import itertools

import pandas as pd
import pytest

from zsnas.book import verdicts

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


def contrasted(values, width=0.05, n=100, missing=0):
    """Make the table of differences that belongs to the same values."""
    pairs = {
        (proxy, contrast): pair
        for proxy, (over_all, top) in values.items()
        for contrast, pair in (("reference", (over_all, values["params"][0])), ("top", (top, over_all)))
    }
    rows = [
        {
            "proxy": proxy,
            "statistic": "KT",
            "contrast": contrast,
            "value": own - other,
            "low": own - other - width,
            "high": own - other + width,
            "minuend": own,
            "minuend_low": own - width,
            "minuend_high": own + width,
            "subtrahend": other,
        }
        for (proxy, contrast), (own, other) in pairs.items()
    ]
    return pd.DataFrame(rows).assign(n=n, missing=missing)


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


def test_a_comparison_says_over_how_many_when_some_have_no_score():
    contrasts = {"data": contrasted(BEATEN, n=1234, missing=5)}
    because = verdicts.works_best("best", PLACE, {"data": correlated(BEATEN)}, contrasts).because
    assert "Logdet (by 0.20 [0.15,\N{NO-BREAK SPACE}0.25] over the 1,234 with both scores) and" in because


def test_few_architectures_with_both_scores_decide_nothing():
    values = BEST | {"snip": (float("nan"), 0.2)}  # an undefined one is not compared, so its n does not count
    contrasts = contrasted(values)
    contrasts.loc[contrasts["proxy"] == "snip", "n"] = 0
    judged = [
        verdicts.works_best("best", PLACE, {"data": correlated(values)}, {"data": contrasts}),
        verdicts.works_best("best", PLACE, {"data": correlated(BEST)}, {"data": contrasted(BEST, n=29)}),
        verdicts.surpasses("better", PLACE, {"data": contrasted(BEST, n=29)}, "logdet"),
        verdicts.works_well("well", PLACE, {"data": contrasted(BEST, n=29)}, ["logdet"]),
    ]
    assert [verdict.outcome for verdict in judged] == ["agrees", *["cannot be compared"] * 3]


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
    table = contrasted({"params": (0.5, 0), "snip": (first, 0), "fisher": (second, 0), "logdet": (0.6, 0)})
    verdict = verdicts.works_well("well", PLACE, {"data": table}, ["snip", "fisher"])
    assert verdict.outcome == outcome
    assert (
        f"SNIP {200 * first:.0f}\N{NO-BREAK SPACE}% and Fisher {200 * second:.0f}\N{NO-BREAK SPACE}%."
        in verdict.because
    )
    assert ("or all: Fisher." in verdict.because) == (outcome == "agrees in part")
    assert verdict.because.endswith("Not named, yet above all of them: Logdet.")


def test_working_well_is_measured_over_the_architectures_with_both_scores():
    """SNIP's 0.3 is more than half of the 0.4 that #Params has over the same architectures."""
    table = contrasted({"params": (0.7, 0), "snip": (0.3, 0)})
    table.loc[table["proxy"] == "snip", "subtrahend"] = 0.4
    verdict = verdicts.works_well("well", PLACE, {"data": table}, ["snip"])
    assert verdict.outcome == "agrees"
    assert "SNIP 75\N{NO-BREAK SPACE}%." in verdict.because


def test_working_well_needs_an_interval_above_zero():
    table = contrasted({"params": (-0.5, 0), "snip": (0.04, 0)})
    assert verdicts.works_well("well", PLACE, {"data": table}, ["snip"]).outcome == "left open"


def judge_drop(values, **settings):
    return verdicts.drops_at_the_top(
        "drops", PLACE, {"data": correlated(values, **settings)}, {"data": contrasted(values)}, ["zen_score"]
    )


FALLING, STEADY, RISING = (0.5, 0.2), (0.4, 0.38), (0.3, 0.5)


@pytest.mark.parametrize(
    ("params", "zen", "outcome"),
    [
        (FALLING, RISING, "agrees"),
        (FALLING, STEADY, "agrees in part"),  # Zen-score may drop as well
        (FALLING, FALLING, "agrees in part"),
        (STEADY, STEADY, "left open"),
        (STEADY, FALLING, "differs"),
        (RISING, FALLING, "differs"),
    ],
)
def test_all_drop_but_the_exception(params, zen, outcome):
    verdict = judge_drop({"params": params, "snip": FALLING, "zen_score": zen})
    assert verdict.outcome == outcome
    assert ("for 2 of the 2" in verdict.because) == (params == FALLING)
    assert ("other proxies and is open for #Params, by" in verdict.because) == (params == STEADY)
    assert ("other proxies and rises for #Params, by" in verdict.because) == (params == RISING)


def test_a_drop_has_comparisons_with_intervals():
    others, exception = judge_drop({"params": FALLING, "snip": FALLING, "zen_score": RISING}).parts
    assert [check.what for check in others.checks] == ["#Params", "SNIP"]
    assert exception.name == "data, Zen-score"
    assert [check.value for part in (others, exception) for check in part.checks] == pytest.approx(
        [0.3, 0.3, 0.2]
    )
    assert all(check.p is not None for part in (others, exception) for check in part.checks)


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
    verdict = verdicts.drops_at_the_top("most drop", PLACE, *by_data, including=["params"], most=True)
    assert verdict.outcome == outcome
    assert f"it falls for {[params, snip, fisher].count(FALLING)} of the 3 proxies" in verdict.because
    assert ("proxies and is open for Fisher, by 0.02 to 0.30;" in verdict.because) == (outcome == "agrees")
    rise_twice = "proxies, rises for #Params and SNIP and is open for Fisher, by −0.20 to 0.02;"
    assert (rise_twice in verdict.because) == (params == snip == RISING)


@pytest.mark.parametrize(("other", "outcome"), [(STEADY, "left open"), (RISING, "differs")])
def test_half_is_not_most(other, outcome):
    values = {"params": FALLING, "snip": other}
    by_data = {"data": correlated(values)}, {"data": contrasted(values)}
    assert verdicts.drops_at_the_top("most", PLACE, *by_data, most=True).outcome == outcome


def test_a_small_top_decides_nothing_about_most():
    values = {"params": FALLING}
    by_data = {"data": correlated(values, n=12)}, {"data": contrasted(values)}
    assert verdicts.drops_at_the_top("most", PLACE, *by_data, most=True).outcome == "cannot be compared"


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
    contrasts = {
        name: contrasted({"params": (0.5, 0), "logdet": (0.5 + margin, 0)})
        for name, margin in zip(names, margins, strict=True)
    }

    verdict = verdicts.surpasses("Logdet is better.", PLACE, contrasts, "logdet")

    assert verdict.outcome == outcome
    assert f"CIFAR-10 {margins[0]:.2f}".replace("-0", "−0") in verdict.because


@pytest.mark.parametrize(
    ("outcome", "held"),
    [("agrees", "holds"), ("agrees in part", "holds in part"), ("differs", "does not hold")],
)
def test_a_claim_of_our_own_holds_or_does_not(outcome, held):
    verdict = verdicts.Verdict("it works", "a claim of this page", outcome, "Because.")
    assert verdict.of_a_claim().outcome == held
    assert verdict.without_judgement("Few.").of_a_claim().outcome == "cannot be compared"

"""The audit compares the readings of a formula, and judges by a stated rule."""

import json

import numpy as np
import pandas as pd
import pytest

import zsnas
from zsnas.benchmarks import Benchmark
from zsnas.book.studies import audit
from zsnas.statistics import paired

N = 200


@pytest.fixture
def bench():
    table = pd.DataFrame({"arch": [f"a{i}" for i in range(N)], "test_accuracy": np.arange(N) / 2})
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


@pytest.fixture
def scores(bench):
    snip = np.arange(N) + np.random.default_rng(0).normal(0, 60, N)
    table = pd.DataFrame({"arch": bench.table["arch"], "seed": 0, "reasons": None})
    return table.assign(snip=snip, snip_printed=-snip, snip_convolutions=2 * snip)


@pytest.fixture
def found():
    """The audits of two data sets, each with three variants, as `agreements` returns them."""
    judgements = {
        ("A", "all"): ["matters", "matters", "does not matter"],
        ("A", "top"): ["undecided", "does not matter", "does not matter"],
        ("B", "all"): ["matters", "undecided", "does not matter"],
        ("B", "top"): ["undecided", "undecided", "undecided"],
    }
    variants = ["snip_printed", "snip_running", "ntk_cond_running"]
    rows = [
        {"data": data, "proxy": proxy, "subset": subset, "judgement": judgement, "difference": -0.1 * k - 0.1}
        for (data, subset), of_subset in judgements.items()
        for k, (proxy, judgement) in enumerate(zip(variants, of_subset, strict=True))
    ]
    table = pd.DataFrame(rows)
    table["reference"] = table["proxy"].map(
        {"snip_printed": "snip", "snip_running": "snip", "ntk_cond_running": "ntk_cond_printed"}
    )
    return dict(iter(table.groupby("data")))


def test_variants_are_those_of_the_registry_each_formula_once():
    found = audit.variants(["snip", "synflow"])

    assert {zsnas.proxy(name).variant_of for name in found} == {"snip", "synflow"}
    assert "synflow_printed" in found
    assert "plain" not in found  # the same formula by another name
    assert audit.readings(["snip", "synflow"]) == [
        "snip",
        *audit.variants(["snip"]),
        "synflow",
        *audit.variants(["synflow"]),
    ]


@pytest.mark.parametrize(
    ("low", "high", "judgement"),
    [
        (0.06, 0.2, "matters"),
        (-0.2, -0.06, "matters"),
        (-0.05, 0.05, "does not matter"),
        (0.01, 0.02, "does not matter"),
        (0.04, 0.2, "undecided"),
        (-0.2, 0.2, "undecided"),
        (-0.2, 0.01, "undecided"),
        (np.nan, np.nan, "undecided"),
    ],
)
def test_judgement_follows_the_interval(low, high, judgement):
    assert audit.judge(low, high, n=30) == judgement


@pytest.mark.parametrize("interval", [(0.06, 0.2), (0, 0)])
def test_few_architectures_decide_nothing(interval):
    assert audit.judge(*interval, n=29) == "undecided"


def test_agreements_are_the_paired_comparisons_with_a_judgement(bench, scores):
    table = audit.agreements(bench, scores, ["snip"], resamples=50)

    expected = [
        paired(bench, scores, name, "snip", resamples=50) for name in ("snip_convolutions", "snip_printed")
    ]
    pd.testing.assert_frame_equal(table.drop(columns="judgement"), pd.concat(expected, ignore_index=True))
    judgements = table.set_index(["proxy", "subset"])["judgement"]
    assert judgements["snip_printed", "all"] == "matters"
    assert judgements["snip_convolutions", "all"] == "does not matter"
    assert judgements["snip_printed", "top"] == "undecided"  # 10 architectures


@pytest.mark.parametrize(
    "without", [lambda table: table.drop(columns="snip"), lambda table: table.assign(snip=float("nan"))]
)
def test_without_the_original_the_first_variant_is_the_reference(bench, scores, without):
    table = audit.agreements(bench, without(scores), ["snip", "logdet"], resamples=0)

    assert set(zip(table["proxy"], table["reference"], strict=True)) == {
        ("snip_printed", "snip_convolutions")
    }


def test_scores_with_nothing_to_compare_are_refused(bench, scores):
    with pytest.raises(ValueError, match="no two readings of logdet; score some of logdet, logdet_"):
        audit.agreements(bench, scores, ["logdet"])


def test_label_says_what_a_variant_is_compared_with_unless_it_is_the_original():
    assert audit.label("snip_printed", "snip") == "SNIP as printed"
    assert (
        audit.label("ntk_cond_running", "ntk_cond_printed")
        == "NTK_Cond, running statistics against NTK_Cond as printed"
    )


def test_words_of_the_subsets():
    assert audit.words("all") == "all architectures"
    assert audit.words("top") == "the top 5\N{NO-BREAK SPACE}%"


def test_readings_stand_side_by_side():
    rows = audit.readings_table(["snip", "jacob_cov"], "Readings.", "tab").splitlines()

    assert rows[:2] == [":::{table} Readings.", ":name: tab"]
    assert rows[3] == "| Proxy | original implementation | the survey’s formula | other variants |"
    assert rows[4] == "| :-- | :-- | :-- | :-- |"
    assert rows[5] == (
        "| SNIP | SNIP, {eq}`eq-snip` | SNIP as printed, {eq}`eq-snip-printed` "
        "| SNIP without linear layers; SNIP, running statistics |"
    )
    assert rows[6].endswith("| Jacob_cov, running statistics |")


def test_proxy_without_other_variants_has_a_dash():
    assert audit.readings_table(["grasp"], "", "tab").splitlines()[5].endswith(" | – |")


def test_agreement_table_has_every_number_with_its_interval(bench, scores):
    scores.loc[0, "snip_printed"] = np.nan
    scores.loc[0, "reasons"] = json.dumps({"snip_printed": "no layers"})
    table = audit.agreements(bench, scores, ["snip"], resamples=50)
    rows = table[table["subset"] == "all"].assign(
        agreement=0.9, agreement_low=0.8, agreement_high=1.0, difference=-0.5, difference_low=-0.6,
        difference_high=-0.4, kt=0.1, kt_low=0.0, kt_high=0.2, reference_kt=0.6, reference_kt_low=0.5,
        reference_kt_high=0.7,
    )  # fmt: skip

    lines = audit.agreement_table(rows, "Numbers.", "tab").replace("\N{NO-BREAK SPACE}", " ").splitlines()

    assert lines[3] == (
        "| Variant | agreement | τ, reference | τ, variant | difference | judgement | n (missing) |"
    )
    assert lines[6] == (
        "| SNIP as printed | 0.90 [0.80, 1.00] | 0.60 [0.50, 0.70] | 0.10 [0.00, 0.20] "
        "| −0.50 [−0.60, −0.40] | matters | 199 (1) |"
    )


def test_judgement_table_has_a_column_per_data_set_and_subset(found):
    lines = audit.judgement_table(found, "Judgements.", "tab").splitlines()

    assert lines[3].replace("\N{NO-BREAK SPACE}", " ") == (
        "| Variant | A, all architectures | A, the top 5 % | B, all architectures | B, the top 5 % |"
    )
    assert lines[6] == (
        "| SNIP, running statistics | matters (−0.20) | does not matter (−0.20) | undecided (−0.20) "
        "| undecided (−0.20) |"
    )


def test_variant_without_scores_on_a_data_set_has_a_dash_there(found):
    found["A"] = found["A"][found["A"]["proxy"] != "snip_printed"]

    rows = audit.judgement_table(found, "", "tab").splitlines()[5:-1]

    assert rows[-1] == "| SNIP as printed | – | – | matters (−0.10) | undecided (−0.10) |"


def test_verdict_sorts_the_variants_by_what_all_data_sets_say(found):
    assert audit.verdict(found, "all").splitlines() == [
        "Does it matter which formula is meant? Over all architectures of A and B:",
        "",
        "- It matters: *SNIP as printed*.",
        "- It does not: *NTK_Cond, running statistics against NTK_Cond as printed*.",
        (
            "- Decided on one data set, open on another: *SNIP, running statistics* "
            "(it matters on A, undecided on B)."
        ),
    ]


def test_verdict_says_what_is_undecided(found):
    lines = audit.verdict(found, "top").splitlines()

    assert lines[0].endswith("meant? Over the top 5\N{NO-BREAK SPACE}% of A and B:")
    assert lines[2:] == [
        "- Undecided: *SNIP as printed*.",
        "- Decided on one data set, open on another: "
        + "; ".join(
            f"*{variant}* (it does not on A, undecided on B)"
            for variant in (
                "SNIP, running statistics",
                "NTK_Cond, running statistics against NTK_Cond as printed",
            )
        )
        + ".",
    ]


def test_the_finding_counts_what_all_data_sets_agree_on(found):
    assert audit.finding(found) == (
        "Of 3 variants 1 change how well accuracy is ranked over all architectures, on A and B, and 1 do "
        "not; of the others this is open, or depends on the data set."
    )
    open_everywhere = {data: table.assign(judgement="undecided") for data, table in found.items()}
    assert audit.finding(open_everywhere) == (
        "Too few networks are compared here to decide for any of 3 variants, on A and B."
    )

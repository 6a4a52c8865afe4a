"""The audit compares what two formulas measured on the same architectures, and judges by a stated rule."""

import json

import numpy as np
import pandas as pd
import pytest

import zsnas
from zsnas import audit
from zsnas.benchmarks import Benchmark
from zsnas.statistics import kendall

N = 200


@pytest.fixture
def bench():
    table = pd.DataFrame({"arch": [f"a{i}" for i in range(N)], "test_accuracy": np.arange(N) / 2})
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


@pytest.fixture
def scores(bench):
    rng = np.random.default_rng(0)
    snip = np.arange(N) + rng.normal(0, 60, N)
    return pd.DataFrame(
        {
            "arch": bench.table["arch"],
            "seed": 0,
            "batch_size": 64,
            "snip": snip,
            "snip_printed": snip + rng.normal(0, 5, N),
            "snip_running": -snip,
            "snip_convolutions": 2 * snip,
            "reasons": None,
        }
    )


def compared(bench, scores, proxy, subset="all", resamples=200):
    table = audit.agreements(bench, scores, ["snip"], resamples=resamples).set_index(["proxy", "subset"])
    return table.loc[proxy, subset]


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
    assert audit.judge(low, high) == judgement


def test_margin_of_a_judgement_can_be_set():
    assert audit.judge(0.06, 0.2, margin=0.1) == "undecided"


def test_same_order_agrees_and_makes_no_difference(bench, scores):
    row = compared(bench, scores, "snip_convolutions")

    assert (row["agreement"], row["agreement_low"], row["agreement_high"]) == (1, 1, 1)
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)
    assert row["judgement"] == "does not matter"
    assert row["n"] == N


def test_opposite_order_disagrees_and_turns_the_correlation_round(bench, scores):
    row = compared(bench, scores, "snip_running")

    assert row["agreement"] == -1
    assert row["kt"] == pytest.approx(-row["original_kt"])
    assert row["difference"] == pytest.approx(-2 * row["original_kt"])
    assert row["judgement"] == "matters"


@pytest.mark.parametrize("subset", ["all", "top"])
def test_correlations_and_their_intervals_are_the_usual_ones(bench, scores, subset):
    usual = zsnas.correlations(bench, scores, proxies=["snip", "snip_printed"], resamples=200)
    usual = usual.query("statistic == 'KT' and subset == @subset").set_index("proxy")

    row = compared(bench, scores, "snip_printed", subset)

    for prefix, name in (("kt", "snip_printed"), ("original_kt", "snip")):
        found = row[[prefix, f"{prefix}_low", f"{prefix}_high"]].to_list()
        assert found == pytest.approx(usual.loc[name, ["value", "low", "high"]].to_list())


def test_agreement_over_the_top_is_kendalls_tau_of_the_two_scores_there(bench, scores):
    top = scores.tail(10)

    row = compared(bench, scores, "snip_printed", "top")

    assert row["agreement"] == pytest.approx(kendall(top["snip"], top["snip_printed"]))
    assert row["n"] == 10


def test_sample_with_the_complete_top_is_weighted(bench, scores):
    sample = pd.concat([scores.head(190).iloc[::10], scores.tail(10)])
    weights = np.where(np.arange(29) < 19, 10.0, 1.0)

    row = compared(bench, sample, "snip_printed")

    assert row["agreement"] == pytest.approx(kendall(sample["snip"], sample["snip_printed"], weights))


def test_difference_is_paired(bench, scores):
    row = compared(bench, scores, "snip_printed")

    assert row["high"] - row["low"] < 0.5 * (row["kt_high"] - row["kt_low"])


def test_lower_is_better_is_turned_round(bench, scores):
    table = scores.assign(ntk_cond=-scores["snip"], ntk_cond_printed=-scores["snip_printed"])
    row = audit.agreements(bench, table, ["ntk_cond"], resamples=10).query("subset == 'all'").iloc[0]

    assert row["agreement"] == pytest.approx(kendall(scores["snip"], scores["snip_printed"]))
    assert row["original_kt"] == pytest.approx(kendall(scores["snip"], np.arange(N)))


def test_undefined_scores_are_left_out_of_both_and_counted(bench, scores):
    scores.loc[[3, 4], "snip_printed"] = np.nan
    scores.loc[[3, 4], "reasons"] = json.dumps({"snip_printed": "no layers"})
    kept = scores.drop(index=[3, 4])

    row = compared(bench, scores, "snip_printed")

    assert (row["n"], row["missing"]) == (N - 2, 2)
    assert row["original_kt"] == pytest.approx(
        kendall(kept["snip"], kept["arch"].str[1:].astype(int)), abs=1e-3
    )


def test_rows_that_were_never_measured_are_not_missing(bench, scores):
    scores.loc[:49, "snip_printed"] = np.nan

    row = compared(bench, scores, "snip_printed")

    assert (row["n"], row["missing"]) == (N - 50, 0)


def test_variants_without_scores_are_skipped(bench, scores):
    table = audit.agreements(bench, scores.drop(columns="snip_running"), ["snip", "logdet"], resamples=10)

    assert set(table["proxy"]) == {"snip_printed", "snip_convolutions"}

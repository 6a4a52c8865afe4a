"""The leaderboard: every number is that of the statistics, and places are those that intervals leave open."""

import json
import math
import sys

import numpy as np
import pandas as pd
import pytest

import zsnas
from zsnas import statistics
from zsnas.benchmarks import Benchmark
from zsnas.leaderboard import candidates, correlated, leaderboard, ranked
from zsnas.sources import DATA, SourceUnavailable

room = sys.modules["zsnas.leaderboard"]


def places(*intervals, n=100):
    """Return rank and rank_to by the order in which intervals are given."""
    rows = pd.DataFrame(intervals, columns=["kt_low", "kt_high"]).assign(n=n, given=range(len(intervals)))
    rows["kt"] = (rows["kt_low"] + rows["kt_high"]) / 2
    found = ranked(rows).sort_values("given")
    return list(zip(found["rank"], found["rank_to"], strict=True)), found["ranked"].iloc[0]


def test_places_by_hand():
    # The first is above the last alone; the second overlaps with both; the last is below the first.
    assert places((0.5, 0.7), (0.3, 0.6), (0.2, 0.4)) == ([(1, 2), (1, 3), (2, 3)], 3)


def test_intervals_that_touch_do_not_tell_apart():
    assert places((0.4, 0.5), (0.5, 0.6)) == ([(1, 2), (1, 2)], 2)


def test_one_ahead_of_all_is_first_alone():
    assert places((0.1, 0.2), (0.8, 0.9), (0.3, 0.4)) == ([(3, 3), (1, 1), (2, 2)], 3)


def test_few_networks_and_no_interval_take_no_place():
    rows = pd.DataFrame(
        {
            "kt": [0.9, 0.5, 0.4],
            "kt_low": [0.8, math.nan, 0.3],
            "kt_high": [1.0, math.nan, 0.5],
            "n": [29, 50, 50],
        }
    )
    found = ranked(rows)
    assert found["kt"].tolist() == [0.4, 0.9, 0.5]  # those without a place are last
    assert found["rank"].tolist()[0] == found["rank_to"].tolist()[0] == found["ranked"].iloc[0] == 1
    assert found["rank"].isna().tolist() == [False, True, True]


def test_correlations_become_a_row_a_proxy_without_those_over_few():
    cells = [
        {
            "proxy": "snip",
            "statistic": s,
            "subset": subset,
            "value": v,
            "low": v - 0.1,
            "high": v + 0.1,
            "n": n,
            "missing": 2,
        }
        for s, subset, v, n in (
            ("KT", "all", 0.5, 40),
            ("KT", "top", 0.3, 9),
            ("SPR", "all", 0.7, 40),
            ("SPR", "top", 0.4, 9),
        )
    ]
    [row] = correlated(pd.DataFrame(cells)).to_dict("records")
    assert (row["proxy"], row["kt"], row["spr"], row["n"], row["n_top"], row["missing"]) == (
        "snip",
        0.5,
        0.7,
        40,
        9,
        2,
    )
    assert math.isnan(row["kt_top"])
    assert math.isnan(row["spr_top_low"])


@pytest.fixture
def small(monkeypatch):
    """A benchmark of 60 networks with two seeds, of which the second has 20."""
    archs = [f"a{k:02}" for k in range(60)]
    bench = Benchmark(
        "toy/one",
        pd.DataFrame({"arch": archs, "test_accuracy": np.arange(60.0)}),
        "toy",
        "toy",
        "none",
        "none",
    )
    noise = np.random.default_rng(0).normal(0, 20, 60)
    first = pd.DataFrame({"arch": archs, "seed": 1, "params": np.arange(60.0), "snip": np.arange(60) + noise})
    first.loc[3, "snip"] = math.nan
    first["reasons"] = [json.dumps({"snip": "it exceeds"}) if k == 3 else None for k in range(60)]
    second = first.head(20).assign(seed=2, snip=np.arange(20.0))
    table = pd.concat([second, first], ignore_index=True)
    monkeypatch.setattr(room, "matching_benchmarks", list)
    monkeypatch.setattr(room, "benchmark", lambda _: bench)
    monkeypatch.setattr(room, "scores", lambda _: table)
    monkeypatch.setattr(room, "published_path", lambda name: DATA if name == "toy/one" else DATA / "absent")
    return bench, table


def test_every_number_is_that_of_the_statistics(small):
    bench, table = small
    found = leaderboard(["toy/one"], ["params", "snip"], resamples=40, seed=3).set_index("proxy")
    first = table[table["seed"] == 1]
    expected = statistics.correlations(bench, first, top=0.5, resamples=40, seed=3, sampled_top=1.0)
    for cell in expected.to_dict("records"):
        column = f"{cell['statistic'].lower()}{'' if cell['subset'] == 'all' else '_top'}"
        row = found.loc[cell["proxy"]]
        assert [row[column], row[f"{column}_low"], row[f"{column}_high"]] == [
            cell[k] for k in ("value", "low", "high")
        ]
    assert found.loc["snip", ["n", "n_top", "missing", "top"]].tolist() == [59, 30, 1, 0.5]
    picked = statistics.best_by_proxy(bench, first).set_index("proxy")
    assert found.loc["snip", "regret"] == picked.loc["snip", "regret"]
    assert found.loc["snip", "regret_low"] == 59 - picked.loc["snip", "high"]
    assert found.loc["snip", "regret_high"] == 59 - picked.loc["snip", "low"]
    assert found.loc["params", ["regret", "candidates"]].tolist() == [0, 60]
    both = statistics.correlations(
        bench,
        table[table["arch"].isin(bench.table["arch"].head(20))],
        proxies=["snip"],
        top=0.5,
        resamples=0,
        sampled_top=1.0,
    )
    assert found.loc["snip", "seeds"] == 2
    assert found.loc["snip", "seed_sd"] == pytest.approx(both["seed_sd"].iloc[0])
    costs = pd.read_csv(DATA / "performance.csv").set_index("proxy")["cost"]
    assert found.loc["snip", "cost"] == costs["snip"]


def test_what_has_no_scores_or_no_truth_is_named(small, monkeypatch):  # noqa: ARG001
    found = leaderboard(["toy/one", "toy/two"], ["params"], resamples=0)
    assert found.attrs["absent"] == {"toy/two": "zsnas sweep toy/two --publish"}
    assert found["rank"].isna().all()  # no interval, no place

    def unavailable(name):
        raise SourceUnavailable(name)

    monkeypatch.setattr(room, "benchmark", unavailable)
    found = leaderboard(["toy/one"], resamples=0)
    assert found.empty
    assert found.attrs["absent"] == {"toy/one": "zsnas data fetch"}
    assert "kt_top_low" in found.columns


def test_a_proxy_that_nothing_was_scored_with_has_no_row(small):  # noqa: ARG001
    found = leaderboard(["toy/one"], ["fisher"], resamples=0)
    assert found.empty
    assert "kt" in found.columns


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match="unknown benchmark 'nb202'; did you mean"):
        leaderboard(["nb202"])
    with pytest.raises(ValueError, match="unknown proxy 'synflw'; did you mean 'synflow'"):
        leaderboard(["nb201"], ["synflw"])


def test_a_published_benchmark_is_compared_as_its_pages_do():
    bench, table = zsnas.benchmark("mobilenet-v2/imagenet"), zsnas.scores("mobilenet-v2/imagenet")
    expected = zsnas.correlations(bench, table[table["seed"] == 0], top=0.5, sampled_top=1.0, resamples=20)
    expected = expected[(expected["statistic"] == "KT") & (expected["subset"] == "top")].set_index("proxy")
    found = zsnas.leaderboard("mobilenet-v2", resamples=20).set_index("proxy")
    assert found["kt_top"].to_dict() == expected.loc[found.index, "value"].to_dict()
    assert "fisher_channels" not in found.index  # a variant


@pytest.mark.mirror
def test_candidates_are_the_random_part_or_everything():
    bench, table = zsnas.benchmark("nb201/cifar100"), zsnas.scores("nb201/cifar100")
    first = table[table["seed"] == 0]
    assert candidates(bench, first)["arch"].nunique() == 1000
    assert candidates(bench, first, 7)["arch"].nunique() == 7

"""Picks under budgets: what they show, and what they leave open with a handful of candidates."""

import math
import sys

import pandas as pd
import pytest

from zsnas import pareto, space
from zsnas.benchmarks import Benchmark
from zsnas.book.studies import picks
from zsnas.book.studies.picks import Picks, thirds
from zsnas.book.verdicts import Verdict
from zsnas.scores.sweep import visited

COST = "cpu_latency_ms"
ARCHS = list(space("nats-sss").architectures[:40])
TABLE = pd.DataFrame(
    {"arch": ARCHS, COST: [float(k) for k in range(1, 41)], "test_accuracy": [50.0 + k for k in range(40)]}
)
BENCH = Benchmark("toy/data", TABLE, space="nats-sss", batch="cifar10", licence="none", citation="none")


@pytest.fixture(autouse=True)
def _in_order(monkeypatch):
    """Draw the first architectures instead of random ones, and count the costs as #FLOPs."""
    monkeypatch.setattr(picks, "visited", lambda _bench, limit=None: ARCHS[:limit])
    monkeypatch.setattr(sys.modules["zsnas.leaderboard"], "visited", lambda _bench, limit=None: ARCHS[:limit])
    counts = pd.DataFrame({"arch": ARCHS, "flops": TABLE[COST], "params": TABLE[COST]})
    monkeypatch.setattr(picks.materials, "counts", lambda _bench: counts)


def study_of(count, limit=None, **scores):
    """SNIP prefers what is expensive and accurate, Fisher what is cheap."""
    table = pd.DataFrame({"arch": ARCHS[:count], "seed": 0, "batch_size": 64, "reasons": None})
    columns = {"flops": TABLE[COST], "params": TABLE[COST], "snip": TABLE[COST], "fisher": -TABLE[COST]}
    table = table.assign(**{name: column[:count] for name, column in columns.items()} | scores)
    table.attrs |= dict.fromkeys(("origin", "batch_source", "machine", "zsnas", "torch"), "here")
    proxies = ("flops", "params", "snip", "fisher")
    return Picks(BENCH, BENCH, table, COST, [10, 30], proxies, limit, resamples=20)


def test_thirds_of_the_range():
    assert thirds(BENCH, COST) == [14.0, 27.0]  # 1 + 39 / 3 and 1 + 2 * 39 / 3


def test_where_all_are_scored_nothing_is_sampled():
    study = study_of(40)

    assert study.is_whole
    assert study.sampled["low"].isna().all()
    assert set(study.sampled["proxy"]) == {"snip", "fisher"}
    # SNIP picks the most expensive of the budget, which is the best; Fisher always the first.
    assert (study.picked["snip"]["lost"] == 0).all()
    assert study.picked["fisher"]["arch"].tolist() == ARCHS[:1]
    assert study.beyond.loc["snip"].tolist() == [0, 0, 0]


def test_a_sample_has_intervals_and_counts_twice():
    study = study_of(39, limit=12)

    assert study.candidates == 12
    assert study.sampled["low"].notna().any()
    assert set(study.sampled["proxy"]) == {"flops", "params", "snip", "fisher"}
    assert set(study.whole["proxy"]) == {"flops", "params"}


def test_only_who_chooses_among_a_sample_has_other_samples():
    assert study_of(40).resampled.empty
    drawn = study_of(39, limit=12).resampled
    assert set(drawn.columns.get_level_values("proxy")) == {"snip", "fisher"}
    assert len(drawn) == 20
    assert (drawn["snip"].fillna(0) == 0).all(axis=None)  # the best of any sample
    undefined = study_of(40, fisher=[*range(39), math.nan]).resampled  # not measured on one
    assert set(undefined.columns.get_level_values("proxy")) == {"fisher"}


def test_a_handful_of_candidates_gives_no_interval_and_no_finding():
    study = study_of(39, limit=4)

    assert study.sampled["low"].isna().all()
    assert "bootstrap" not in study.losses("tab-toy").data
    assert study.finding() == "With 4 candidates to pick from, nothing can be said of the proxies here."


def test_the_finding_names_the_nearest_and_the_farthest():
    # Fisher keeps the first network, of 50 %; up to 10 the mean best is 54 % over the budgets 1 to 10.
    found = study_of(40).finding()

    assert found.startswith("Under budgets ≤ 10 ms the picks of #FLOPs are nearest to the best that its")
    assert "0.0 points of accuracy below, and those of Fisher farthest, 4.0 points." in found


def test_a_proxy_of_some_networks_picks_among_the_first_of_a_random_order():
    """SWAP is missing at the third: what comes behind it is no random sample any more."""
    study = study_of(40, swap=[3.0, 2.0, float("nan"), *[9.0] * 37])

    assert study.further == ["swap"]
    assert study.sample["swap"].notna().sum() == 2
    assert study.sampled[study.sampled["proxy"] == "swap"]["n"].eq(2).all()


def test_a_proxy_without_any_score_picks_nothing():
    study = study_of(40, fisher=float("nan"))

    assert list(study.picked) == ["flops", "params", "snip"]
    assert study.beyond.loc["fisher"].isna().all()
    assert study.panels(["fisher", "snip"]).data.count("<svg") == 1


def test_what_is_undefined_was_measured():
    """A reason that is no failure to measure keeps a network among the first."""
    reasons = [None, None, '{"swap": "one image"}', *[None] * 37]
    study = study_of(40, swap=[3.0, 2.0, float("nan"), *[9.0] * 37]).scores.assign(reasons=reasons)
    study = Picks(BENCH, BENCH, study, COST, [10, 30], ("flops", "params", "snip", "fisher"))

    assert study.sample["swap"].notna().sum() == 39


def test_captions_and_figures_say_what_is_drawn():
    study = study_of(40)

    assert study.caption(["snip"]).startswith(
        "CIFAR-10; front of 40 of 40 architectures; 40 candidates with a score; grey: 40 scored"
    )
    assert "(#FLOPs and #Params: all)" in study.caption(["flops", "snip"])
    assert study.panels(["snip"]).data.count("<svg") == 1
    assert study.panels([]).data == "This execution has scores of no other proxy."
    assert 'class="explorer"' in study.explorer().data


def test_ties_are_of_every_proxy():
    text = study_of(40).ties("tab-ties").data
    assert all(f"| {label} |" in text for label in ("#FLOPs", "SNIP", "Fisher"))


def test_seeds_need_several(monkeypatch):
    study = study_of(40)
    assert "one seed only" in study.seeds("tab-seeds").data
    both = pd.concat([study.scores, study.scores.assign(seed=1)], ignore_index=True)
    monkeypatch.setattr(picks.materials, "repeated", lambda *_: both)
    assert "mean ± standard deviation over 2 seeds" in study.seeds("tab-seeds").data


def test_a_statement_is_judged_on_what_could_have_been_avoided():
    def test(statement, place, losses, band):
        assert losses.values.loc["fisher", band] > 0
        return Verdict(statement, place, "agrees", f"of {losses.n}.")

    study = study_of(40)
    assert study.judge(test, "S.", "P", pareto.bands([10, 30])[0]).outcome == "agrees"
    other = study.judge(test, "S.", "P", "≤ 10", reason="Another device.")
    assert (other.outcome, other.because) == ("cannot be compared", "Another device. of 40.")


def test_another_cost():
    bench = Benchmark(
        "toy/data", TABLE.assign(million_macs=TABLE[COST] * 2), "nats-sss", "cifar10", "none", "none"
    )
    study = study_of(40)
    study = Picks(bench, bench, study.scores, COST, [10, 30], study.proxies).by("million_macs", [20, 60])
    assert study.budgets.unit == "million MACs"
    assert study.picked["snip"]["million_macs"].tolist() == [2.0 * k for k in range(1, 41)]


def test_the_order_is_that_of_a_sweep():
    """The fixture above stands in for this."""
    assert set(visited(BENCH)) == set(ARCHS)

import numpy as np
import pandas as pd
import pytest

from zsnas.book.figures.likeness import likeness_map_alt
from zsnas.book.studies import combined, likeness
from zsnas.book.studies import pools as all_pools
from zsnas.book.studies.pools import Networks, percentiles
from zsnas.sources import SourceUnavailable

PROXIES = ("params", "snip", "synflow")


def networks(truth, **scores):
    table = pd.DataFrame({"truth": truth, **scores})
    return Networks(table, table.tail(len(table) // 2))


@pytest.fixture
def pools():
    """Two spaces in which the truth is the sum of two proxies, and one in which a third is all of it."""
    generator = np.random.default_rng(0)
    found = {}
    for space in ("first", "second", "third"):
        a, b, c = generator.standard_normal((3, 200))
        found[space, "task"] = networks(c if space == "third" else a + b, params=a, snip=b, synflow=c)
    return found


def test_percentiles_put_what_has_no_score_last():
    table = pd.DataFrame({"params": [3.0, np.nan, 1.0, 2.0, 5.0]})
    assert percentiles(table)["params"].tolist() == [0.75, 0.0, 0.25, 0.5, 1.0]


def test_what_is_chosen_comes_from_the_other_spaces(pools):
    found = combined.judged(pools, PROXIES).set_index(["space", "method"])
    # To hold out the third space is to learn from two that agree: the pair is theirs, and fails.
    assert found.loc[("third", "best pair"), "chosen"] == "params,snip"
    assert abs(found.loc[("third", "best pair"), "all"]) < 0.15
    assert found.loc[("first", "#Params"), "chosen"] == "params"


def test_a_sum_of_two_is_ranked_by_their_mean(pools):
    del pools["third", "task"]
    found = combined.judged(pools, PROXIES).set_index(["space", "method"])["all"]
    assert found["first", "best pair"] > 0.85
    assert found["first", "learned weights"] > 0.85
    assert found["first", "best single"] < 0.6


# The weight of the truth itself is 1, less what the ridge takes: a variance of 1/12
# beside .01 gives 1/12 / (1/12 + .01) = .893.
def test_weights_are_those_of_a_ridge_regression():
    ranks = np.linspace(0, 1, 1001)
    flipped = np.abs(ranks - 0.5)  # not correlated with it
    table = pd.DataFrame({"truth": ranks, "params": ranks, "snip": flipped * 2})
    weights = combined.learned([table, table], ("params", "snip"))
    assert weights == pytest.approx([0.893, 0], abs=1e-3)


def test_what_ranks_alike_stands_side_by_side():
    a, b = np.random.default_rng(0).standard_normal((2, 300))
    pools = {("first", "task"): networks(a, params=a, zen_score=b, snip=a + 0.1 * b)}
    found = likeness.alike(pools, ("params", "zen_score", "snip"))
    assert set(found.index[:2]) == {"params", "snip"} or set(found.index[1:]) == {"params", "snip"}
    assert found.loc["params", "snip"] > 0.9
    assert np.isclose(found, found.T).all()


def test_a_space_without_a_proxy_does_not_count_for_it():
    a = np.random.default_rng(0).standard_normal(300)
    with_it = networks(a, params=a, snip=a)
    pools = {("first", "x"): with_it, ("second", "x"): networks(a, params=a)}
    assert likeness.alike(pools, ("params", "snip")).loc["params", "snip"] == pytest.approx(1)


def test_a_page_of_no_benchmark_says_what_to_fetch(monkeypatch):
    monkeypatch.setattr(all_pools, "networks", lambda *_: None)
    with pytest.raises(SourceUnavailable, match=r"none of them is on this machine.*: nb201/cifar100 "):
        all_pools.all_networks()


def test_pairs_gain_where_each_knows_a_part(pools):
    del pools["third", "task"]
    found = likeness.pairs(pools, PROXIES)
    assert (found.loc[0, "first"], found.loc[0, "second"]) == ("params", "snip")
    assert found.loc[0, "gain"] > 0.3
    assert found["gain"].iloc[-1] < 0  # what knows nothing takes away


def test_few_networks_say_nothing_about_likeness(pools):
    few = {key: Networks(part.every.head(4), part.top.head(4)) for key, part in pools.items()}
    similar, found = likeness.alike(few, PROXIES), likeness.pairs(few, PROXIES)
    assert found.empty
    assert (
        likeness.finding(similar, found) == "Too few networks are scored here to say which proxies are alike."
    )
    assert likeness_map_alt(similar).endswith("all empty: too few networks are scored.")


def test_finding_leaves_out_the_two_counts(pools):
    every = {
        key: networks(part.every["truth"], **part.every[list(PROXIES)], flops=part.every["params"])
        for key, part in pools.items()
    }
    names = (*PROXIES, "flops")
    similar = likeness.alike(every, names)
    assert set(likeness.in_order(similar).index[-1]) == {"params", "flops"}
    found = likeness.finding(similar, likeness.pairs(every, names))
    assert "#Params and #FLOPs" not in found.split("are most alike")[0]

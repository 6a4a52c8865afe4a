import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import published
from zsnas.book.studies.published import branches, in_words, like, pairs_in_order, powers

BENCH = Benchmark(
    "tiny",
    pd.DataFrame({"arch": ["a1", "a2", "b1", "b2", "b3"], "validation_accuracy": [1.0, 2.0, 3.0, 4.0, 4.0]}),
    "nb201",
    "cifar10",
    "",
    "",
    metric="validation_accuracy",
)
# Condition number prefers low values.
SCORES = pd.DataFrame(
    {
        "arch": ["a1", "a2", "b1", "b2", "b3", "unknown"],
        "params": [1.0, 2.0, 5.0, 4.0, 4.0, 9.0],
        "flops": [7.0, 7.0, None, 1.0, 2.0, 9.0],
        "ntk_cond": [2.0, 1.0, 1.0, 5.0, 0.5, 9.0],
    }
)


def counted(proxy, is_pair):
    return pairs_in_order(BENCH, SCORES, [proxy], is_pair).loc[proxy].to_dict()


def same_letter(one, other):
    return one[0] == other[0]


# Pairs of one letter: a1 a2, b1 b2, b1 b3; b2 and b3 are equally accurate.
def test_only_the_chosen_pairs_of_different_accuracy_count():
    assert counted("params", same_letter) == {"right": 1, "wrong": 2, "tied": 0}
    assert counted("params", lambda *_: True) == {"right": 7, "wrong": 2, "tied": 0}


def test_equal_scores_are_tied_and_undefined_ones_left_out():
    assert counted("flops", same_letter) == {"right": 0, "wrong": 0, "tied": 1}


def test_a_proxy_that_prefers_low_values_is_turned_round():
    assert counted("ntk_cond", same_letter) == {"right": 2, "wrong": 1, "tied": 0}


def test_every_proxy_has_its_row():
    found = pairs_in_order(BENCH, SCORES, ["params", "ntk_cond"], same_letter)

    assert list(found.index) == ["params", "ntk_cond"]
    assert found["right"].tolist() == [1, 2]
    assert found.index.name == "proxy"


def test_no_pair_gives_zeros():
    assert counted("params", lambda *_: False) == {"right": 0, "wrong": 0, "tied": 0}


def test_pairs_in_words_say_how_many_are_tied():
    counts = pd.DataFrame({"right": [3, 1], "wrong": [1, 0], "tied": [0, 2]}, ["params", "flops"])
    assert in_words(counts).to_dict() == {"params": "3 of 4", "flops": "1 of 3 (2 tied)"}


def test_the_branches_of_the_family():
    archs = ["resnet-18-x1-k1-r224", "preresnet-50b-x1-k1-r224", "resnet-50b-x1-k2-r224"]
    table = pd.DataFrame({"arch": archs, "validation_accuracy": 1.0})
    bench = Benchmark("tiny", table, "resnets", "imagenet1k", "", "", metric="validation_accuracy")
    assert list(branches(bench).values()) == ["ResNet, basic blocks", "PreResNet, bottlenecks", "Wide-ResNet"]


def test_proxies_are_like_each_other_when_they_order_networks_alike():
    scores = pd.DataFrame({"flops": range(10), "params": range(10), "ntk_cond": range(10)}, dtype=float)
    found = like(scores, ["params", "ntk_cond"], "flops")  # of NTK_Cond, low is better
    assert found.to_dict() == {"params": 1.0, "ntk_cond": -1.0}


def test_what_nine_networks_have_in_common_is_not_said():
    scores = pd.DataFrame({"flops": range(9), "params": range(9)}, dtype=float)
    assert like(scores, ["params"], "flops").isna().all()


# params = 3 · width² · resolution^½; snip is negative somewhere.
SIZES = pd.DataFrame({"width": [1.0, 2.0, 1.0, 2.0], "resolution": [4.0, 4.0, 16.0, 16.0]}, list("abcd"))
POWERS = pd.DataFrame({"arch": list("dcbae"), "params": [48.0, 12, 24, 6, 1], "snip": [-1.0, 1, 1, 1, 1]})


def test_exponents_of_a_power_law():
    found = powers(POWERS, ["params", "snip"], SIZES)
    assert found.loc["params"].to_dict() == pytest.approx({"width": 2, "resolution": 0.5})
    assert found.loc["snip"].isna().all()


def test_three_networks_have_no_three_parameters():
    assert powers(POWERS, ["params"], SIZES.iloc[:3]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("profile", "limit", "live"), [("full", None, "abcd"), ("quick", None, "ab"), ("quick", 3, "abc")]
)
def test_a_page_scores_the_smallest_networks_live(monkeypatch, profile, limit, live):
    asked = {}
    monkeypatch.setattr(published.materials, "smallest", lambda _bench: list("abcd"))
    monkeypatch.setattr(published.comparison, "compare", lambda name, **how: asked.update(how, name=name))

    published.compare(BENCH, ["snip"], profile, [3], 8, limit, recompute=True)

    assert asked["live"] == list(live)
    assert (asked["name"], asked["seeds"], asked["batch_size"], asked["limit"]) == ("tiny", [3], 8, limit)
    assert (asked["top"], asked["sampled_top"], asked["recompute"]) == (0.5, 1.0, True)


def test_a_page_can_say_which_networks_come_first(monkeypatch):
    asked = {}
    monkeypatch.setattr(published.comparison, "compare", lambda _name, **how: asked.update(how))

    published.compare(BENCH, ["snip"], "quick", [3], 8, None, recompute=False, live=pd.Series(list("dcba")))

    assert asked["live"] == ["d", "c"]

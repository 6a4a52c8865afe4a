import pandas as pd

from zsnas.benchmarks import Benchmark
from zsnas.families_pairs import pairs_in_order

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

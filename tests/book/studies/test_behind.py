"""The networks behind a printed number, worked out for a handful of names."""

import math

import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import behind


class Pairs:
    """A space in which an upper-case name is the same network as the lower-case one."""

    canonical = staticmethod(str.lower)


@pytest.mark.parametrize(
    ("few", "known", "score", "expected"),
    [
        (2, 0.0, 8.5, {"with it": 3, "ahead": "0 of 30", "verdict": "agrees"}),
        (2, 0.0, 6.0, {"with it": 3, "ahead": "1 of 30", "verdict": "differs"}),
        (2, 9.0, 6.0, {"with it": 3, "ahead": "0 of 30", "verdict": "agrees"}),
        (1, 9.0, 8.5, {"with it": 3, "ahead": "–", "verdict": "cannot be compared"}),
    ],
)
def test_who_is_behind_a_printed_number(monkeypatch, few, known, score, expected):
    """Three names print so, for two networks; one of them is in the table, under another name."""
    archs = ["a0", "a1", "A1", "a2", "a3"]
    truth = pd.DataFrame({"arch": archs, "test_accuracy": [50.0, 60.0, 60.001, 60.0, 70.0]})
    bench = Benchmark("toy/data", truth, space="toy", batch="data", licence="none", citation="none")
    others = [f"b{k}" for k in range(30)]
    table = pd.DataFrame({"arch": ["A1", *others, "a2"], "snip": [known, 7.0, *[1.0] * 29, math.nan]})
    asked = []

    def score_now(_bench, architectures, proxies, seed, batch_size):
        asked.append((architectures, proxies, seed, batch_size))
        return pd.DataFrame({"arch": architectures, "snip": score})

    monkeypatch.setattr(behind, "space", lambda name: {"toy": Pairs}[name])
    monkeypatch.setattr(behind.materials, "scored_now", score_now)
    assert behind.behind(bench, table, "snip", 60.0, few=few, seed=3, batch_size=8) == expected
    assert asked == ([(["a2"], ["snip"], 3, 8)] if few > 1 else [])


def toy(archs, accuracies, space="toy"):
    truth = pd.DataFrame({"arch": archs, "test_accuracy": accuracies})
    return Benchmark("toy/data", truth, space=space, batch="cifar10", licence="none", citation="none")


def test_the_network_that_most_numbers_name():
    bench = toy(list("abcd"), [10.0, 20.0, 20.001, 30.0])
    printed = pd.Series({"snip": 10.0, "fisher": 10.0, "grasp": 20.0, "synflow": 30.0, "zen_score": 11.0})

    assert behind.named(bench, printed) == ("a", ["snip", "fisher"])
    assert behind.named(bench, printed[["grasp", "zen_score"]]) == ("", [])


def test_how_many_numbers_belong_to_a_network():
    """From 10.00 to 10.04 there are five numbers, of which three are somebody's."""
    bench = toy(list("abcd"), [10.0, 10.02, 10.021, 10.04])

    found = list(behind.numbers(bench, pd.Series({"snip": 10.0, "fisher": 10.01, "grasp": 10.01})))

    assert found[0].startswith("60\N{NO-BREAK SPACE}% of the numbers")
    assert "Of the survey's 2 different numbers" in found[0]
    assert found[0].endswith("belong to none are: Fisher's 10.01 and GraSP's 10.01.")
    assert found[1] == "one network, `a`, has what is printed for SNIP: 10.00."
    assert list(behind.numbers(bench, pd.Series(dtype=float))) == []


def test_a_count_that_prints_another_number(monkeypatch):
    bench = toy(list("abc"), [10.0, 20.0, 30.0])
    counts = pd.DataFrame({"arch": list("abc"), "params": [1, 2, 3]})
    monkeypatch.setattr(behind.materials, "counts", lambda _bench: counts)

    said = behind.larger(bench, "params", 30.0, 10.0)

    assert "the network with the most #Params, `c`, has 30.00, and the survey prints 10.00." in said
    assert said.endswith("`a`, than which 2 are larger.")
    assert behind.larger(bench, "params", 30.0, 15.0).endswith("the survey's number: none.")


def test_a_first_place_whose_features_do_not_depend_on_the_image(monkeypatch):
    monkeypatch.setattr(behind, "space", lambda name: {"toy": Pairs}[name])
    bench = toy(["a", "A", "b"], [10.0, 10.001, 50.0])
    why = "jacob_cov: the features do not depend on the input"
    candidates = pd.DataFrame({"arch": ["a", "b"], "fisher": [9.0, 1.0], "reasons": [why, None]})

    said = behind.shared(bench, candidates, "fisher", 10.0, 2)

    assert said == (
        "of the 1 in first place by Fisher, 1 have features that do not depend on the image. "
        "The space has 2 networks that are the same as these, with 10.00 to 10.00. "
        "The survey's number for Fisher is just this."
    )
    assert "is just this" not in behind.shared(bench, candidates, "fisher", 11.0, 2)
    assert behind.shared(bench, candidates.assign(fisher=[1.0, 9.0]), "fisher", 10.0, 2) == ""
    assert behind.shared(bench, candidates.drop(columns="reasons"), "fisher", 10.0, 2) == ""

"""What picks lose with and without trained networks, on candidates whose truth is known."""

from math import comb

import numpy as np
import pandas as pd
import pytest

from zsnas.book.figures import worth as drawing
from zsnas.book.studies import worth
from zsnas.book.studies.worth import Candidates, trainings


# Of four candidates, one is as good as the best: one training misses it in 3 of 4 cases, two in 3/4 · 2/3.
def test_the_best_of_four_is_worth_two_trainings():
    assert trainings(1, 4) == 2
    assert trainings(4, 4) == 1  # the worst pick is worth any network
    assert trainings(2, 4) == 1  # half of all are as good


@pytest.mark.parametrize("place", [1, 3, 17, 99])
def test_trainings_are_the_fewest_that_succeed_in_one_draw_of_two(place):
    def missed(k):
        return comb(100 - place, k) / comb(100, k)

    k = trainings(place, 100)
    assert missed(k) <= 0.5 < missed(k - 1)


@pytest.fixture
def found():
    """Two hundred networks: one proxy knows all, one the opposite; the only feature is the truth."""
    truth = np.random.default_rng(0).permutation(200) / 10
    ranks = pd.DataFrame({"params": truth / truth.max(), "snip": 1 - truth / truth.max()})
    return Candidates(truth, ranks, truth[:, None])


def test_a_proxy_that_knows_all_loses_nothing(found):
    table = worth.alone(found, [0, 1], 3).set_index("proxy")
    assert len(table) == 2 * 2 * 3
    assert (table.loc["params", "regret"] == 0).all()
    assert (table.loc["params", "worth"] == 50).all()  # half of a hundred candidates hold the best
    assert (table.loc["snip", "worth"] == 1).all()


def test_pools_are_half_of_all_and_follow_the_seed(found):
    first, again, other = (next(worth.draws(found, [seed], 1)) for seed in (0, 0, 1))
    assert len(first[0].truth) == 100
    assert first[0].truth.tolist() == again[0].truth.tolist() != other[0].truth.tolist()
    assert np.array_equal(first[0].ranks["params"], first[0].truth / 19.9)
    assert sorted(first[1]) == list(range(100))


def test_what_is_trained_decides_what_is_lost(found):
    table = worth.with_trainings(found, [0], 5)
    assert sorted(table["k"].unique()) == [5, 10, 20]  # at most a quarter of a hundred
    medians = table.groupby(["method", "k"])["regret"].median()
    assert medians["most #Params"].tolist() == [0, 0, 0]
    # A forest that sees the truth has learned at ten what the best look like, and finds a better one.
    assert medians["predictor", 20] < medians["random", 20]
    assert (medians["random"].diff().dropna() <= 0).all()
    assert worth.reached(table, "most #Params", 0.0) == 5
    assert worth.reached(table, "random", 0.0) is None


def test_random_training_keeps_the_best_of_the_first(found):
    table = worth.with_trainings(found, [0], 1, [7])
    [(drawn, order)] = worth.draws(found, [0], 1)
    [regret] = table.loc[table["method"] == "random", "regret"]
    assert regret == drawn.truth.max() - max(drawn.truth[order[i]] for i in range(7))


def test_a_predictor_trains_as_many_as_are_paid_for(found):
    [(drawn, order)] = worth.draws(found, [0], 1)
    trained = worth._trained(drawn, order, 11, 0)
    assert {name: len(set(places)) for name, places in trained.items()} == dict.fromkeys(worth.METHODS, 11)
    assert trained["predictor"][:5].tolist() == order[:5].tolist()


def test_two_networks_are_enough_to_run():
    few = Candidates(np.array([1.0, 2.0]), pd.DataFrame({"params": [0.0, 1.0]}), np.eye(2))
    assert set(worth.with_trainings(few, [0], 1)["k"]) == {2}


def test_figure_and_words_have_the_medians(found):
    curves = {"Toy": worth.with_trainings(found, [0], 3)}
    axes = drawing.regret_panels(curves, {"Toy": 0.5}).axes[0]
    line = next(line for line in axes.lines if line.get_label() == "most #Params")
    assert list(line.get_xdata()) == [5, 10, 20]
    assert list(line.get_ydata()) == [0, 0, 0]
    words = drawing.regret_panels_alt(curves, {"Toy": 0.5})
    assert "most #Params from 0.00 to 0.00" in words
    assert words.endswith("#Params untrained 0.50.")


@pytest.mark.mirror
def test_candidates_are_a_random_sample_with_features_and_ranks():
    found = worth.candidates("transnas-micro/segmentsemantic", 50)
    assert found.features.shape == (50, 64)
    assert found.ranks["params"].between(0, 1).all()
    assert worth.features("nats-sss", ["8:16:24:32:64"]).tolist() == [[8, 16, 24, 32, 64]]


@pytest.mark.mirror
def test_params_picks_the_largest_of_all_cells():
    row = worth.counted(200, {"nb201/cifar100": "cells"}).loc["cells"]
    assert row["networks"] == 200
    assert row["regret"] >= 0
    assert row["worth"] == trainings(row["place"], 200)

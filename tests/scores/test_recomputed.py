"""Published scores come out again when they are recomputed: a part of them, another after each commit.

A third of the tables have their turn, and of each as many random rows as cost some seconds, a proxy a row.
"""

import dataclasses
import math

import pytest
import recompute
import torch

from zsnas.proxies import list_proxies

TURN = recompute.commit()
PARTS = 3
SHARE = 2.5
"""Seconds for a table, of what its scores took when they were made."""


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the sweep
    yield
    torch.set_num_threads(before)


@pytest.mark.mirror
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", recompute.turned(TURN, PARTS))
def test_published_scores_are_recomputed(name):
    chosen = recompute.affordable(recompute.drawn(name, TURN), SHARE, TURN)
    compared = [found for stored, proxy in chosen for found in recompute.again(name, stored, [proxy])]
    assert len(compared) == len(chosen) > 0
    assert [found for found in compared if not found.is_equal] == [], f"turn {TURN}"


def test_every_table_and_every_proxy_have_their_turn():
    turns = [str(k) for k in range(60)]
    assert {name for turn in turns for name in recompute.turned(turn, PARTS)} == set(recompute.tables())
    name = "transnas-micro/class_scene"
    chosen = [recompute.affordable(recompute.drawn(name, turn), SHARE, turn) for turn in turns[:10]]
    assert {proxy for part in chosen for _, proxy in part} == set(recompute.table(name).columns[4:-1])
    assert len({stored.row for part in chosen for stored, _ in part}) > 50  # of 100


def test_the_card_says_how_much_a_score_may_differ():
    assert recompute.tolerance("nb201/cifar100", "snip", -100.0) == pytest.approx(0.5)
    assert recompute.tolerance("nb201/cifar100", "naswot", 100.0) == pytest.approx(0.01)
    assert recompute.tolerance("nb101/cifar10", "naswot", 100.0) == pytest.approx(1.0)
    assert recompute.tolerances().keys() <= {*list_proxies(), "all others"}


def test_a_score_that_differs_is_found():
    (stored,) = recompute.drawn("nb201-digits", "any", 1)
    (found,) = recompute.again("nb201-digits", stored, ["params"])
    assert found.is_equal
    for other in (found.stored * 1.001, math.nan):
        assert not dataclasses.replace(found, stored=other).is_equal

"""BRP-NAS learns a latency that is a sum over the operations of a cell."""

import numpy as np
import pytest
import torch

from zsnas.hardware import brp_nas
from zsnas.spaces import nb201

MS = {"none": 0, "skip_connect": 1, "nor_conv_1x1": 2, "nor_conv_3x3": 4, "avg_pool_3x3": 3}
LEARNERS = [brp_nas.GCN, brp_nas.MLP]


@pytest.fixture
def architectures():
    return list(nb201.NB201().architectures[:500])


def additive(architectures):
    return np.array([1 + sum(MS[name] for name in nb201.parse(arch)) for arch in architectures], dtype=float)


@pytest.mark.parametrize("learner", LEARNERS)
def test_learns_a_sum_over_operations(learner, architectures, monkeypatch):
    monkeypatch.setattr(brp_nas, "STEPS", 150)
    known, held_out = architectures[:200], architectures[200:]

    found = learner(seed=0).fit(known, additive(known)).predict(held_out)

    truth = additive(held_out)
    assert np.sqrt(np.mean((found - truth) ** 2)) < 0.4 * truth.std()


@pytest.mark.parametrize("learner", LEARNERS)
def test_adapts_to_a_slower_device(learner, architectures, monkeypatch):
    monkeypatch.setattr(brp_nas, "STEPS", 50)
    few, held_out = architectures[:10], architectures[200:]
    first = learner(seed=0).fit(architectures[:200], additive(architectures[:200]))

    second = first.adapt(few, 10 * additive(few))

    truth = 10 * additive(held_out)
    errors = [np.abs(predictor.predict(held_out) - truth).mean() for predictor in (first, second)]
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_seed_decides_and_nothing_else_changes(learner, architectures, monkeypatch):
    monkeypatch.setattr(brp_nas, "STEPS", 5)
    few = architectures[:20]
    before = torch.random.get_rng_state()

    found = [learner(seed).fit(few, additive(few)).predict(few) for seed in (0, 0, 1)]

    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_device_of_constant_latency_is_predicted(architectures, monkeypatch):
    monkeypatch.setattr(brp_nas, "STEPS", 100)
    found = brp_nas.MLP(0).fit(architectures[:20], np.full(20, 7.0)).predict(architectures[:20])

    assert found == pytest.approx(np.full(20, 7.0), abs=0.5)


@pytest.mark.parametrize("learner", LEARNERS)
def test_learns_one_device_at_a_time(learner, architectures):
    with pytest.raises(ValueError, match="learns one device at a time"):
        learner().fit(architectures[:3], np.ones((3, 2)))


def test_the_graph_joins_what_follows_each_other():
    joined = brp_nas.propagation() > 0

    zero_one, one_two, two_three = (nb201.EDGES.index(edge) for edge in ((0, 1), (1, 2), (2, 3)))
    assert joined[zero_one, one_two]
    assert joined[one_two, zero_one]
    assert not joined[zero_one, two_three]
    assert joined[brp_nas.INPUT, zero_one]
    assert not joined[brp_nas.INPUT, one_two]
    assert joined[brp_nas.OUTPUT, two_three]
    assert not joined[brp_nas.OUTPUT, one_two]
    assert joined[brp_nas.READOUT].all()


def test_the_adjacency_is_normalised_by_both_degrees():
    found = brp_nas.propagation()

    degrees = (found > 0).sum(dim=1)
    assert found[0, brp_nas.READOUT] == pytest.approx(float((degrees[0] * 9) ** -0.5))


def test_forwards_nothing_reaches_an_operation_from_behind():
    found = brp_nas.propagation(both_ways=False)

    zero_one, one_two = (nb201.EDGES.index(edge) for edge in ((0, 1), (1, 2)))
    assert found[one_two, zero_one] > 0
    assert found[zero_one, one_two] == 0
    assert found[brp_nas.READOUT].all()
    assert found[zero_one, brp_nas.READOUT] == 0


def test_the_direction_of_the_messages_reaches_the_network(architectures, monkeypatch):
    monkeypatch.setattr(brp_nas, "STEPS", 1)
    few = architectures[:20]

    found = [brp_nas.GCN(0, both).fit(few, additive(few)).predict(few) for both in (True, False)]

    assert not np.allclose(*found)

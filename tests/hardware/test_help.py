"""HELP learns over devices that weigh the operations differently, and adapts to one that it has not seen."""

import numpy as np
import pytest
import torch

from zsnas.benchmarks import hw_help
from zsnas.hardware import NotFittedError
from zsnas.hardware import help as method
from zsnas.hardware.help import HELP
from zsnas.spaces import nb201


@pytest.fixture(scope="module")
def architectures():
    return list(nb201.NB201().architectures[:300])


def device(architectures, seed):
    """Return latencies of a device that does each operation at a speed of its own."""
    speeds = np.random.default_rng(seed).uniform(0.7, 1.3, 5)
    ms = dict(zip(nb201.OPERATIONS, speeds * [0, 1, 3, 6, 2], strict=True))
    return 1 + np.array([sum(ms[name] for name in nb201.parse(arch)) for arch in architectures])


@pytest.fixture(scope="module")
def learned(architectures):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "EPISODES", 80)
        known = architectures[:100]
        return HELP(seed=0).fit(known, np.column_stack([device(known, seed) for seed in range(6)]))


def test_ten_samples_are_enough_for_a_new_device(learned, architectures):
    references, held_out = list(learned.references), architectures[100:]
    assert len(references) == 10

    found = learned.adapt(references, 3 * device(references, 99)).predict(held_out)

    truth = 3 * device(held_out, 99)
    assert np.sqrt(np.mean((found - truth) ** 2)) < 0.6 * truth.std()


def test_ms_scale_with_those_of_the_references(learned, architectures):
    references = list(learned.references)
    latency = device(references, 99)

    found = [learned.adapt(references, factor * latency).predict(architectures[:5]) for factor in (1, 1000)]

    assert found[1] == pytest.approx(1000 * found[0], rel=1e-3)


def test_the_order_of_the_samples_does_not_matter(learned, architectures):
    references = list(learned.references)
    latency = device(references, 99)

    found = learned.adapt(references, latency).predict(architectures[:5])

    assert learned.adapt(references[::-1], latency[::-1]).predict(architectures[:5]) == pytest.approx(
        found, rel=1e-3
    )


def test_predicts_for_no_device_before_adapting(learned):
    with pytest.raises(NotFittedError, match="not one for any of them; call adapt"):
        learned.predict(learned.references)


def test_needs_all_references(learned):
    with pytest.raises(ValueError, match="1 of the 10 reference architectures have no latency"):
        learned.adapt(learned.references[1:], np.ones(9))


def test_needs_several_devices(architectures):
    with pytest.raises(ValueError, match="learns over devices"):
        HELP().fit(architectures, np.ones(len(architectures)))


def test_needs_more_than_the_references(architectures):
    with pytest.raises(ValueError, match="give further ones"):
        HELP().fit(architectures[:10], np.ones((10, 2)))


def test_references_can_be_given_and_seeds_decide(architectures, monkeypatch):
    monkeypatch.setattr(method, "EPISODES", 2)
    known = architectures[:30]
    over = np.column_stack([device(known, 0), device(known, 1)])
    before = torch.random.get_rng_state()

    found = [
        HELP(seed, references=known[:4]).fit(known, over).adapt(known[:4], over[:4, 0]).predict(known)
        for seed in (0, 0, 1)
    ]

    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_no_device_is_seen_and_unseen():
    settings = {name.rpartition("/")[2] for name in hw_help.list_sources("help/nb201/latency/*")}

    assert not set(method.SEEN) & set(method.UNSEEN)
    assert {*method.SEEN, *method.UNSEEN} <= settings


def test_more_episodes_learn_something_else(architectures):
    known = architectures[:30]
    over = np.column_stack([device(known, 0), device(known, 1)])

    found = [
        HELP(0, known[:4], episodes).fit(known, over).adapt(known[:4], over[:4, 0]).predict(known)
        for episodes in (1, 2)
    ]

    assert not np.array_equal(*found)

"""Measured networks are split by the seed; what the machine's drift did to them can be taken out."""

import numpy as np
import pandas as pd
import pytest

from zsnas.book.studies import processor, protocols
from zsnas.hardware import kernels
from zsnas.hardware.help import SEEN
from zsnas.spaces import nb201

ARCHITECTURES = nb201.NB201().architectures[:30]


@pytest.fixture
def measured(monkeypatch):
    """Every kernel takes 2 ms, and every network 3 ms for each of its kernels."""
    texts = kernels.sampled()
    alone = pd.DataFrame({"kernel": texts, "latency_ms": 2.0})
    model = kernels.KernelModel().fit(texts, alone["latency_ms"])
    networks = pd.DataFrame(
        {"arch": ARCHITECTURES, "latency_ms": 1.5 * model.predict(ARCHITECTURES), "reference_ms": 1.0}
    )
    monkeypatch.setattr(processor, "latencies", {"kernels": alone, "nb201": networks}.__getitem__)
    monkeypatch.setattr(processor, "HELD_OUT", 12)
    processor._of_kernels.cache_clear()
    yield networks
    processor._of_kernels.cache_clear()


@pytest.fixture
def learners(monkeypatch):
    """Stand in for the learners of rows and for HELP; each tells how it was made and what it learned from."""
    made = []

    class Learner:
        def __init__(self, seed, references=None):
            self.seed, self.references, self.learned = seed, references, []
            made.append(self)

        def fit(self, names, latency):
            self.learned.append((list(names), np.asarray(latency).tolist()))
            return self

        adapt = fit

        def predict(self, names):
            self.predicted = names
            return np.arange(len(names), dtype=float)

    monkeypatch.setattr(protocols, "LEARNERS", {"order": Learner})
    monkeypatch.setattr(protocols, "to_learn", lambda seed, devices, first: ([seed, *devices], first))
    monkeypatch.setattr(processor, "HELP", Learner)
    processor._over_devices.cache_clear()
    yield made
    processor._over_devices.cache_clear()


def test_a_machine_that_slows_down_is_corrected():
    """Twice as slow at the third block: its 8 ms are 4 ms."""
    table = pd.DataFrame({"latency_ms": [3.0, 5.0, 8.0], "reference_ms": [1.0, 1.0, 2.0]})

    assert processor.corrected(table) == pytest.approx([3, 5, 4])


def test_the_kernel_model_learns_from_no_network_and_then_from_ten(measured):
    found = pd.DataFrame(processor.rows(0, ["kernels"]))

    held_out = np.random.default_rng(0).permutation(30)[-12:]
    truth = measured["latency_ms"].to_numpy()[held_out]
    assert found["samples"].tolist() == [0, 10, 0, 10]
    assert found["latency"].tolist() == ["measured", "measured", "corrected", "corrected"]
    assert found["mean_ms"].to_numpy() == pytest.approx(truth.mean())
    assert found["rmse_ms"].to_numpy()[0] == pytest.approx(np.sqrt(np.mean((truth / 3) ** 2)))
    assert found["rmse_ms"].to_numpy()[1] == pytest.approx(0, abs=1e-6)


def test_drift_is_taken_out_of_the_corrected_rows_alone(measured):
    undisturbed = measured["latency_ms"].copy()
    measured["reference_ms"] = np.resize([1.0, 1.0, 2.0], 30)
    measured["latency_ms"] *= measured["reference_ms"]

    found = pd.DataFrame(processor.rows(0, ["kernels"])).groupby("latency")["mean_ms"].first()

    held_out = np.random.default_rng(0).permutation(30)[-12:]
    assert found["measured"] == pytest.approx(measured["latency_ms"][held_out].mean())
    assert found["corrected"] == pytest.approx(undisturbed[held_out].mean())


def test_what_is_predicted_was_not_learned_from(measured, learners):
    found = pd.DataFrame(processor.rows(1, ["order"]))

    order = np.random.default_rng(1).permutation(30)
    names, latency = (measured[column].to_numpy()[order].tolist() for column in ("arch", "latency_ms"))
    assert found["samples"].tolist() == [200, 100, 10, 200, 100, 10]
    for learner, count in zip(learners, (18, 18, 10, 18, 18, 10), strict=True):
        assert learner.seed == 1
        assert learner.learned == [(names[:count], pytest.approx(latency[:count]))]
        assert learner.predicted == names[18:]


def test_help_learns_over_devices_with_the_ten_networks_that_it_adapts_to(measured, learners):
    found = pd.DataFrame(processor.rows(1, ["help"]))

    order = np.random.default_rng(1).permutation(30)[:10]
    ten, latency = (measured[column].to_numpy()[order].tolist() for column in ("arch", "latency_ms"))
    (help_,) = learners
    adapted = (ten, pytest.approx(latency))
    assert found["samples"].tolist() == [10, 10]
    assert (help_.seed, list(help_.references)) == (1, ten)
    assert help_.learned == [([1, *SEEN], ten), adapted, adapted]


def test_the_committed_table_is_of_every_method_and_seed():
    rows = pd.read_csv(processor.TABLE)[["seed", "method", "samples", "latency"]]

    sizes = {"kernels": (0, 10), "gcn": (200, 100, 10), "mlp": (200, 100, 10), "help": (10,)}
    assert list(rows.itertuples(index=False, name=None)) == [
        (seed, method, samples, kind)
        for seed in processor.SEEDS
        for kind in ("measured", "corrected")
        for method in processor.METHODS
        for samples in sizes[method]
    ]
    assert set(processor.METHODS) == set(sizes)


def test_help_needs_all_references():
    with pytest.raises(ValueError, match="10 references, and 1 networks were measured"):
        processor._over_devices(0, (ARCHITECTURES[0],))


def test_published_rows_serve_all_but_what_is_found_now(monkeypatch):
    now = []

    def rows(seed, methods):
        now.append((seed, tuple(methods)))
        return iter([{"seed": seed, "method": name, "rmse_ms": -1.0} for name in methods])

    monkeypatch.setattr(processor, "rows", rows)

    published = processor.found([0, 2], "full", recompute=False)
    quick = processor.found([0, 2], "quick", recompute=False)
    live = processor.found([0, 2], "full", recompute=True)

    assert set(published["seed"]) == {0, 2}
    assert published["rmse_ms"].ge(0).all()
    assert set(quick.loc[quick["rmse_ms"] < 0, "method"]) == set(processor.QUICKLY)
    assert set(quick["seed"]) == {0}
    assert (live["rmse_ms"] < 0).all()
    assert now[-2:] == [(0, processor.METHODS), (2, processor.METHODS)]


def test_drift_is_told_apart_from_the_sum_of_the_kernels():
    networks = pd.DataFrame({"latency_ms": [2.0, 3.0, 8.0], "reference_ms": [1.0, 1.0, 2.0]})

    found = processor.drift(networks, np.array([1.0, 2.0, 2.0]))

    assert (found["reference_fastest"], found["reference_slowest"]) == ("1.00", "2.00")
    assert (found["factor"], found["factor_fast"], found["factor_slow"]) == ("2.00", "1.75", "4.00")
    assert found["floor"] == "2.31"  # of 0, 0 and 8 - 8 / 2 = 4, the standard deviation is 4 / √3

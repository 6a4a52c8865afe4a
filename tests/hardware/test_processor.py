"""Measured networks are split by the seed; what the machine's drift did to them can be taken out."""

import numpy as np
import pandas as pd
import pytest

from zsnas.hardware import kernels, processor
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


def test_help_needs_all_references():
    with pytest.raises(ValueError, match="10 references, and 1 networks were measured"):
        processor._over_devices(0, (ARCHITECTURES[0],))

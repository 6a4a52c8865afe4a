"""The protocols learn from a pool and judge on all other architectures, the same ones with every method."""

import numpy as np
import pandas as pd
import pytest

from zsnas.book.studies import protocols
from zsnas.hardware import Predictor
from zsnas.hardware.help import SEEN, UNSEEN, VALIDATION
from zsnas.spaces import nb201

DEVICES = (*SEEN, *VALIDATION, *UNSEEN)


class Mean(Predictor):
    """Predicts the mean of what it has learned last, by a hair more for each further architecture."""

    def _fit(self, _, latency):
        self.mean = latency.mean()

    def _predict(self, architectures):
        return self.mean + 1e-9 * np.arange(len(architectures))

    _adapt = _fit


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Device k takes k + 1 ms for the first architecture, k + 2 ms for the second, and so on."""
    names = nb201.NB201().architectures[:50]
    columns = {f"{device}_latency_ms": np.arange(len(names)) + k + 1.0 for k, device in enumerate(DEVICES)}
    found = pd.DataFrame({"arch": names, **columns})
    monkeypatch.setattr(protocols, "_table", lambda: found)
    monkeypatch.setattr(protocols, "POOL", 20)
    monkeypatch.setattr(protocols, "LEARNERS", {"mean": Mean})
    protocols._split.cache_clear()
    protocols._learned.cache_clear()
    yield found
    protocols._split.cache_clear()
    protocols._learned.cache_clear()


def case(**changes):
    fields = {"seed": 0, "device": "pixel2", "method": "mean", "protocol": protocols.ALONE}
    return protocols.Case(**{**fields, "source": "none", "samples": 5, **changes})


def test_errors_by_hand():
    """Predicted 1, 3, 2 for 1, 2, 3: two errors of 1 ms, one of three pairs in the wrong order."""
    found = protocols.errors([1, 3, 2], [1, 2, 3])

    assert found == pytest.approx(
        {"rmse_ms": (2 / 3) ** 0.5, "mean_ms": 2, "kendall": 1 / 3, "spearman": 0.5}
    )


def test_alone_learns_from_the_first_of_the_pool_and_is_judged_on_all_others(table):
    order = np.random.default_rng(0).permutation(50)
    latency = table["pixel2_latency_ms"].to_numpy()[order]

    found = protocols.run(case())

    assert found["n"] == 30
    assert found["mean_ms"] == pytest.approx(latency[20:].mean())
    assert found["rmse_ms"] == pytest.approx(np.sqrt(np.mean((latency[:5].mean() - latency[20:]) ** 2)))
    assert (found["device"], found["samples"]) == ("pixel2", 5)


def test_a_transfer_learns_the_source_and_then_adapts(table, monkeypatch):
    monkeypatch.setattr(Mean, "_adapt", lambda *_: None)  # so that only the source is left
    order = np.random.default_rng(0).permutation(50)

    found = protocols.run(case(protocol=protocols.TRANSFER, source="pixel3"))

    learned = table["pixel3_latency_ms"].to_numpy()[order[:20]].mean()
    truth = table["pixel2_latency_ms"].to_numpy()[order[20:]]
    assert found["rmse_ms"] == pytest.approx(np.sqrt(np.mean((learned - truth) ** 2)))


def test_needed_architectures_come_first_even_from_outside_the_pool(table):
    order = np.random.default_rng(3).permutation(50)
    names = table["arch"].to_numpy()[order]
    needed = [names[19], names[40]]

    found, latency = protocols.to_learn(3, ["fpga", "pixel2"], needed, 4)

    assert found == [*needed, *names[:2]]
    np.testing.assert_array_equal(
        latency, table.set_index("arch").loc[found, ["fpga_latency_ms", "pixel2_latency_ms"]]
    )


def test_as_many_as_the_pool_has_when_no_number_is_given():
    assert len(protocols.to_learn(0, ["fpga"])[0]) == 20


def test_only_a_device_that_help_has_not_seen_is_moved_to():
    found = list(protocols.cases(["pixel3", "pixel2"], sizes=(10,), seeds=(0,)))

    moved = {(c.device, c.method) for c in found if c.protocol == protocols.TRANSFER}
    assert moved == {("pixel3", "help"), ("pixel2", "help"), ("pixel2", "mean")}
    assert all(c.source in SEEN for c in found if c.method == "mean" and c.protocol == protocols.TRANSFER)


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match=r"help/nb201 has no device 'toaster'; it has 1080ti_1, "):
        protocols.run(case(device="toaster"))


def test_a_stopped_table_is_continued(tmp_path, monkeypatch):
    path = tmp_path / "predictors.csv"
    wanted = [case(samples=n) for n in (5, 10)]
    monkeypatch.setattr(protocols, "cases", lambda _: iter(wanted))
    pd.DataFrame([protocols.run(wanted[0])]).to_csv(path, index=False)

    protocols.main(["--to", str(path)])

    assert pd.read_csv(path)["samples"].tolist() == [5, 10]
    assert not protocols._missing(path)


def test_a_table_is_written_anew_and_continued(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old\n1\n", encoding="utf-8")

    protocols.write(iter([{"rmse_ms": 0.123456}]), path)
    protocols.append(iter([{"rmse_ms": 2.0}]), path)

    assert pd.read_csv(path).to_dict("list") == {"rmse_ms": [0.1235, 2.0]}


def test_published_rows_serve_the_full_profile():
    table = pd.read_csv(protocols.TABLE)
    device = next(name for name in protocols.settings() if name not in VALIDATION)

    found = protocols.found([1], "full", None, recompute=False, without=VALIDATION)
    one = protocols.found([0, 1], "full", 1, recompute=False, without=VALIDATION)

    assert set(found["seed"]) == {1}
    assert set(found["device"]) == set(table["device"]).intersection(protocols.settings()) - set(VALIDATION)
    assert set(one["device"]) == {device}


def test_the_quick_profile_finds_one_device_now(monkeypatch):
    monkeypatch.setattr(protocols, "run", lambda case: {"device": case.device, "seed": case.seed})

    found = protocols.found([5, 6], "quick", None, recompute=False)

    assert set(found["seed"]) == {5}
    assert found["device"].nunique() == 1

"""Latencies are times of this machine: the tests look at what is done, not at how long it takes."""

import pandas as pd
import pytest
import torch
from torch import nn

from zsnas.hardware.measure import measure, measure_all

NAMES = [f"network {number}" for number in range(5)]
QUICK = {"repeats": 2, "warmup": 1, "rounds": 3, "block": 2, "progress": False}


class Counting(nn.Module):
    """Counts its inferences and remembers in which state they were."""

    def __init__(self):
        super().__init__()
        self.states = []

    def __deepcopy__(self, _memo):
        return self

    def forward(self, images):
        self.states.append((self.training, torch.is_inference_mode_enabled(), torch.get_num_threads()))
        return images


def build(name):
    built.append(name)
    return nn.Conv2d(1, 1 + NAMES.index(name), 1), (1, 4, 4)


built = []


@pytest.fixture(autouse=True)
def forget():
    built.clear()


def test_every_round_warms_up_and_repeats_in_one_thread_without_gradients():
    network, threads = Counting(), torch.get_num_threads()
    found = measure(network, (3, 2, 2), repeats=4, warmup=2, rounds=3)
    assert network.states == [(False, True, 1)] * (4 + 2) * 3
    assert found.latency_ms > 0 <= found.spread_ms
    assert torch.get_num_threads() == threads


def test_without_repeats_there_is_nothing_to_time():
    with pytest.raises(ValueError, match="0 repeats, 5 rounds"):
        measure(nn.Identity(), (1, 2, 2), repeats=0)


def test_a_stopped_measurement_goes_on_where_it_was(tmp_path):
    path = tmp_path / "latency.parquet"
    first = measure_all(NAMES[:3], build, path, **QUICK)
    built.clear()

    whole = measure_all(NAMES, build, path, **QUICK)

    assert built == ["network 0", *NAMES[3:]]  # the reference is built again
    assert list(whole["arch"]) == NAMES
    pd.testing.assert_frame_equal(whole.head(3), first)
    assert pd.read_parquet(path).attrs["reference"] == "network 0"


def test_what_ctrl_c_interrupts_keeps_the_finished_blocks(tmp_path):
    def interrupted(name):
        if name == NAMES[3]:
            raise KeyboardInterrupt
        return build(name)

    path = tmp_path / "latency.parquet"
    with pytest.raises(KeyboardInterrupt, match="2 latencies are in"):
        measure_all(NAMES, interrupted, path, **QUICK)
    assert list(pd.read_parquet(path)["arch"]) == NAMES[:2]


def test_measurements_of_another_kind_do_not_mix(tmp_path):
    path = tmp_path / "latency.parquet"
    measure_all(NAMES[:2], build, path, **QUICK)
    with pytest.raises(ValueError, match="measured with repeats 2, now it is 3"):
        measure_all(NAMES, build, path, **{**QUICK, "repeats": 3})
    assert len(pd.read_parquet(path)) == 2

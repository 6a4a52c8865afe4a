"""What a step of width brings, on a truth that is known."""

import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import widths
from zsnas.counting import counts
from zsnas.spaces.nats_sss import LAYERS, WIDTHS


@pytest.fixture(scope="module")
def gains():
    """A third layer that matters most, a first that does not matter, a last that does harm."""
    archs = counts(10, 32, "nats-sss")["arch"]
    index = np.indices([len(WIDTHS)] * LAYERS).reshape(LAYERS, -1)
    accuracy = index[1] + 3 * index[2] - index[4]
    table = pd.DataFrame({"arch": archs, "test_accuracy": accuracy.astype(float)})
    batch = "cifar10"
    return widths.gains(
        Benchmark("toy", table, space="nats-sss", batch=batch, licence="none", citation="none")
    )


def test_a_step_of_width_brings_what_the_truth_says(gains):
    assert gains["gain (points)"].to_dict() == {"c1": 0, "c2": 1, "c3": 3, "c4": 0, "c5": -1}
    assert gains["wider is better (%)"].to_dict() == {"c1": 0, "c2": 100, "c3": 100, "c4": 0, "c5": 0}


def test_a_step_of_width_costs_the_mean_over_all_pairs(gains):
    params = counts(10, 32, "nats-sss").set_index("arch")["params"].to_dict()
    steps = [
        params[f"{first}:{second}:{third + 8}:{rest}"] - params[f"{first}:{second}:{third}:{rest}"]
        for name in params
        for first, second, third, rest in [_parts(name)]
        if third < WIDTHS[-1]
    ]

    assert gains.loc["c3", "#Params (thousands)"] == pytest.approx(np.mean(steps) / 1e3)


def _parts(name):
    first, second, third, rest = name.split(":", 3)
    return first, second, int(third), rest

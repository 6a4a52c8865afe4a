"""Depth, filter and disturbances, on cells and scores small enough to follow."""

import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import boards
from zsnas.spaces.nb201 import TEMPLATE

NO, SKIP, ONE, THREE, POOL = "none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"


@pytest.mark.parametrize(
    ("operations", "depth"),
    [
        ((THREE, NO, THREE, NO, NO, ONE), 3),  # 0 → 1 → 2 → 3
        ((SKIP, NO, THREE, NO, NO, POOL), 1),  # the same path with one convolution
        ((NO, NO, THREE, ONE, NO, THREE), 1),  # node 1 has no input, so that only 0 → 3 is a path
        ((THREE, THREE, THREE, NO, NO, NO), 0),  # nothing reaches the output
    ],
)
def test_depth_is_that_of_the_longest_path_to_the_output(operations, depth):
    assert boards.depth(TEMPLATE.format(*operations)) == depth


def test_a_partial_correlation_on_paper():
    # Weights 0, 1, 9, 9 and depths 0, 1, 1, 1 of four cells; accuracies in the order of the weights.
    cells = [
        (SKIP,) * 6,
        (SKIP, SKIP, SKIP, ONE, SKIP, SKIP),
        (SKIP, SKIP, SKIP, THREE, SKIP, SKIP),
        (SKIP, SKIP, SKIP, SKIP, SKIP, THREE),
    ]
    table = pd.DataFrame(
        {"arch": [TEMPLATE.format(*cell) for cell in cells], "test_accuracy": [1, 2, 3, 4.0]}
    )
    bench = Benchmark(
        name="x", table=table, space="nb201", batch="cifar10", licence="", citation="", metric="test_accuracy"
    )
    xy = 5 / np.sqrt(5 * 6)  # five concordant pairs, one tied in weights
    xz, yz = 3 / np.sqrt(5 * 3), 3 / np.sqrt(6 * 3)
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert boards.partial_kendall(bench) == pytest.approx((xy, expected))


def test_disturbances_leave_sizes_as_they_are():
    generator = np.random.default_rng(0)
    score, truth = np.arange(100.0), np.arange(100.0)
    drawn = boards._disturbed("resampling", score, truth, generator)
    assert (drawn[0] == drawn[1]).all()
    assert len(set(drawn[0])) < 100
    same, noisy = boards._disturbed("noise", score, truth, generator)
    assert (same == score).all()
    assert 0 < np.abs(noisy - truth).max() < truth.std()
    mixed, kept = boards._disturbed("outliers", score, truth, generator)
    assert (kept == truth).all()
    assert 0 < (mixed != score).sum() < 20


def test_a_perfect_order_moves_by_resampling_not_at_all():
    score = np.arange(50.0)
    moved = {row["disturbance"]: row for row in boards._moved(score, score, 3, np.random.default_rng(0))}
    assert moved["resampling"]["kendall"] == pytest.approx(0, abs=1e-12)
    assert moved["outliers"]["kendall"] > 0


def test_ntk_cond_is_taken_from_the_smaller_batch():
    scores = boards.of_first_seed("nb201/cifar100")
    assert set(scores["seed"]) == {0}
    assert scores["ntk_cond"].notna().sum() > 1000
    assert scores["params"].notna().sum() > 1000

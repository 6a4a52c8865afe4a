import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.book.studies import robustness

# Under the attack accuracy turns around: #Params follow the clean one, a condition number the other.
CLEAN = np.arange(20.0)
ROBUST = pd.DataFrame(
    {"arch": [f"a{i}" for i in range(20)], "clean_accuracy": CLEAN}
    | {f"pgd_{strength}_accuracy": -CLEAN for strength in robustness.STRENGTHS}
)
BENCH = Benchmark("toy/robust", ROBUST, "nb201", "cifar10", "none", "none", "pgd_1_accuracy")
SCORES = pd.DataFrame({"arch": ROBUST["arch"][:15], "seed": 0, "params": CLEAN[:15], "ntk_cond": CLEAN[:15]})


def test_scores_meet_accuracies_with_higher_better():
    table = robustness.joined(BENCH, SCORES)
    assert len(table) == 15
    assert table["params"].tolist() == CLEAN[:15].tolist()
    assert table["ntk_cond"].tolist() == (-CLEAN[:15]).tolist()  # a lower condition number is better


def test_a_curve_goes_from_no_attack_to_the_strongest():
    found = robustness.curves(robustness.joined(BENCH, SCORES), ["params", "ntk_cond"], "pgd")
    assert list(found.columns) == ["none", *robustness.STRENGTHS]
    assert found.loc["params"].tolist() == [1, -1, -1, -1, -1]
    assert found.loc["ntk_cond"].tolist() == [-1, 1, 1, 1, 1]


def test_beyond_clean_accuracy_only_what_it_does_not_explain_counts():
    generator = np.random.default_rng(0)
    clean, other = generator.standard_normal((2, 400))
    table = pd.DataFrame({"clean_accuracy": clean, "pgd_1_accuracy": clean + other})
    table = table.assign(params=clean + 0.1 * generator.standard_normal(400), flops=other)
    found = robustness.beyond(table, ["params", "flops"], "pgd_1_accuracy", resamples=50, seed=0)
    assert found.loc["params", "low"] < 0 < found.loc["params", "high"]
    assert found.loc["flops", "low"] > 0.8
    assert found["n"].tolist() == [400, 400]
    assert found.loc["flops", "value"] == pytest.approx(1, abs=0.05)

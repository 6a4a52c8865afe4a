import gzip
import pickle
import time

import numpy as np
import pytest

from zsnas import statistics
from zsnas.benchmarks import benchmark, list_benchmarks
from zsnas.benchmarks.nb101 import numbers
from zsnas.counting import counts
from zsnas.spaces import space


def test_the_benchmark_is_listed():
    assert list_benchmarks("nb101/*") == ["nb101/cifar10"]


# Ying et al. 2019 count 423,624 cells; the best mean accuracy of three runs is .943176 upstream.
@pytest.mark.mirror
def test_every_architecture_has_an_accuracy():
    bench = benchmark("nb101/cifar10")
    assert list(bench.table.columns) == ["arch", "test_accuracy"]
    assert tuple(bench.table["arch"]) == space("nb101").architectures
    assert bench.table["test_accuracy"].notna().all()
    assert round(bench.table["test_accuracy"].max(), 2) == 94.32
    assert (bench.metric, bench.unit, bench.space, bench.batch) == ("test_accuracy", "%", "nb101", "cifar10")
    assert "NAS-Bench-101" in bench.cite()


# The benchmark tested on 9,984 images, what fits in whole batches: of three runs the mean is a multiple of
# 1/29,952. One run is missing for a few architectures, or was counted by other means.
@pytest.mark.mirror
def test_accuracies_are_means_of_three_runs():
    accuracy = benchmark("nb101/cifar10").table["test_accuracy"].to_numpy() / 100
    assert np.abs(accuracy * 29_952 - np.rint(accuracy * 29_952)).max() < 0.02


# Known from before: Kendall's τ of #Params is .3066 over all and .1658 over the top 5 %, ties cut anywhere.
@pytest.mark.mirror
def test_parameters_rank_as_they_are_known_to():
    table = benchmark("nb101/cifar10").table.assign(params=counts(10, 32, "nb101")["params"])
    assert statistics.kendall(table["params"], table["test_accuracy"]) == pytest.approx(0.3066, abs=5e-5)
    best = table.nlargest(21_182, "test_accuracy")
    assert statistics.kendall(best["params"], best["test_accuracy"]) == pytest.approx(0.1658, abs=5e-4)


class _Trap:
    def __reduce__(self):
        return time.sleep, (60,)


def test_what_a_pickle_asks_for_is_not_done(tmp_path):
    table = pickle.dumps([_Trap(), np.array([[1.0, 2.0], [3.0, 4.0]])], protocol=4)
    (tmp_path / "table.pkl.gz").write_bytes(gzip.compress(table))
    assert numbers(tmp_path / "table.pkl.gz", 2).tolist() == [[1, 2], [3, 4]]


def test_a_file_with_other_rows_is_refused(tmp_path):
    table = pickle.dumps(np.array([[1.0, 2.0]]), protocol=4)
    (tmp_path / "table.pkl.gz").write_bytes(gzip.compress(table))
    with pytest.raises(ValueError, match="is no table of numbers with 3 rows; fetch it again"):
        numbers(tmp_path / "table.pkl.gz", 3)

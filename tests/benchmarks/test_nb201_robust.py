import re

import numpy as np
import pandas as pd
import pytest

from zsnas import statistics
from zsnas.benchmarks import benchmark, nb201_robust
from zsnas.sources import fetch
from zsnas.spaces import space

NAME = "nb201-robust/cifar10"
pytestmark = pytest.mark.mirror


@pytest.fixture(scope="module")
def table():
    return benchmark(NAME).table


def test_every_cell_was_attacked_in_32_ways(table):
    assert tuple(table["arch"]) == space("nb201").architectures
    assert list(table.columns[:2]) == ["arch", "clean_accuracy"]
    attacks = [re.fullmatch(r"(fgsm|pgd|apgd|square)_([\d.]+)_accuracy", name) for name in table.columns[2:]]
    assert len(attacks) == len(set(table.columns[2:])) == 32
    assert table.iloc[:, 1:].stack().between(0, 100).all()
    bench = benchmark(NAME)
    assert (bench.metric, bench.batch, bench.space) == ("pgd_1_accuracy", "cifar10", "nb201")
    assert "Jung" in bench.cite()


# The first row upstream: (4, 0, 3, 1, 4, 3) on the edges 0→1, 0→2, 0→3, 1→2, 1→3, 2→3.
def test_a_cell_is_found_by_its_operations(table):
    row = table.set_index("arch").loc[
        "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    ]
    assert row[["clean_accuracy", "apgd_0.5_accuracy", "square_2_accuracy", "pgd_1_accuracy"]].tolist() == [
        *(84.99, 61.0, 38.5, 40.4)
    ]


# More freedom cannot make an attack weaker; on 10,000 images or fewer, noise can.
@pytest.mark.parametrize("attack", ["pgd", "apgd", "square"])
def test_accuracy_falls_with_the_strength_of_an_attack(table, attack):
    means = [table[f"{attack}_{strength}_accuracy"].mean() for strength in ("0.1", "0.5", 1, 2, 3, 4, 8)]
    assert np.diff(means).max() < 0


# The cells are those of the benchmark: upstream's clean accuracy ranks them as the official accuracy does.
def test_clean_accuracy_is_that_of_the_cell(table):
    official = benchmark("nb201/cifar10").truth
    clean = table.set_index("arch")["clean_accuracy"][official.index]
    assert statistics.spearman(clean, official) == pytest.approx(0.980, abs=5e-4)


def test_a_table_of_other_cells_is_refused(tmp_path, monkeypatch):
    pd.read_csv(fetch("robustness/nb201")).iloc[1:].to_csv(tmp_path / "targets.csv", index=False)
    monkeypatch.setattr(nb201_robust, "_table", nb201_robust._table.__wrapped__)
    monkeypatch.setattr(nb201_robust, "fetch", lambda _: tmp_path / "targets.csv")
    with pytest.raises(ValueError, match="has other cells than the 15,625 of the space; fetch it again"):
        benchmark(NAME)

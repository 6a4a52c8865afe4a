import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from zsnas.benchmarks import benchmark, list_benchmarks, nb201_digits
from zsnas.spaces import space
from zsnas.training import Recipe, cells

BENCH = benchmark("nb201-digits")


def test_it_is_listed_with_a_space_and_images_and_can_be_cited():
    assert "nb201-digits" in list_benchmarks()
    assert (BENCH.metric, BENCH.unit, BENCH.space, BENCH.batch) == (
        *("test_accuracy", "%"),
        *("nb201-digits", "digits"),
    )
    seeds = nb201_digits.trained()
    assert f"of 6,466 cells {seeds[0]:,} with seed 0" in BENCH.cite()
    assert "Apache-2.0" in BENCH.cite()


def test_every_cell_is_unique_and_in_the_order_of_the_space():
    digits, archs = space("nb201-digits"), list(BENCH.table["arch"])
    assert set(archs) <= set(cells())
    assert [digits.index(arch) for arch in archs] == sorted(digits.index(arch) for arch in set(archs))


def test_what_is_trained_with_a_seed_is_a_random_sample():
    """The first cells of the random order, so that nothing of them is chosen by what it reaches."""
    runs = pq.read_table(nb201_digits.PATH)
    for seed, count in nb201_digits.trained().items():
        rows = [arch for arch, s in zip(*runs.select([0, 1]).to_pydict().values(), strict=True) if s == seed]
        assert set(rows) == set(cells()[:count])


def test_the_recipe_is_that_of_the_command():
    about = nb201_digits.settings()
    assert json.loads(about["recipe"]) == asdict(Recipe())


def test_accuracies_are_means_over_seeds_of_shares_of_a_thousand_images():
    runs = pq.read_table(nb201_digits.PATH).to_pandas()
    table = BENCH.table.set_index("arch")
    several = runs["arch"].value_counts().head(5).index
    for arch in several:
        mine = runs[runs["arch"] == arch]
        last = [correct[-1] for correct in mine["test_correct"]]
        assert table.loc[arch, "test_accuracy"] == pytest.approx(np.mean(last) / 10)
        assert table.loc[arch, "train_accuracy"] == pytest.approx(
            np.mean([correct[-1] for correct in mine["train_correct"]]) / 5.12
        )
        assert table.loc[arch, "seeds"] == len(mine)


def test_curves_have_every_epoch_of_every_training():
    curves = nb201_digits.curves()
    assert len(curves) == 10 * sum(nb201_digits.trained().values())
    assert sorted(curves["epoch"].unique()) == list(range(1, 11))
    assert not curves.duplicated(["arch", "seed", "epoch"]).any()
    last = curves[curves["epoch"] == 10].groupby("arch")["test_accuracy"].mean()
    pd.testing.assert_series_equal(
        last.reindex(BENCH.table["arch"]), BENCH.table.set_index("arch")["test_accuracy"]
    )


def test_training_teaches_and_cells_differ():
    accuracy = BENCH.table["test_accuracy"]
    assert accuracy.median() > 70
    assert accuracy.quantile(0.95) - accuracy.quantile(0.05) > 10


def test_counts_are_those_of_the_networks():
    digits = space("nb201-digits")
    for _, row in BENCH.table.head(3).iterrows():
        network = digits.build(row["arch"], 10, 0)
        assert row["params"] == sum(weight.numel() for weight in network.parameters())


def test_the_table_is_the_callers_own():
    table = benchmark("nb201-digits").table
    table["test_accuracy"] = 0.0
    assert benchmark("nb201-digits").table["test_accuracy"].max() > 0


def test_the_file_is_small():
    assert nb201_digits.PATH.stat().st_size < 5_000_000

"""NB201-Digits: the 6,466 unique cells of NAS-Bench-201, trained by this project on scikit-learn's digits.

Each cell is alone in a small network (:mod:`zsnas.spaces.nb201_digits`), which is trained from scratch for
ten epochs on 512 pictures of 8 × 8 pixels and tested on 1,000 others (:mod:`zsnas.batches.digits`), with up
to three seeds. All of it can be repeated: ``zsnas train-benchmark digits``. The table has one row a cell that
is trained at least once, the means over its seeds:

====================  =================================================================================
``test_accuracy``     after the last epoch, on the 1,000 test pictures, in %
``train_accuracy``    in the last epoch, of each batch before its step, in %
``seeds``             how many trainings the means are of
``params``            weights of the network
``macs``              multiply-accumulates of one picture
``cpu_seconds``       of one training: the time of the networks that were trained together, over their number
====================  =================================================================================

:func:`curves` has the accuracies of every seed and epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import DATA
from zsnas.spaces import space

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "nb201-digits"
CELLS = 6_466
SIDE, CLASSES = 8, 10
PATH = DATA / "training" / f"{NAME}.parquet"
"""What `zsnas train-benchmark digits` wrote."""


def _load() -> Benchmark:
    table = _table().copy()
    of_all = ", ".join(f"{count:,} with seed {seed}" for seed, count in trained().items())
    return Benchmark(
        name=NAME,
        table=table,
        space=NAME,
        batch="digits",
        licence="Apache-2.0, as this project; of the digits CC BY 4.0",
        citation=f"NB201-Digits, trained by this project (of {CELLS:,} cells {of_all}); digits: E. Alpaydin "
        "and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998; "
        "cells: X. Dong and Y. Yang, NAS-Bench-201, ICLR 2020",
    )


def trained() -> dict[int, int]:
    """Return how many cells are trained with each seed."""
    counts = _runs()["seed"].to_pandas().value_counts().sort_index()
    return {int(seed): int(count) for seed, count in counts.items()}


def hours() -> float:
    """Return how long all of it has kept one core busy."""
    return float(_runs()["cpu_seconds"].to_pandas().sum()) / 3600


def curves() -> pd.DataFrame:
    """Return what every training reached after every epoch.

    Returns
    -------
    DataFrame
        ``arch``, ``seed``, ``epoch`` (from 1), ``train_accuracy`` and ``test_accuracy`` (%), sorted by seed.
    """
    return _curves().copy()


def settings() -> dict[str, str]:
    """Return the recipe, as JSON, and the versions and machines that the cells were trained with."""
    return {name.decode(): value.decode() for name, value in _runs().schema.metadata.items()}


def _runs() -> pa.Table:
    # Opened by Python, which tells whoever records what a page opens; Arrow would not.
    with PATH.open("rb") as file:
        return pq.read_table(file)


@cache
def _curves() -> pd.DataFrame:
    about, runs = settings(), _runs().to_pandas()
    runs["epoch"] = [range(1, len(correct) + 1) for correct in runs["test_correct"]]
    long = runs.explode(["epoch", "train_correct", "test_correct"], ignore_index=True)
    for part in ("train", "test"):
        long[f"{part}_accuracy"] = 100 * long[f"{part}_correct"].astype(float) / int(about[f"{part}_images"])
    long["epoch"] = long["epoch"].astype(int)
    chosen: pd.DataFrame = long[["arch", "seed", "epoch", "train_accuracy", "test_accuracy"]]
    return chosen


@cache
def _table() -> pd.DataFrame:
    cells, every = space(NAME), _curves()
    last = every[every["epoch"] == every["epoch"].max()].groupby("arch")
    table = last[["test_accuracy", "train_accuracy"]].mean()
    table["seeds"] = last.size()
    counts = [cells.counts(arch, CLASSES, SIDE) for arch in table.index]
    table["params"], table["macs"] = zip(*counts, strict=True)
    seconds = _runs().to_pandas().groupby("arch")["cpu_seconds"].mean()
    table["cpu_seconds"] = seconds.astype(float).round(4)
    ordered: pd.DataFrame = table.sort_index(key=lambda archs: archs.map(cells.index)).reset_index()
    return ordered


LOADERS: dict[str, Callable[[], Benchmark]] = {NAME: _load}
"""Name of the benchmark, and the function that returns it."""

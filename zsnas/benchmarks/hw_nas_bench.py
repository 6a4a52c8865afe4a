"""HW-NAS-Bench: what the networks of NAS-Bench-201 cost on six devices, beside their accuracy.

Columns beside ``arch`` and ``test_accuracy`` (of the benchmark ``nb201/…`` on the same data set):

=============================================  ================================================
``edgegpu_latency_ms``, ``…_energy_mj``        NVIDIA Jetson TX2
``raspi4_latency_ms``                          Raspberry Pi 4
``edgetpu_latency_ms``                         Edge TPU; NaN: the network cannot be compiled for it
``pixel3_latency_ms``                          Pixel 3
``eyeriss_latency_ms``, ``…_energy_mj``        the accelerator Eyeriss
``eyeriss_arithmetic_intensity_ops_per_byte``  the same
``fpga_latency_ms``, ``…_energy_mj``           an FPGA
=============================================  ================================================

Upstream measured some of these and estimated others. The rows are matched by the cell that upstream writes in
each, not by position.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import pandas as pd

from zsnas.benchmarks import nb201
from zsnas.benchmarks._base import Benchmark
from zsnas.benchmarks._operation_ids import architectures
from zsnas.sources import fetch, source

COLUMNS = {
    "edgegpu_latency": "edgegpu_latency_ms",
    "edgegpu_energy": "edgegpu_energy_mj",
    "raspi4_latency": "raspi4_latency_ms",
    "edgetpu_latency": "edgetpu_latency_ms",
    "pixel3_latency": "pixel3_latency_ms",
    "eyeriss_latency": "eyeriss_latency_ms",
    "eyeriss_energy": "eyeriss_energy_mj",
    "eyeriss_arithmetic_intensity": "eyeriss_arithmetic_intensity_ops_per_byte",
    "fpga_latency": "fpga_latency_ms",
    "fpga_energy": "fpga_energy_mj",
}
"""Upstream's name of each metric, and ours with the unit."""

NOT_COMPILABLE = -1


def _load(data_set: str) -> Benchmark:
    accuracy, costs = nb201.LOADERS[f"nb201/{data_set}"](), source(f"hw-nas-bench/{data_set}")
    return Benchmark(
        name=f"hw-nas-bench/nb201-{data_set}",
        table=accuracy.table.merge(_costs(data_set), on="arch"),
        space="nb201",
        batch=data_set,
        licence=f"{costs.licence} (costs); {accuracy.licence} (accuracies)",
        citation=f"{costs.citation}; {accuracy.citation}",
    )


@cache
def _costs(data_set: str) -> pd.DataFrame:
    known = nb201.LOADERS[f"nb201/{data_set}"]().table["arch"]
    return read(fetch(f"hw-nas-bench/{data_set}"), list(known))


def read(path: Path, known: Sequence[str]) -> pd.DataFrame:
    """Return ``arch`` and the ten metrics of a file of HW-NAS-Bench.

    Parameters
    ----------
    path : Path
        A CSV file: ``net``, six operation ids, and a column per metric; -1 where there is none.
    known : sequence of str
        The architectures that the file has to hold, each once.

    Raises
    ------
    ValueError
        When it is no such table, or lacks, repeats or adds architectures.
    """
    try:
        table = pd.read_csv(path)
        found = architectures([ast.literal_eval(cell) for cell in table.pop("net")])
        costs = table[list(COLUMNS)].rename(columns=COLUMNS).astype(float)
    except (ValueError, TypeError, KeyError, IndexError, SyntaxError) as error:
        raise ValueError(f"{path} is no table of HW-NAS-Bench: {error}; fetch it again") from error
    repeated = [arch for arch, times in Counter(found).items() if times > 1]
    lacking, foreign = set(known).difference(found), set(found).difference(known)
    if repeated or lacking or foreign:
        raise ValueError(
            f"{path} lacks {len(lacking)} of the {len(known):,} architectures, repeats {len(repeated)} "
            f"and adds {len(foreign)} that are not in the space; fetch it again"
        )
    if costs.isna().any(axis=None):
        raise ValueError(
            f"{path} has {costs.isna().sum().sum()} empty cells; HW-NAS-Bench has none, fetch it again"
        )
    costs.insert(0, "arch", found)
    return costs.mask(costs == NOT_COMPILABLE)


LOADERS: dict[str, Callable[[], Benchmark]] = {
    f"hw-nas-bench/nb201-{data_set}": partial(_load, data_set)
    for data_set in ("cifar10", "cifar100", "imagenet16-120")
}
"""Name of each benchmark of this family, and the function that returns it."""

"""Accel-NASBench: 5,125 networks of a MobileNet space, trained on ImageNet-1K with a short schedule.

Columns beside ``arch``:

==============================================  ========================================================
``validation_accuracy``                         top-1 on the validation images of ImageNet-1K, %, after a
                                                training that is shorter, and at a lower resolution, than
                                                usual: a ranking more than a level
``runs``                                        how often the network was trained: 1, or 2 for 13 of them,
                                                whose numbers are means
``params``                                      trainable parameters
``macs``                                        multiply-accumulates of one image of 224 × 224 pixels, as
                                                #FLOPs counts them
``<device>_latency_ms``                         zcu102 and vck190, FPGAs
``<device>_throughput_images_per_s``            these, a100 and 3090 (GPUs), tpuv2 and tpuv3
==============================================  ========================================================

Upstream's own number of multiply-accumulates, ``upstream_macs``, is higher, because it counts four for each
output of a batch norm, and the means that pooling takes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, source
from zsnas.spaces import space
from zsnas.spaces._accel_records import records
from zsnas.spaces._base import Counts
from zsnas.spaces.accel_nasbench import SOURCE

NAME = SOURCE
CLASSES, SIDE = 1000, 224
_LATENCIES = ("zcu102", "vck190")
_THROUGHPUTS = (*_LATENCIES, "a100", "3090", "tpuv2", "tpuv3")


def _load() -> Benchmark:
    entry = source(NAME)
    return Benchmark(
        name=NAME,
        table=read(fetch(NAME)),
        space="accel-nasbench",
        batch="imagenet1k",
        licence=entry.licence,
        citation=entry.citation,
        metric="validation_accuracy",
    )


def read(path: Path) -> pd.DataFrame:
    """Return the columns above from upstream's archive, one row a network, in the order of its first file.

    Of its 5,138 files, 13 repeat the network of another: their measurements are averaged.

    Raises
    ------
    ValueError
        When the archive is no such archive.
    """
    found = records(path)
    try:
        rows = [_row(arch, content) for arch, content in found]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no archive of Accel-NASBench: {error!r}; fetch it again") from error
    runs = pd.DataFrame(rows).groupby("arch", sort=False)
    means = runs.mean().astype(dict.fromkeys(("params", "macs", "upstream_macs"), "int64"))
    means.insert(1, "runs", runs.size())
    return means.reset_index()


def _row(arch: str, record: dict[str, Any]) -> dict[str, object]:
    ours, upstream, devices = _counts(arch), record["model_info"], record["platform_perf"]
    if round(upstream["params"] * 1e6) != ours.params:
        raise ValueError(f"{arch} has {ours.params:,} parameters here and {upstream['params']} M upstream")
    return {
        "arch": arch,
        "validation_accuracy": record["metrics"]["val_top1"],
        "params": ours.params,
        "macs": ours.macs,
        "upstream_macs": round(upstream["macs"] * 1e6),
        **{f"{name}_latency_ms": devices[f"latency_{name}"]["latency_mean"] for name in _LATENCIES},
        **{
            f"{name}_throughput_images_per_s": devices[f"throughput_{name}"]["throughput_mean"]
            for name in _THROUGHPUTS
        },
    }


def _counts(arch: str) -> Counts:
    return space("accel-nasbench").counts(arch, CLASSES, SIDE)


LOADERS: dict[str, Callable[[], Benchmark]] = {NAME: _load}
"""Name of each benchmark of this family, and the function that returns it."""

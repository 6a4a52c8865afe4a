"""NAS-Bench-Macro: 6,561 networks of inverted residual blocks on CIFAR-10, each trained three times.

``nas-bench-macro/cifar10`` has ``test_accuracy``, the mean top-1 test accuracy of the runs in %, and each run
by itself in ``test_accuracy_run_1`` to ``test_accuracy_run_3``. The architectures are in the order of the
search space. Those that `zsnas.space` calls canonically the same have runs of their own.

Upstream's numbers carry the noise of 32-bit floats; a multiple of 1/100 % (10,000 images) survives rounding.
"""

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, source
from zsnas.spaces import space

NAME = "nas-bench-macro/cifar10"
RUNS = [f"test_accuracy_run_{number}" for number in (1, 2, 3)]
_DECIMALS = 4


def _load() -> Benchmark:
    entry = source(NAME)
    return Benchmark(
        name=NAME,
        table=_table().copy(),
        space="nas-bench-macro",
        batch="cifar10",
        licence=entry.licence,
        citation=entry.citation,
    )


@cache
def _table() -> pd.DataFrame:
    """Return arch, test_accuracy and the runs (%), in the order of the space."""
    path, architectures = fetch(NAME), space("nas-bench-macro").architectures
    records = json.loads(path.read_bytes())
    if records.keys() != set(architectures):
        raise ValueError(f"{path} has other architectures than the {len(architectures):,}; fetch it again")
    runs = np.array([records[arch]["test_acc"] for arch in architectures]).round(_DECIMALS)
    mean = pd.DataFrame({"arch": architectures, "test_accuracy": runs.mean(axis=1).round(_DECIMALS)})
    return mean.join(pd.DataFrame(runs, columns=RUNS))


LOADERS: dict[str, Callable[[], Benchmark]] = {NAME: _load}
"""Name of each benchmark of this family, and the function that returns it."""

"""AnalogNAS-Bench: the NAS-Bench-201 cells on CIFAR-10, on digital and on simulated analog hardware.

The numbers ship inside the package ``analog-nasbench``, so the table needs neither mirror nor network.
Columns, all top-1 accuracy on CIFAR-10 in %:

=============================  =======================================================================
``test_accuracy``              digital baseline, full precision
``ptq_accuracy``               digital, quantised after training
``qat_accuracy``               digital, trained with quantisation
``noisy_accuracy``             the baseline's weights on noisy analog memory, without retraining
``analog_accuracy``            after hardware-aware training, on noisy analog memory
``noisy_<time>_accuracy``      as ``noisy_accuracy`` once the memory has drifted for a time
``analog_<time>_accuracy``     as ``analog_accuracy`` once the memory has drifted for a time
``…_spread``                   the ± that upstream gives with a drifted accuracy
=============================  =======================================================================

Times: ``60s``, ``1h``, ``1d``, ``30d``. Rows are in the package's order, which is not the index order of
NAS-Bench-201: join on ``arch``.
"""

from collections.abc import Callable
from functools import cache
from itertools import chain

import pandas as pd

from zsnas.benchmarks._analog_records import EDGES, analog_records
from zsnas.benchmarks._base import Benchmark
from zsnas.benchmarks._operation_ids import architectures

_TIMES = ("60s", "1h", "1d", "30d")
_DRIFTED = [f"{weights}_{time}_accuracy" for weights in ("noisy", "analog") for time in _TIMES]
_COLUMNS = [
    *("test_accuracy", "ptq_accuracy", "qat_accuracy", "noisy_accuracy", "analog_accuracy"),
    *chain.from_iterable((name, f"{name}_spread") for name in _DRIFTED),
]


def _load() -> Benchmark:
    return Benchmark(
        name="nb201-analog/cifar10",
        table=_table().copy(),
        space="nb201",
        batch="cifar10",
        licence="not stated by the package analog-nasbench 0.1.3",
        citation="AnalogNAS-Bench: A NAS Benchmark for Analog In-Memory Computing, arXiv:2506.18495, 2025; "
        "X. Dong and Y. Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, "
        "ICLR 2020",
    )


@cache
def _table() -> pd.DataFrame:
    rows = analog_records()
    table = pd.DataFrame(rows[:, EDGES:].copy(), columns=_COLUMNS)
    table.insert(0, "arch", architectures(rows[:, :EDGES]))
    return table


LOADERS: dict[str, Callable[[], Benchmark]] = {"nb201-analog/cifar10": _load}
"""Name of each benchmark of this family, and the function that returns it."""

"""What a width brings in the size space of NATS-Bench, and what it adds to the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.book.materials import counts
from zsnas.spaces.nats_sss import LAYERS, WIDTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark


def gains(bench: Benchmark) -> pd.DataFrame:
    """Compare all pairs of networks that differ in one width by one step of 8 channels.

    Returns
    -------
    DataFrame
        One row for each width, ``c1`` to ``c5``: in how many percent of the pairs the wider one is more
        accurate, and the mean gain of accuracy (points), parameters (thousands) and multiply-accumulates
        (millions).
    """
    table = counts(bench).set_index("arch")
    accuracy = bench.table.set_index("arch")[bench.metric][table.index]
    return pd.DataFrame(
        {
            f"c{layer + 1}": {
                "wider is better (%)": 100 * (_steps(accuracy, layer) > 0).mean(),
                "gain (points)": _steps(accuracy, layer).mean(),
                "#Params (thousands)": _steps(table["params"], layer).mean() / 1e3,
                "#FLOPs (millions)": _steps(table["flops"], layer).mean() / 1e6,
            }
            for layer in range(LAYERS)
        }
    ).T


def _steps(values: pd.Series[float], layer: int) -> NDArray[np.float64]:
    """Return the differences of neighbours in one width; the table is in the order of the space."""
    steps: NDArray[np.float64] = np.diff(values.to_numpy(float).reshape([len(WIDTHS)] * LAYERS), axis=layer)
    return steps.ravel()

"""NAS-Bench-101: 423,624 cells on CIFAR-10, each trained three times for 108 epochs.

``nb101/cifar10`` has ``test_accuracy``, the mean top-1 test accuracy of the runs in %.

The source names no architecture: its rows are in the order of the benchmark's MD5 hash of the cells, and so
are the architectures of the search space. The source has the parameters of every network beside it; all
423,624 are those of the networks that the space builds.

The source is a pickle. It is taken apart into its instructions, none of which is carried out, and the numbers
are taken from the one that holds them.
"""

import gzip
import pickletools
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, source
from zsnas.spaces import space

_ACCURACIES = "freerea/nb101/accuracies"
_DECIMALS = 4  # a third of 1/100 % is more, the noise of 32-bit floats less


def _load() -> Benchmark:
    entry = source(_ACCURACIES)
    return Benchmark(
        name="nb101/cifar10",
        table=_table().copy(),
        space="nb101",
        batch="cifar10",
        licence=entry.licence,
        citation=entry.citation,
    )


@cache
def _table() -> pd.DataFrame:
    """Return the columns arch and test_accuracy (%), in the order of the space."""
    architectures = space("nb101").architectures
    accuracies = numbers(fetch(_ACCURACIES), len(architectures))[0]
    return pd.DataFrame({"arch": architectures, "test_accuracy": (100 * accuracies).round(_DECIMALS)})


def numbers(path: Path, rows: int) -> NDArray[np.float64]:
    """Return the columns of a pickled data frame, compressed by gzip: shape (columns, rows).

    Raises
    ------
    ValueError
        When the file does not hold one block of floating-point numbers with so many rows.
    """
    instructions = pickletools.genops(gzip.decompress(path.read_bytes()))
    written = [(op.name, argument) for op, argument, _ in instructions]
    texts = [argument for name, argument in written if "UNICODE" in name]
    blocks = [argument for name, argument in written if "BINBYTES" in name]
    if texts.count("f8") != 1 or not blocks or len(blocks[-1]) % (8 * rows):  # type: ignore[arg-type]
        raise ValueError(f"{path} is no table of numbers with {rows:,} rows; fetch it again")
    return np.frombuffer(blocks[-1], dtype="<f8").reshape(-1, rows)  # type: ignore[arg-type]


LOADERS: dict[str, Callable[[], Benchmark]] = {"nb101/cifar10": _load}
"""Name of each benchmark of this family, and the function that returns it."""

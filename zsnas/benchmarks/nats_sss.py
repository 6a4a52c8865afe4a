"""NATS-Bench's size space: 32,768 networks that differ in their widths, each trained for 90 epochs, once.

``nats-sss/cifar100`` and ``nats-sss/imagenet16-120`` have ``test_accuracy``, the top-1 test accuracy in %.
``nats-sss/cifar10`` has ``validation_accuracy``: its numbers are multiples of 1/250 %, an accuracy on 25,000
images, which is the validation split of CIFAR-10 (half of its training images), not its 10,000 test images.

Upstream's numbers carry the noise of 32-bit floats. A multiple of 1/50 % (5,000 images, CIFAR-100), 1/30 %
(3,000, ImageNet16-120) or 1/250 % survives rounding to four decimals, which removes only the noise.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, source

_METRICS = {
    "cifar10": "validation_accuracy",
    "cifar100": "test_accuracy",
    "imagenet16-120": "test_accuracy",
}
_ARCHITECTURES = "lightonai/nats-size/architectures"
_DECIMALS = 4


def _load(data_set: str) -> Benchmark:
    entry = source(f"lightonai/nats-size/{data_set}")
    return Benchmark(
        name=f"nats-sss/{data_set}",
        table=_table(data_set).copy(),
        space="nats-sss",
        batch=data_set,
        licence=entry.licence,
        citation=entry.citation,
        metric=_METRICS[data_set],
    )


@cache
def _table(data_set: str) -> pd.DataFrame:
    """Return the columns arch and the metric (%), in index order."""
    path = fetch(f"lightonai/nats-size/{data_set}")
    architectures, accuracies = np.load(fetch(_ARCHITECTURES)), np.load(path)
    if accuracies.shape != architectures.shape:
        raise ValueError(
            f"{path} has {len(accuracies):,} accuracies for {len(architectures):,} architectures; "
            "fetch it again"
        )
    return pd.DataFrame({"arch": architectures.tolist(), _METRICS[data_set]: accuracies.round(_DECIMALS)})


LOADERS: dict[str, Callable[[], Benchmark]] = {
    f"nats-sss/{data_set}": partial(_load, data_set) for data_set in _METRICS
}
"""Name of each benchmark of this family, and the function that returns it."""

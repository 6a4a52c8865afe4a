"""ViT-Bench-101: vision transformers trained alike on three data sets, for 300 epochs at 224 pixels.

``vitbench/autoformer-<data set>`` (200 networks) and ``vitbench/pit-<data set>`` (100), with the data sets
``cifar100``, ``flowers102`` and ``chaoyang``, have ``distilled_accuracy``, top-1 in % after a training with
distillation from a CNN, and ``plain_accuracy``, the same without it, NaN for the second hundred AutoFormers.
``supernet_accuracy``, of AutoFormers, is what a supernet that was trained on ImageNet-1K reaches with their
shape, without a training of their own. Its level differs between widths; of the second hundred it does not
follow their shapes at all.

Images of Flowers-102 and Chaoyang are unavailable here: their networks are scored on those of CIFAR-100.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import source
from zsnas.spaces import space

if TYPE_CHECKING:
    from collections.abc import Callable

FAMILIES = ("autoformer", "pit")
DATA_SETS = {"cifar100": "c100", "flowers102": "flower", "chaoyang": "chaoyang"}
"""Ours and what upstream's columns begin with."""


def _load(family: str, data_set: str) -> Benchmark:
    from zsnas.spaces.vitbench import SOURCES, Transformers, records

    transformers = space(f"vitbench-{family}")
    if not isinstance(transformers, Transformers):
        raise TypeError(f"{transformers.name!r} is no space of ViT-Bench-101")
    entry, upstream = source(SOURCES[family][0]), DATA_SETS[data_set]
    rows = [
        {
            "arch": transformers.write(record["arch"]),
            "distilled_accuracy": record[f"{upstream}_kd_acc"],
            "plain_accuracy": record[f"{upstream}_base_acc"],
            "supernet_accuracy": record.get("imagenet_super_acc"),
        }
        for record in records(family)
    ]
    table = pd.DataFrame(rows).dropna(axis=1, how="all").drop_duplicates("arch", ignore_index=True)
    return Benchmark(
        name=f"vitbench/{family}-{data_set}",
        table=table.astype(dict.fromkeys(table.columns[1:], float)),
        space=transformers.name,
        batch="cifar100",
        licence=entry.licence,
        citation=entry.citation,
        metric="distilled_accuracy",
    )


LOADERS: dict[str, Callable[[], Benchmark]] = {
    f"vitbench/{family}-{data_set}": partial(_load, family, data_set)
    for family, data_set in product(FAMILIES, DATA_SETS)
}
"""Name of each benchmark of this family, and the function that returns it."""

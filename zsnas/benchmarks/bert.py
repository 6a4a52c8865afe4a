"""NAS-Bench-BERT: transformers pretrained on text and then trained on eight tasks of GLUE, each by itself.

``bert/glue`` has the 491 architectures that the benchmark describes, ``bert/glue-trained`` the 301 networks
that its published training code makes of them, see `zsnas.spaces.flexibert`. The column ``glue`` is the mean
of the eight tasks with equal weights, as the benchmark computes it, and each task is a column: ``cola``
(Matthews correlation, × 100), ``sts`` (Pearson correlation, × 100), and accuracies in % of ``mnli``
(matched), ``mrpc``, ``qnli``, ``qqp``, ``rte`` and ``sst``, all on the development sets (Wang et al. 2019,
GLUE). Where several rows of the benchmark are of one architecture or network, which ``runs`` counts, a value
is their mean. One row has an accuracy of 0 in ``rte``; it stays as published.

Networks are pretrained on OpenWebText in 100,000 steps of 128 sequences as discriminators (Clark et al. 2020,
ELECTRA). The text is unavailable here: networks are scored on random tokens, see `zsnas.batches.tokens`.
The parameters that the benchmark publishes beside its own proxies are those of networks with 256 channels and
widths of 1,024 whatever the architecture says; those that are counted here follow it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import source
from zsnas.spaces import space

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "sts")
"""The tasks of GLUE, without that of Winograd schemas, which the benchmark leaves out."""

METRIC = "glue"


def _load(name: str, networks: str) -> Benchmark:
    from zsnas.spaces import flexibert

    entry = source(flexibert.SOURCE)
    written = [flexibert.write(flexibert.described(record)) for record in flexibert.records()]
    if networks == flexibert.TrainedFlexiBERT.name:
        written = [flexibert.as_trained(arch) for arch in written]
    rows = pd.DataFrame([record["scores"] for record in flexibert.records()]).assign(arch=written)
    by_arch = rows.groupby("arch")
    table = by_arch[[METRIC, *TASKS]].mean().assign(runs=by_arch.size())
    return Benchmark(
        name=name,
        table=table.loc[list(space(networks).architectures)].reset_index(),
        space=networks,
        batch="tokens-128",
        licence=entry.licence,
        citation=entry.citation,
        metric=METRIC,
        unit="points",
    )


LOADERS: dict[str, Callable[[], Benchmark]] = {
    name: partial(_load, name, networks)
    for name, networks in (("bert/glue", "flexibert"), ("bert/glue-trained", "flexibert-trained"))
}
"""Name of each benchmark of this family, and the function that returns it."""

"""Networks with their truth and their scores side by side: a random sample and the top.

What asks how proxies relate to each other, over several benchmarks, starts here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from zsnas import statistics
from zsnas.book import materials
from zsnas.book.studies.boards import SAMPLE, TOP
from zsnas.scores.sweep import visited
from zsnas.scores.table import scores as published_scores
from zsnas.sources import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

SPACES = {
    "NAS-Bench-201": {"nb201/cifar100": "CIFAR-100", "nb201/imagenet16-120": "ImageNet16-120"},
    "NATS-Bench sizes": {"nats-sss/cifar100": "CIFAR-100", "nats-sss/imagenet16-120": "ImageNet16-120"},
    "TransNAS-Bench-101": {
        "transnas-micro/segmentsemantic": "segmentation",
        "transnas-micro/normal": "normals",
        "transnas-micro/autoencoder": "autoencoding",
    },
    "Accel-NASBench": {"accel-nasbench/imagenet1k": "ImageNet-1K"},
    "timm's CNNs": {"timm/imagenet-cnn": "ImageNet-1K"},
    "timm's ViTs": {"timm/imagenet-vit": "ImageNet-1K"},
}
"""Search spaces, and the benchmarks of each by name and data set or task."""

Key = tuple[str, str]  # space, and data set or task

FEW = 30
"""Networks; where the top 5 % are fewer, the top is the better half."""

COMMON = ("params", "flops", "grad_norm", "snip", "synflow", "jacob_cov", "zen_score")
"""The proxies that all of them have scores of, by one definition."""

NINE = (*COMMON, "grasp", "logdet")
"""With two that some of them lack."""


class Networks(NamedTuple):
    """Truth and scores of networks, indexed by ``arch``: the column ``truth``, and one for each proxy.

    Scores are oriented, so that a higher one is better, and NaN where undefined.

    Attributes
    ----------
    every : DataFrame
        A simple random sample of the benchmark, or all of it.
    top : DataFrame
        What is scored of its top 5 %, which is all of it in most; of its better half where 5 % are too few.
    """

    every: pd.DataFrame
    top: pd.DataFrame


def networks(name: str, proxies: Sequence[str], limit: int | None = None) -> Networks | None:
    """Return the networks of a benchmark, those of seed 0; None when this machine lacks it.

    Parameters
    ----------
    name, proxies
        The benchmark, and what of its published scores to take.
    limit
        Networks of the random sample; by default a thousand.
    """
    bench = materials.known(name)
    if bench is None:
        return None
    scores = published_scores(name)
    scores = scores[scores["seed"] == 0].set_index("arch")
    known = [proxy for proxy in proxies if proxy in scores]
    table = scores[known] * [statistics.orientation(proxy) for proxy in known]
    table.insert(0, "truth", bench.truth[table.index])
    best = statistics.top_architectures(bench, TOP if TOP * len(bench.table) >= FEW else 0.5)
    drawn = visited(bench, limit or SAMPLE)
    return Networks(table[table.index.isin(drawn)], table[table.index.isin(best)])


def all_networks(proxies: Sequence[str] = COMMON, limit: int | None = None) -> dict[Key, Networks]:
    """Return the networks of every benchmark that this machine has, by space and data set or task.

    Raises
    ------
    SourceUnavailable
        When it has none.
    """
    found = {
        (space, words): networks(name, proxies, limit)
        for space, benchmarks in SPACES.items()
        for name, words in benchmarks.items()
    }
    here = {key: value for key, value in found.items() if value is not None}
    if not here:
        names = " ".join(name for benchmarks in SPACES.values() for name in benchmarks)
        raise SourceUnavailable(
            "this page compares benchmarks, and none of them is on this machine or can be had; try "
            f"`zsnas data fetch` with a connection, or name a mirror in ZSNAS_DATA_MIRROR: {names}"
        )
    return here


def percentiles(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of every network by every column, from 0 (worst) to 1; what has no score is worst."""
    ranks = table.rank(na_option="top")
    return (ranks - 1) / max(len(table) - 1, 1)

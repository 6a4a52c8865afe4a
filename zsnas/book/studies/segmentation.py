"""Published segmentation networks: what their runs tell, and how close Jacob_cov is to its ceiling."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from zsnas.batches import batch
from zsnas.book.tables import number
from zsnas.proxies import measure
from zsnas.spaces import space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["SMALL", "Kept", "gaps", "kept", "longer", "unbuilt"]

SMALL = (
    *("hrnet_w18_small_v2+fcn1", "hrnet_w18_small_v2+ocr"),
    *("mobilenetv2_100-d8+c1", "mobilenetv2_100-d8+pspnet"),
    *("resnet18s-d8+c1", "resnet18s-d8+pspnet"),
)
"""Networks that are quick to score, two heads on each backbone."""


def longer(runs: pd.DataFrame) -> pd.Series[float]:
    """Return what 160,000 iterations bring over 80,000, in points of mIoU, by architecture.

    Parameters
    ----------
    runs : DataFrame
        Of :func:`zsnas.benchmarks.ade20k.published`; of mmsegmentation's runs with batches of 16, those that
        differ in nothing else.
    """
    is_usual = runs["source"].str.startswith("mmsegmentation") & runs["model"].str.contains("_4xb4-")
    known = runs[is_usual & runs["is_built"] & runs["miou"].notna()]
    by_length = known.pivot_table(index="arch", columns="iterations", values="miou")
    gain: pd.Series[float] = (by_length[160_000] - by_length[80_000]).dropna()
    return gain


def unbuilt(runs: pd.DataFrame) -> pd.DataFrame:
    """Write which published runs belong to networks that are not built here: a row for each head."""
    rest = runs[~runs["is_built"]].groupby("head")
    cells = {
        "Backbones": rest["backbone"].agg(lambda names: ", ".join(names.unique())),
        "Runs": rest.size(),
        "mIoU": rest["miou"].agg(lambda values: f"{number(values.min(), 1)} to {number(values.max(), 1)}"),
    }
    return pd.DataFrame(cells).rename_axis("Head")


def gaps(
    bench: Benchmark, architectures: Sequence[str], batch_size: int, seed: int, dtype: str = "float32"
) -> pd.Series[float]:
    """Return how far Jacob_cov of networks stays below minus the number of images, in thousandths.

    Parameters
    ----------
    bench : Benchmark
        It has the space and the batch.
    architectures : sequence of str
    batch_size : int
    seed : int
        Of the weights and of the mini-batch.
    dtype : str
        "float32" or "float64".
    """
    images = batch(bench.batch, size=batch_size, seed=seed)
    networks = {arch: space(bench.space).build(arch, images.num_classes, seed) for arch in architectures}
    found = {
        arch: measure(network, images, ["jacob_cov"], seed, dtype=dtype) for arch, network in networks.items()
    }
    return pd.Series({arch: 1000 * (-batch_size - row["jacob_cov"].value) for arch, row in found.items()})


class Kept(NamedTuple):
    """How many pairs of networks there are, and how many keep their order with every seed."""

    kept: int
    pairs: int

    def __str__(self) -> str:
        return f"{self.kept} of {self.pairs}"


def kept(gaps: pd.DataFrame, *, same_backbone: bool) -> Kept:
    """Count the pairs of networks that keep their order, with one backbone or with different ones.

    Parameters
    ----------
    gaps : DataFrame
        Of :func:`gaps`: a row for each network, a column for each seed.
    same_backbone : bool
    """
    pairs = [
        (one, other)
        for one, other in combinations(gaps.index, 2)
        if (_backbone(one) == _backbone(other)) is same_backbone
    ]
    return Kept(sum((gaps.loc[one] > gaps.loc[other]).nunique() == 1 for one, other in pairs), len(pairs))


def _backbone(arch: str) -> str:
    return arch.partition("+")[0]

"""Width and resolution of MobileNet-v2 apart: what a proxy sees of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book.studies.published import in_words, pairs_in_order, powers
from zsnas.book.tables import number
from zsnas.spaces.mobilenet_v2 import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["apart", "below_the_ceiling", "sides", "widths"]


def sides(bench: Benchmark) -> dict[str, str]:
    """Write the resolution of each architecture, such as "96 pixels"."""
    return {arch: f"{parse(arch).resolution} pixels" for arch in bench.table["arch"]}


def widths(bench: Benchmark) -> dict[str, float]:
    """Return the multiplier of the width of each architecture."""
    return {arch: parse(arch).width for arch in bench.table["arch"]}


def apart(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Write which pairs that differ in one of the two are in order, and what doubling either does to a score.

    Parameters
    ----------
    bench : Benchmark
        Of MobileNet-v2.
    scores : DataFrame
        ``arch`` and the columns of the proxies, one row an architecture.
    proxies : sequence of str

    Returns
    -------
    DataFrame
        Of text, a row for each proxy: the pairs in order among those of one resolution and of one width, and
        the factors that the score is multiplied by, fitted over :func:`_crossed`.
    """
    of_one_side = pairs_in_order(
        bench, scores, proxies, lambda one, other: parse(one).resolution == parse(other).resolution
    )
    of_one_width = pairs_in_order(
        bench, scores, proxies, lambda one, other: parse(one).width == parse(other).width
    )
    factors = (2 ** powers(scores, proxies, _crossed(bench, scores))).map(number)
    cells = {
        "one resolution: pairs in order": in_words(of_one_side),
        "one width: pairs in order": in_words(of_one_width),
        "twice the width: ×": factors["width"],
        "twice the resolution: ×": factors["resolution"],
    }
    return pd.DataFrame(cells).rename_axis("Proxy")


def below_the_ceiling(bench: Benchmark, scores: pd.DataFrame, batch_size: int) -> float:
    """Return what doubling the resolution multiplies the distance of Jacob_cov from its ceiling by.

    Parameters
    ----------
    bench, scores
        As for :func:`apart`.
    batch_size : int
        The ceiling is minus the number of images.
    """
    if "jacob_cov" not in scores:
        return float("nan")
    below = scores.assign(below=-batch_size - scores["jacob_cov"])
    return float(2 ** powers(below, ["below"], _crossed(bench, scores))["resolution"].item())


def _crossed(bench: Benchmark, scores: pd.DataFrame) -> pd.DataFrame:
    """Return width and resolution of the scored networks whose width has all resolutions of the benchmark."""
    designs = {str(arch): parse(str(arch)) for arch in scores["arch"]}
    sizes = pd.DataFrame(
        {arch: {"width": found.width, "resolution": found.resolution} for arch, found in designs.items()},
        index=["width", "resolution"],
    ).T
    wanted = bench.table["arch"].map(lambda arch: parse(arch).resolution).nunique()
    return sizes[sizes.groupby("width")["resolution"].transform("nunique") == wanted]

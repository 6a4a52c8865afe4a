"""What statistics ask of a benchmark and its scores: accuracy, the top, what was measured, the direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import zsnas.proxies
from zsnas._names import as_names
from zsnas.benchmarks import Benchmark
from zsnas.scores.table import undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]


def top_architectures(bench: Benchmark, fraction: float) -> pd.Index[str]:
    """Return the architectures among the top ``fraction`` by accuracy, see :meth:`zsnas.Benchmark.top`."""
    return bench.top(fraction)


def check_scores(bench: Benchmark, scores: pd.DataFrame) -> None:
    """Check that scores can meet the truth of a benchmark.

    Raises
    ------
    ValueError
        When one of the two is something else, when the benchmark holds costs alone, and when an architecture
        is not in it or scored twice with one seed.
    """
    _check_types(bench, scores)
    bench.check_trained()
    unknown = scores.loc[~is_among(scores["arch"], bench.table["arch"]), "arch"]
    if len(unknown):
        raise ValueError(
            f"{len(unknown)} scored architectures are not in {bench.name}, the first is {unknown.iloc[0]!r}; "
            f"the scores must be of the space {bench.space}"
        )
    twice = scores.loc[scores.duplicated(["arch", "seed"]), ["arch", "seed"]]
    if len(twice):
        raise ValueError(
            f"{twice['arch'].iloc[0]!r} is scored twice with seed {twice['seed'].iloc[0]}; "
            "keep one row per architecture and seed (one batch size)"
        )


def _check_types(bench: object, scores: object) -> None:
    if not isinstance(bench, Benchmark):
        given = repr(bench) if isinstance(bench, str) else f"of type {type(bench).__name__}"
        raise ValueError(f"the benchmark is {given}; it must be a zsnas.Benchmark: zsnas.benchmark(…) is one")
    if not isinstance(scores, pd.DataFrame) or not {"arch", "seed"} <= set(scores.columns):
        raise ValueError(
            f"the scores are of type {type(scores).__name__}; they must be a DataFrame with the columns arch "
            "and seed and one of each proxy: zsnas.scores(…) is one"
        )


def proxy_columns(scores: pd.DataFrame, proxies: Sequence[str] | None) -> list[str]:
    """Return the names of the proxies, by default all that have a column; a ValueError for one without."""
    known = set(zsnas.proxies.list_proxies())
    available = [column for column in scores.columns if column in known]
    asked = available if proxies is None else list(as_names("proxies", proxies))
    unknown = [name for name in asked if name not in available]
    if unknown:
        raise ValueError(
            f"the scores have no proxy {unknown[0]!r}; they have {', '.join(available) or 'none'}"
        )
    return asked


def is_measured(scores: pd.DataFrame, proxy: str) -> Booleans:
    """Tell undefined from never measured: both are NaN, and the first have a reason that says so."""
    if "reasons" not in scores.columns:
        return np.ones(len(scores), dtype=np.bool_)
    is_undefined = [proxy in undefined(reasons) for reasons in scores["reasons"]]
    return scores[proxy].notna().to_numpy() | np.array(is_undefined, dtype=np.bool_)


def oriented(rows: pd.DataFrame, proxy: str) -> Floats:
    """Return the score of each row so that higher is better; NaN where there is none."""
    return rows[proxy].to_numpy(dtype=np.float64) * orientation(proxy)


def ranked(rows: pd.DataFrame, proxy: str) -> Floats:
    """Return the rank of the score of each row, the best highest; undefined ones share the lowest rank.

    A score that is undefined because it exceeds the range of its numbers, as its reason then says, counts as
    infinite: above all others when higher is better.
    """
    _, levels = np.unique(oriented(rows, proxy), return_inverse=True, equal_nan=True)
    is_undefined = rows[proxy].isna().to_numpy()
    ranks = np.where(is_undefined, 0.0, 1.0 + levels)
    if orientation(proxy) > 0 and "reasons" in rows.columns and is_undefined.any():
        exceeds = ["exceed" in undefined(reasons).get(proxy, "") for reasons in rows["reasons"]]
        ranks[is_undefined & np.array(exceeds)] = 2.0 + ranks.max(initial=0)
    return ranks


def is_among(names: pd.Series[str] | pd.Index[str], known: pd.Series[str]) -> Booleans:
    """Tell which names are known; pandas' ``isin`` takes seconds for hundreds of thousands of them."""
    is_known: Booleans = pd.Index(known.unique()).get_indexer(pd.Index(names)) >= 0
    return is_known


def by_seed(rows: pd.DataFrame, values: Floats, architectures: pd.Index[str]) -> Floats:
    """Arrange a value of each row by architecture and seed, shape (architectures, seeds); NaN for none."""
    seeds, columns = np.unique(rows["seed"], return_inverse=True)
    places = architectures.get_indexer(pd.Index(rows["arch"]))
    table = np.full((len(architectures), len(seeds)), np.nan)
    table[places[places >= 0], columns[places >= 0]] = values[places >= 0]
    return table


def orientation(name: str) -> float:
    """Return what to multiply the scores of a proxy with, so that higher is better: 1 or -1."""
    return zsnas.proxies.proxy(name).orientation

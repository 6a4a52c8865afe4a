"""What statistics ask of a benchmark and its scores: accuracy, the top, what was measured, the direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import zsnas
from zsnas.score_table import undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]


def top_architectures(bench: Benchmark, fraction: float) -> pd.Index[str]:
    """Architectures whose accuracy is among the top ``fraction`` of the whole benchmark, best first.

    The cut is the accuracy of place ``ceil(fraction * N)``; everything tied with it is kept, so the result
    can be longer.

    Raises
    ------
    ValueError
        When the fraction is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"the fraction of top architectures is {fraction}; it must be above 0 and at most 1")
    accuracy = accuracy_of(bench).sort_values(ascending=False, kind="stable")
    places = math.ceil(round(fraction * len(accuracy), 9))
    return accuracy.index[(accuracy >= accuracy.iloc[places - 1]).to_numpy()]


def accuracy_of(bench: Benchmark) -> pd.Series[float]:
    accuracy = bench.table.set_index("arch")[bench.metric].astype(float)
    if accuracy.isna().any():
        raise ValueError(
            f"{bench.name} has {accuracy.isna().sum()} architectures without {bench.metric}; "
            "leave them out of the table first"
        )
    return accuracy


def check_scores(bench: Benchmark, scores: pd.DataFrame) -> None:
    """Check that scores can meet the truth of a benchmark.

    Raises
    ------
    ValueError
        When the benchmark holds costs alone, or an architecture is not in it or scored twice with one seed.
    """
    bench.check_trained()
    unknown = scores.loc[~scores["arch"].isin(bench.table["arch"]), "arch"]
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


def proxy_columns(scores: pd.DataFrame, proxies: Sequence[str] | None) -> list[str]:
    """Return the names of the proxies, by default all that have a column; a ValueError for one without."""
    known = set(zsnas.list_proxies())
    available = [column for column in scores.columns if column in known]
    unknown = [name for name in proxies or () if name not in available]
    if unknown:
        raise ValueError(
            f"the scores have no proxy {unknown[0]!r}; they have {', '.join(available) or 'none'}"
        )
    return available if proxies is None else list(proxies)


def is_measured(scores: pd.DataFrame, proxy: str) -> Booleans:
    """Tell undefined from never measured: both are NaN, and the first have a reason that says so."""
    if "reasons" not in scores.columns:
        return np.ones(len(scores), dtype=np.bool_)
    is_undefined = [proxy in undefined(reasons) for reasons in scores["reasons"]]
    return scores[proxy].notna().to_numpy() | np.array(is_undefined, dtype=np.bool_)


def by_seed(rows: pd.DataFrame, proxy: str, architectures: pd.Index[str]) -> Floats:
    """Return the oriented scores of a proxy, shape (architectures, seeds); NaN where there is none."""
    values = rows.pivot(index="arch", columns="seed", values=proxy).reindex(architectures).astype(float)
    return np.asarray(values.to_numpy() * orientation(proxy))


def orientation(name: str) -> float:
    """Return what to multiply the scores of a proxy with, so that higher is better: 1 or -1."""
    return 1.0 if zsnas.proxy(name).higher_is_better else -1.0

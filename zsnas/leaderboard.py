"""The leaderboard: how well every proxy ranks every benchmark, from the published scores.

A benchmark is compared in one way, which the pages of the book share: the seed that scored most, the top 5 %
by accuracy, and a sample that is the complete top and random networks of the rest. Where 5 % would be a
handful of networks, the top is the better half, and the sample is a simple random one or everything.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zsnas._extras import ExtraMissing
from zsnas._progress_bar import progress_bar
from zsnas.benchmarks import benchmark, list_benchmarks, matching_benchmarks
from zsnas.checksums import read_checked
from zsnas.proxies import choose_proxies, list_proxies, proxy
from zsnas.scores.sweep import visited
from zsnas.scores.table import published_path, scores
from zsnas.sources import DATA, SourceUnavailable
from zsnas.statistics import SAMPLED_TOP, best_by_proxy, correlations, is_measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "COLUMNS",
    "ENOUGH",
    "FEWEST",
    "SAMPLED",
    "candidates",
    "correlated",
    "leaderboard",
    "ranked",
    "regrets",
]

FEWEST = 10
"""Networks; a correlation over fewer is not shown."""

ENOUGH = 30
"""Networks that a correlation needs before a proxy takes a rank."""

SAMPLED = 1000
"""How many random architectures a published sweep scores, beside the complete top."""

HALF = 0.5
"""The top of a benchmark whose top 5 % is fewer than `ENOUGH` networks."""

HUGE = 20_000
"""A benchmark of more architectures gets a tenth of the resamples."""

ESTIMATES = ("kt", "kt_top", "spr", "spr_top", "regret")
"""The numbers that have an interval, in the columns with the endings ``_low`` and ``_high``."""

COLUMNS = (
    *("benchmark", "proxy", "label", "kind", "space", "batch", "metric", "unit", "rank", "rank_to", "ranked"),
    *(f"{name}{end}" for name in ESTIMATES for end in ("", "_low", "_high")),
    *("seed_sd", "seeds", "n", "n_top", "missing", "top", "candidates", "cost"),
)
"""The columns of a leaderboard."""


def leaderboard(
    benchmarks: Sequence[str] | str | None = None,
    proxies: Sequence[str] | str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    *,
    progress: bool = False,
) -> pd.DataFrame:
    """Compare proxies over benchmarks, from the published scores.

    Parameters
    ----------
    benchmarks
        Names, with wildcards, or the first part of names, such as ``"nb201"``; by default all that have
        published scores.
    proxies
        Names, with wildcards, ``"default"`` or ``"all"``; by default all but the variants.
    resamples
        Of the bootstrap; 0 for no intervals. Benchmarks of more than 20,000 architectures get a tenth.
    seed
        Of the bootstrap.
    progress
        Show a bar on standard error.

    Returns
    -------
    DataFrame
        One row per benchmark and proxy that was measured on it, highest ``kt`` first, those without a rank
        last:

        - ``benchmark``, ``space``, ``batch``, ``metric``, ``unit``, ``proxy``, ``label``, ``kind``;
        - ``kt``, ``spr``: Kendall's τ and Spearman's ρ over all; ``kt_top``, ``spr_top``: over the ``top``,
          the fraction that is 0.05, or 0.5 where 5 % would be fewer than 30 networks. See
          :func:`zsnas.correlations`; NaN over fewer than 10 networks;
        - ``regret``: how far the pick, the network with the best score, is from the best of the benchmark, in
          ``unit``, among ``candidates`` networks, a simple random sample; see
          :func:`zsnas.statistics.best_by_proxy`;
        - each of these with the endings ``_low`` and ``_high``: its 95 % interval;
        - ``rank`` to ``rank_to``: the places by ``kt`` that its interval leaves open, out of ``ranked``. A
          proxy is behind another when its interval lies below the other's as a whole. NaN without an
          interval, or with fewer than 30 networks;
        - ``n``, ``n_top``: networks that the correlations are over; ``missing``: networks without a score;
        - ``seeds``: that were scored; ``seed_sd``: standard deviation of ``kt`` over them, on the networks
          that all of them scored, NaN for one seed. Everything else is of the seed that scored most;
        - ``cost`` in passes of a bare training step, from ``data/performance.csv``; NaN where not measured.

        ``attrs["absent"]`` says why benchmarks were left out: {name: reason}.

    Raises
    ------
    ValueError
        For an unknown benchmark or proxy, and for a benchmark that holds costs alone.
    """
    known = list_benchmarks() if benchmarks is None else matching_benchmarks(benchmarks)
    published = [name for name in known if published_path(name).exists()]
    absent = (
        {} if benchmarks is None else {n: f"zsnas sweep {n} --publish" for n in known if n not in published}
    )
    names, cost = _proxies(proxies), _costs()
    parts = []
    with progress_bar("leaderboard", len(published), unit="benchmark", shown=progress) as bar:
        for name in published:
            try:
                parts.append(_of(benchmark(name), names, resamples, seed))
            except SourceUnavailable:
                absent[name] = "zsnas data fetch"
            except ExtraMissing as missing:
                absent[name] = missing.remedy
            bar.update()
    measured = [part for part in parts if len(part)]
    table = pd.concat(measured, ignore_index=True) if measured else pd.DataFrame(columns=["proxy"])
    table["cost"] = table["proxy"].map(cost).astype(float)
    table = table.reindex(columns=list(COLUMNS))
    table.attrs["absent"] = absent
    return table


def _proxies(patterns: Sequence[str] | str | None) -> list[str]:
    if patterns is None:
        return [name for name in list_proxies() if proxy(name).variant_of is None]
    return list(choose_proxies(patterns))


def _costs() -> pd.Series[float]:
    return pd.read_csv(io.BytesIO(read_checked(DATA / "performance.csv", DATA))).set_index("proxy")["cost"]


def _of(bench: Benchmark, names: Iterable[str], resamples: int, seed: int) -> pd.DataFrame:
    """Return the rows of one benchmark."""
    everything = scores(bench.name)
    first = everything["seed"].value_counts().sort_index().idxmax()
    of_first = everything[everything["seed"] == first].reset_index(drop=True)
    proxies = [name for name in names if name in of_first and is_measured(of_first, name).any()]
    if not proxies:
        return pd.DataFrame(columns=list(COLUMNS))
    is_small = SAMPLED_TOP * len(bench.table) < ENOUGH
    how: dict[str, Any] = {
        "top": HALF if is_small else SAMPLED_TOP,
        "sampled_top": 1.0 if is_small else SAMPLED_TOP,
    }
    fewer = resamples // 10 if len(bench.table) > HUGE else resamples
    found = correlations(bench, of_first, proxies=proxies, resamples=fewer, seed=seed, **how)
    rows = correlated(found).merge(
        regrets(bench, candidates(bench, of_first), proxies), on="proxy", how="left"
    )
    rows = rows.merge(_over_seeds(bench, everything, proxies, how), on="proxy", how="left")
    entry = rows["proxy"].map(proxy)
    rows = rows.assign(
        benchmark=bench.name,
        space=bench.space,
        batch=bench.batch,
        metric=bench.metric,
        unit=bench.unit,
        top=how["top"],
        label=[found.label for found in entry],
        kind=[found.kind for found in entry],
    )
    return ranked(rows)


def correlated(table: pd.DataFrame) -> pd.DataFrame:
    """Write what :func:`zsnas.correlations` found in a row per proxy, with the columns of a leaderboard.

    Parameters
    ----------
    table : DataFrame
        Its result.

    Returns
    -------
    DataFrame
        ``proxy``; ``kt``, ``kt_top``, ``spr``, ``spr_top`` with their intervals, NaN over fewer than 10
        networks; ``n``, ``n_top``, ``missing``.
    """
    rows: dict[str, dict[str, Any]] = {}
    for cell in table.to_dict("records"):
        row = rows.setdefault(cell["proxy"], {"proxy": cell["proxy"]})
        end = "" if cell["subset"] == "all" else "_top"
        column = f"{cell['statistic'].lower()}{end}"
        for key, number in (("", "value"), ("_low", "low"), ("_high", "high")):
            row[f"{column}{key}"] = cell[number] if cell["n"] >= FEWEST else math.nan
        row[f"n{end}"] = cell["n"]
        if not end:
            row["missing"] = cell["missing"]
    return pd.DataFrame(rows.values())


def candidates(bench: Benchmark, table: pd.DataFrame, limit: int | None = None) -> pd.DataFrame:
    """Return the scores among which the first place is looked for: those of a simple random sample.

    A published table also has the complete top, whose architectures would be far too frequent.

    Parameters
    ----------
    bench : Benchmark
    table : DataFrame
        Scores of it.
    limit : int, optional
        Size of the random sample; by default 1,000. A table of the whole space is returned as it is.
    """
    if table["arch"].nunique() == len(bench.table):
        return table
    return table[table["arch"].isin(visited(bench, limit or SAMPLED))].reset_index(drop=True)


def regrets(bench: Benchmark, table: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Return how far the pick of each proxy is from the best, with the columns of a leaderboard.

    Parameters
    ----------
    bench : Benchmark
    table : DataFrame
        Scores of the candidates, one seed.
    proxies : sequence of str
    """
    found = best_by_proxy(bench, table, proxies)
    return pd.DataFrame(
        {
            "proxy": found["proxy"],
            "regret": found["regret"],
            "regret_low": found["optimum"] - found["high"],
            "regret_high": found["optimum"] - found["low"],
            "candidates": found["n"],
        }
    )


def _over_seeds(
    bench: Benchmark, table: pd.DataFrame, proxies: Sequence[str], how: dict[str, Any]
) -> pd.DataFrame:
    """Count the seeds of each proxy, and say how far Kendall's τ moves with them."""
    return pd.DataFrame(list(_moved(bench, table, proxies, how)), columns=["proxy", "seeds", "seed_sd"])


def _moved(
    bench: Benchmark, table: pd.DataFrame, proxies: Sequence[str], how: dict[str, Any]
) -> Iterator[tuple[str, int, float]]:
    for name in proxies:
        rows = table[is_measured(table, name)]
        count = rows["seed"].nunique()
        of_all = rows.groupby("arch")["seed"].transform("nunique") == count
        deviation = math.nan
        if count > 1 and rows.loc[of_all, "arch"].nunique() >= FEWEST:
            found = correlations(bench, rows[of_all], proxies=[name], resamples=0, **how)
            is_kt = (found["statistic"] == "KT") & (found["subset"] == "all")
            deviation = float(found.loc[is_kt, "seed_sd"].iloc[0])
        yield name, count, deviation


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the proxies of one benchmark the places that their intervals leave open, highest ``kt`` first.

    Parameters
    ----------
    rows : DataFrame
        With ``kt``, ``kt_low``, ``kt_high`` and ``n``.

    Returns
    -------
    DataFrame
        The same, sorted, with ``rank``, ``rank_to`` and ``ranked``: see :func:`leaderboard`.
    """
    takes_part = (rows["n"] >= ENOUGH) & rows["kt_low"].notna()
    low, high = (rows.loc[takes_part, name].to_numpy(dtype=np.float64) for name in ("kt_low", "kt_high"))
    above = (low[None, :] > high[:, None]).sum(axis=1)
    below = (high[None, :] < low[:, None]).sum(axis=1)
    rows = rows.assign(rank=math.nan, rank_to=math.nan, ranked=len(low))
    rows.loc[takes_part, "rank"] = 1.0 + above
    rows.loc[takes_part, "rank_to"] = len(low) - 1.0 * below
    order = rows.assign(unranked=~takes_part).sort_values(
        ["unranked", "kt"], ascending=[True, False], kind="stable"
    )
    return order.drop(columns="unranked").reset_index(drop=True)

"""Accuracy against cost: Pareto fronts, hypervolume, and what a proxy picks under every budget.

A cost (latency, energy) is to be low, a value (accuracy, an oriented score) to be high. NaN is refused by the
small functions; the tables leave out what has no cost or no score and say how much.

Under a budget, a proxy picks the candidate with the best score among those that cost no more. Of equal scores
the cheapest is taken, and of equally cheap ones the first, so that the picks under all budgets are the Pareto
front of score against cost.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import moocore
import numpy as np
import pandas as pd

from zsnas.statistics import check_scores, is_measured, orientation, percentile_interval, proxy_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]

__all__ = [
    "HYPERVOLUME",
    "avoidable",
    "avoidable_of_resamples",
    "bands",
    "costed",
    "front",
    "hypervolume",
    "pick",
    "picks",
    "selections",
    "summary",
]

HYPERVOLUME = "hypervolume ratio"
UNITS_OF_COST = ("ms", "mj", "macs")
"""The last words of the columns that are costs."""

LOWER_COST, HIGHER_VALUE = False, True
"""Which of the two columns of points moocore has to maximise."""


def front(cost: ArrayLike, value: ArrayLike) -> Integers:
    """Return the positions of the Pareto front, by increasing cost.

    A point is on the front when no other is at least as good in both and better in one. Equal points do not
    dominate each other: all of them are on the front, or none.

    Parameters
    ----------
    cost, value : array_like, shape (n,)

    Raises
    ------
    ValueError
        For unequal lengths, or NaN.
    """
    points = np.column_stack(_checked(cost, value))
    if not len(points):
        return np.empty(0, dtype=np.int64)
    kept = moocore.is_nondominated(points, maximise=[LOWER_COST, HIGHER_VALUE], keep_weakly=True)
    members = np.flatnonzero(kept)
    return members[np.argsort(points[members, 0], kind="stable")]


def hypervolume(cost: ArrayLike, value: ArrayLike, reference: tuple[float, float]) -> float:
    """Return the area that points dominate, up to a reference point.

    Parameters
    ----------
    cost, value : array_like, shape (n,)
    reference : tuple of float
        A cost that is too high and a value that is too low; a point that is no better than it in both adds
        nothing.

    Returns
    -------
    float
        In units of cost times value; 0 without points.

    Raises
    ------
    ValueError
        As for :func:`front`.
    """
    points = np.column_stack(_checked(cost, value))
    if not len(points):
        return 0.0
    return float(moocore.hypervolume(points, ref=reference, maximise=[LOWER_COST, HIGHER_VALUE]))


def pick(cost: ArrayLike, score: ArrayLike, budget: float) -> int:
    """Return the position of the candidate with the best score that costs no more than the budget.

    Parameters
    ----------
    cost, score : array_like, shape (n,)
        Of the candidates; a higher score is better.
    budget : float
        In the unit of the cost.

    Raises
    ------
    ValueError
        When nothing is that cheap, and as for :func:`front`.
    """
    costs, scores = _checked(cost, score)
    affordable = np.flatnonzero(costs <= budget)
    if not len(affordable):
        cheapest = f"the cheapest costs {costs.min():g}" if len(costs) else "there are no candidates"
        raise ValueError(f"no candidate is within the budget {budget:g}: {cheapest}")
    return int(affordable[np.lexsort((costs[affordable], -scores[affordable]))[0]])


def picks(cost: ArrayLike, score: ArrayLike) -> Integers:
    """Return the positions of all that is picked under some budget, by increasing cost and score.

    Parameters and errors are those of :func:`front`. A pick stands from its own cost up to that of the next.
    """
    costs, scores = _checked(cost, score)
    order = np.lexsort((-scores, costs))
    before = np.concatenate([[-np.inf], np.maximum.accumulate(scores[order])])[: len(order)]
    is_first = np.arange(len(order)) == 0  # a score of -inf is picked too, when it is the cheapest
    kept: Integers = order[(scores[order] > before) | is_first]
    return kept


def bands(limits: Sequence[float]) -> list[str]:
    """Name the bands that limits cut the budgets into.

    >>> bands([10, 20])
    ['≤ 10', '10–20', '> 20']
    """
    middle = [f"{low:g}–{high:g}" for low, high in itertools.pairwise(limits)]
    return [f"≤ {limits[0]:g}", *middle, f"> {limits[-1]:g}"]


def costed(bench: Benchmark, cost: str) -> pd.DataFrame:
    """Return ``arch``, cost and accuracy of the architectures that have a cost, cheapest first.

    Parameters
    ----------
    bench : Benchmark
    cost : str
        A column of its table, such as ``edgegpu_energy_mj``.

    Raises
    ------
    ValueError
        When the benchmark holds costs alone, or its table has no such column or no cost in it.
    """
    bench.check_trained()
    columns = [name for name in bench.table.columns if name.split("_")[-1] in UNITS_OF_COST]
    if cost not in columns:
        raise ValueError(f"{bench.name} has no cost {cost!r}; it has {', '.join(columns) or 'none'}")
    table = bench.table[["arch", cost, bench.metric]].dropna()
    if table.empty:
        raise ValueError(f"no architecture of {bench.name} has a {cost}; choose another cost")
    return table.sort_values(cost, kind="stable", ignore_index=True)


def selections(
    bench: Benchmark, scores: pd.DataFrame, cost: str, proxies: Sequence[str] | None = None
) -> pd.DataFrame:
    """Say what every proxy picks under every budget (Figures 18 and 19).

    Parameters
    ----------
    bench : Benchmark
        Its table has the cost beside the accuracy.
    scores : DataFrame
        Of the candidates, as for :func:`zsnas.correlations`.
    cost : str
        As for :func:`costed`.
    proxies : sequence of str, optional
        By default all that the scores have.

    Returns
    -------
    DataFrame
        One row per proxy, seed and pick, by increasing cost:

        - ``arch``, the cost and the accuracy of the pick;
        - ``lost``: how much more accurate the best architecture of the benchmark is that costs no more;
        - ``ties``: how many of the candidates that cost less than the next pick share its score; ``worst``
          and ``best``: the range of their accuracy.

    Raises
    ------
    ValueError
        As for :func:`zsnas.correlations` and :func:`costed`.
    """
    table = costed(bench, cost)
    rows = [
        {"proxy": name, "seed": seed, **row}
        for name, seed, pool in _pools(bench, table, scores, cost, proxies)
        for row in pool.selected(table, cost, bench.metric)
    ]
    columns = ["proxy", "seed", "arch", cost, bench.metric, "lost", "ties", "worst", "best"]
    return pd.DataFrame(rows, columns=columns)


def summary(
    bench: Benchmark,
    scores: pd.DataFrame,
    cost: str,
    limits: Sequence[float],
    proxies: Sequence[str] | None = None,
    resamples: int = 200,
    *,
    start: float | None = None,
) -> pd.DataFrame:
    """Measure how far the picks of every proxy are from the Pareto front of the whole benchmark.

    Parameters
    ----------
    bench, scores, cost, proxies
        As for :func:`selections`.
    limits : sequence of float
        Increasing; they cut the budgets into :func:`bands`.
    resamples : int
        Of the bootstrap; 0 leaves the interval out (NaN).
    start : float, optional
        The lowest budget of the first band; by default the cheapest at which every proxy has a candidate.

    Returns
    -------
    DataFrame
        One row per proxy, seed and ``measure``. ``value`` is

        - for a band, the accuracy lost in points: that of the best architecture of the benchmark within the
          budget minus that of the pick, a mean over all budgets of the band, each as likely as another. The
          last band ends at the most expensive architecture; one that ends below the first budget is NaN;
        - for ``HYPERVOLUME``, the area that the picks dominate over that of the whole benchmark, up to the
          highest cost and the lowest accuracy of the benchmark.

        ``low``, ``high``: 95 % percentile bootstrap interval over the candidates, which reaches to the value;
        NaN for a band in which some resample has no candidate. ``allowed``: the value if the most accurate of
        the same candidates were picked. ``if_worst``, ``if_best``: the loss if, at every
        budget, the least or the most accurate of equal scores were picked (NaN for the hypervolume). ``n``,
        ``missing``: candidates with and without a score. ``attrs["start"]`` is the lowest budget.

    Raises
    ------
    ValueError
        When the limits do not increase within the costs of the benchmark, when a proxy has no candidate or
        none as cheap as `start`, and as for :func:`selections`.
    """
    table = costed(bench, cost)
    pools = list(_pools(bench, table, scores, cost, proxies))
    for name, _, pool in pools:
        if not pool.n:
            raise ValueError(f"no candidate has a score of {name!r} and a {cost}; leave the proxy out")
    if not pools:
        raise ValueError("there are no scores of any proxy; score some architectures first (zsnas sweep)")
    first = max(pool.cost[0] for _, _, pool in pools)
    if start is not None and start < first:
        raise ValueError(f"some proxy has no candidate within {start:g}; start at {first:g} or above")
    lowest = first if start is None else start
    truth = _Truth(table[cost].to_numpy(), table[bench.metric].to_numpy(), lowest, tuple(limits))
    rows = [
        {"proxy": name, "seed": seed, "measure": measure, **found, "n": pool.n, "missing": pool.missing}
        for name, seed, pool in pools
        for measure, found in truth.measured(pool, resamples)
    ]
    result = pd.DataFrame(rows)
    result.attrs["start"] = lowest
    return result


def avoidable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy that better picks among the same candidates would have kept.

    Parameters
    ----------
    table : DataFrame
        Of :func:`summary`.

    Returns
    -------
    DataFrame
        In points, a mean over the seeds; a row per proxy and a column per band, in the order of the table.
    """
    losses = table[table["measure"] != HYPERVOLUME]
    beyond = losses.assign(beyond=losses["value"] - losses["allowed"])
    means = beyond.groupby(["proxy", "measure"], sort=False)["beyond"].mean().unstack("measure")
    return means.reindex(index=losses["proxy"].unique(), columns=losses["measure"].unique())


def avoidable_of_resamples(
    bench: Benchmark,
    scores: pd.DataFrame,
    cost: str,
    limits: Sequence[float],
    proxies: Sequence[str] | None = None,
    resamples: int = 200,
    *,
    start: float | None = None,
) -> pd.DataFrame:
    """Return the losses of :func:`avoidable` again for other samples of as many candidates.

    Every proxy chooses among the same resamples, so that the losses of two can be compared in each.

    Parameters
    ----------
    bench, scores, cost, limits, proxies, resamples, start
        As for :func:`summary`; the resamples are of the architectures that have a row in the scores.

    Returns
    -------
    DataFrame
        In points, a mean over the seeds: one row a resample, columns ``proxy`` and ``measure``, a band.
        Budgets under which a resample has no candidate of a proxy do not count there; NaN when these are all.

    Raises
    ------
    ValueError
        As for :func:`summary`.
    """
    table = costed(bench, cost)
    pools = list(_pools(bench, table, scores, cost, proxies))
    lowest = max(pool.cost[0] for _, _, pool in pools) if start is None else start
    truth = _Truth(table[cost].to_numpy(), table[bench.metric].to_numpy(), lowest, tuple(limits))
    archs = table["arch"][table["arch"].isin(scores["arch"])]
    n = len(archs)
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=resamples).T
    drawn = pd.DataFrame(counts > 0, index=archs)
    losses: dict[tuple[str, str], list[Floats]] = {}
    for name, seed, pool in pools:
        measured = scores["arch"][is_measured(scores, name) & (scores["seed"] == seed)]
        rows = table[table["arch"].isin(measured)]
        costs, accuracies = (rows[column].to_numpy(dtype=np.float64) for column in (cost, bench.metric))
        known = np.where(drawn.loc[rows["arch"]], accuracies[:, None], -np.inf)
        edges = np.unique([truth.start, *limits, *costs, truth.cost[-1]])
        allowed = _steps(costs, np.maximum.accumulate(known, axis=0), edges[:-1])
        bought = _steps(pool.cost, pool.accuracies(drawn.loc[list(pool.arch)].to_numpy()), edges[:-1])
        for band, inside in truth.inside(edges):
            means = _mean((allowed - bought)[inside], np.diff(edges)[inside])
            losses.setdefault((name, band), []).append(np.array(means))
    of_seeds = {column: np.mean(values, axis=0) for column, values in losses.items()}
    names = pd.MultiIndex.from_tuples(list(of_seeds), names=["proxy", "measure"])
    return pd.DataFrame(np.column_stack(list(of_seeds.values())) if of_seeds else None, columns=names)


def _checked(cost: ArrayLike, value: ArrayLike) -> tuple[Floats, Floats]:
    costs, values = np.asarray(cost, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if costs.ndim != 1 or costs.shape != values.shape:
        raise ValueError(
            f"costs and values have the shapes {costs.shape} and {values.shape}; "
            "they must be vectors of one length"
        )
    if np.isnan(costs).any() or np.isnan(values).any():
        raise ValueError("NaN is neither cheap nor dear; leave these points out and say how many")
    return costs, values


class _Candidates(NamedTuple):
    """The candidates of a proxy and a seed."""

    proxy: str
    seed: object
    pool: _Pool


@dataclass(frozen=True)
class _Pool:
    """Candidates with a score, by increasing cost; of equal costs, the first in the benchmark comes first."""

    arch: Sequence[str]
    cost: Floats
    score: Floats  # oriented
    accuracy: Floats
    missing: int
    allowed: tuple[Floats, Floats]
    """By increasing cost, also of those without a score: the cost, and the best accuracy that it buys."""

    @property
    def n(self) -> int:
        return len(self.cost)

    @cached_property
    def priority(self) -> Integers:
        """Rank each candidate by score; of equal scores, the cheaper one is higher."""
        order = np.lexsort((-np.arange(self.n), self.score))
        ranks = np.empty(self.n, dtype=np.int64)
        ranks[order] = np.arange(self.n)
        return ranks

    def accuracies(self, drawn: NDArray[np.bool_]) -> Floats:
        """Accuracy of the pick once the budget reaches each candidate: shape (n, columns); NaN before any.

        Each column of `drawn` says which of the candidates there are.
        """
        best = np.maximum.accumulate(np.where(drawn, self.priority[:, None], -1), axis=0)
        of_rank = np.append(self.accuracy[np.argsort(self.priority)], np.nan)  # rank -1 is the last
        return np.asarray(of_rank[best])

    @cached_property
    def ties(self) -> tuple[Integers, Floats, Floats]:
        """How many share the best score once the budget reaches each candidate, and their range."""
        found, best, count, low, high = [], -np.inf, 0, np.inf, -np.inf
        for score, accuracy in zip(self.score, self.accuracy, strict=True):
            if score > best or count == 0:
                best, count, low, high = score, 1, accuracy, accuracy
            elif score == best:
                count, low, high = count + 1, min(low, accuracy), max(high, accuracy)
            found.append((count, low, high))
        counts, lows, highs = np.array(found, dtype=np.float64).reshape(-1, 3).T
        return counts.astype(np.int64), lows, highs

    def selected(self, table: pd.DataFrame, cost: str, metric: str) -> Iterator[dict[str, object]]:
        """Yield the picks under all budgets."""
        chosen = picks(self.cost, self.score)
        affordable = np.searchsorted(table[cost], self.cost[chosen], side="right")
        best_of_all = np.maximum.accumulate(table[metric].to_numpy())[affordable - 1]
        counts, lows, highs = self.ties
        until = np.append(np.searchsorted(self.cost, self.cost[chosen[1:]], side="left"), self.n) - 1
        for k, last, best in zip(chosen, until, best_of_all, strict=True):
            yield {
                "arch": self.arch[k],
                cost: self.cost[k],
                metric: self.accuracy[k],
                "lost": best - self.accuracy[k],
                "ties": counts[last],
                "worst": lows[last],
                "best": highs[last],
            }


def _pools(
    bench: Benchmark, table: pd.DataFrame, scores: pd.DataFrame, cost: str, proxies: Sequence[str] | None
) -> Iterator[_Candidates]:
    """Yield the candidates of every proxy with every seed."""
    check_scores(bench, scores)
    for name in proxy_columns(scores, proxies):
        for seed, rows in scores[is_measured(scores, name)].groupby("seed"):
            known = rows.set_index("arch")[name].astype(float) * orientation(name)
            yield _Candidates(name, seed, _pool(bench, table, cost, known))


def _pool(bench: Benchmark, table: pd.DataFrame, cost: str, known: pd.Series[float]) -> _Pool:
    rows = table[table["arch"].isin(known.index)]
    score = known.reindex(rows["arch"]).to_numpy()
    defined = ~np.isnan(score)
    allowed = (
        rows[cost].to_numpy(dtype=np.float64),
        np.maximum.accumulate(rows[bench.metric].to_numpy(dtype=np.float64)),
    )
    rows = rows[defined]
    return _Pool(
        list(rows["arch"]),
        rows[cost].to_numpy(dtype=np.float64),
        np.asarray(score[defined], dtype=np.float64),
        rows[bench.metric].to_numpy(dtype=np.float64),
        int((~defined).sum()),
        allowed,
    )


@dataclass(frozen=True)
class _Truth:
    """The whole benchmark by increasing cost, the lowest budget that counts, and the limits of the bands."""

    cost: Floats
    accuracy: Floats
    start: float
    limits: tuple[float, ...]

    def __post_init__(self) -> None:
        ends = (self.cost[0], *self.limits, self.cost[-1])
        if not (self.limits and all(low < high for low, high in itertools.pairwise(ends))):
            raise ValueError(
                f"the limits of budgets are {', '.join(f'{limit:g}' for limit in self.limits) or 'none'}; "
                f"there must be some, and they must increase between {self.cost[0]:g} and {self.cost[-1]:g}"
            )

    @cached_property
    def best(self) -> Floats:
        """The best accuracy among the architectures that cost no more than each."""
        return np.asarray(np.maximum.accumulate(self.accuracy))

    @cached_property
    def changes(self) -> Floats:
        """The budgets that are worth something: where the best accuracy rises, and the last."""
        return np.append(self.cost[np.diff(self.best, prepend=-np.inf) > 0], self.cost[-1])

    @cached_property
    def area(self) -> float:
        on_front = front(self.cost, self.accuracy)
        return hypervolume(self.cost[on_front], self.accuracy[on_front], self._reference)

    @property
    def _reference(self) -> tuple[float, float]:
        return float(self.cost[-1]), float(self.accuracy.min())

    def inside(self, edges: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield each band, and which of the intervals between edges are in it."""
        ends = zip(bands(self.limits), (0, *self.limits), (*self.limits, np.inf), strict=True)
        for name, low, high in ends:
            yield name, (edges[:-1] >= max(low, self.start)) & (edges[:-1] < high)

    def measured(self, pool: _Pool, resamples: int) -> Iterator[tuple[str, dict[str, float]]]:
        """Yield each measure and its columns."""
        generator = np.random.default_rng(0)
        drawn = generator.multinomial(pool.n, np.full(pool.n, 1 / pool.n), size=resamples).T > 0
        columns = pool.accuracies(np.column_stack([np.ones(pool.n, dtype=np.bool_), drawn]))
        _, least, most = pool.ties
        edges = np.unique([self.start, *self.limits, *self.changes, *pool.cost, *pool.allowed[0]])
        best = self.best[np.searchsorted(self.cost, edges[:-1], side="right") - 1]
        bought = np.column_stack(
            [
                _steps(pool.cost, np.column_stack([least, most, columns]), edges[:-1]),
                _steps(pool.allowed[0], pool.allowed[1][:, None], edges[:-1]),
            ]
        )
        for name, inside in self.inside(edges):
            lost = best[inside, None] - bought[inside]
            if_worst, if_best, *values = _mean(lost, np.diff(edges)[inside])
            yield name, _estimate(values) | {"if_worst": if_worst, "if_best": if_best}
        lowest = self._reference[1]
        dominated = np.fmax(np.fmax.accumulate(bought[:, 2:], axis=0), lowest) - lowest
        areas = list(np.diff(edges) @ dominated / self.area)
        yield HYPERVOLUME, _estimate(areas) | {"if_worst": np.nan, "if_best": np.nan}


def _steps(cost: Floats, values: Floats, budgets: Floats) -> Floats:
    """Look up under each budget what held when the budget last reached a cost; NaN below the first."""
    before = np.full((1, values.shape[1]), np.nan)
    return np.vstack([before, values])[np.searchsorted(cost, budgets, side="right")]


def _mean(values: Floats, widths: Floats) -> list[float]:
    """Mean of each column over budgets, those without a value left out; NaN when there are none."""
    weights = (widths[:, None] * ~np.isnan(values)).sum(axis=0)
    sums = np.nansum(values * widths[:, None], axis=0)
    return [float(mean) for mean in sums / np.where(weights > 0, weights, np.nan)]


def _estimate(values: Sequence[float]) -> dict[str, float]:
    """Name what was found, the interval of the resampled values after it, and last what was allowed."""
    found, *resampled, allowed = values
    return {"value": found, **percentile_interval(found, np.array(resampled)), "allowed": allowed}

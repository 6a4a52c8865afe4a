"""How many trained networks a proxy is worth: what is lost by picks, with and without trained networks.

Every draw is of a pool of candidates, and everything is judged among these: a proxy that trains nothing,
random networks, and predictors that learn from a half of the trainings and spend the other on what they like.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from zsnas.book import materials
from zsnas.book.studies import pools
from zsnas.scores.sweep import visited
from zsnas.scores.table import scores as published_scores
from zsnas.spaces.graphs import graph_features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

BENCHMARKS = {
    "nb201/cifar100": "NAS-Bench-201, CIFAR-100",
    "nb201/imagenet16-120": "NAS-Bench-201, ImageNet16-120",
    "transnas-micro/segmentsemantic": "TransNAS, segmentation",
    "nats-sss/imagenet16-120": "NATS sizes, ImageNet16-120",
}
COUNTED = BENCHMARKS | {
    "nb101/cifar10": "NAS-Bench-101, CIFAR-10",
    "nas-bench-macro/cifar10": "NAS-Bench-Macro, CIFAR-10",
}
"""Benchmarks whose networks can all be counted."""

LARGEST = 2000
"""Candidates of a draw."""

KNOWN = (5, 10, 20, 50, 100, 200, 500)
"""Networks that are trained, as far as they are at most a quarter of the candidates."""

METHODS = ("random", "predictor", "predictor and proxies", "most #Params", "mean rank")
TREES = 100


class Candidates(NamedTuple):
    """Networks with their truth, their scores and what a predictor sees of their architecture.

    Attributes
    ----------
    truth
        Accuracy in %.
    ranks
        Percentiles by proxy, the highest best; a network without a score has the lowest.
    features
        Graph features, or the widths.
    """

    truth: Floats
    ranks: pd.DataFrame
    features: Floats


def candidates(name: str, limit: int | None = None) -> Candidates | None:
    """Return the networks of a benchmark that were scored at random; None when this machine lacks it.

    Parameters
    ----------
    name : str
        One of :data:`BENCHMARKS`.
    limit : int, optional
        So many; by default all.
    """
    bench = materials.known(name)
    if bench is None:
        return None
    scores = published_scores(name)
    scored = set(scores.loc[scores["seed"] == 0, "arch"])
    drawn = list(takewhile(scored.__contains__, visited(bench, limit)))
    known = pools.networks(name, pools.NINE, len(drawn))
    if known is None:
        return None
    table = known.every
    ranks = pools.percentiles(table.drop(columns="truth"))
    return Candidates(table["truth"].to_numpy(), ranks, features(bench.space, list(table.index)))


def features(space: str, architectures: Sequence[str]) -> Floats:
    """Return what is learned from: graph features of cells, the five widths of sizes."""
    if space == "nats-sss":
        return np.array([arch.split(":") for arch in architectures], dtype=float)
    return graph_features(space, architectures).to_numpy(float)


def draws(found: Candidates, seeds: Sequence[int], times: int) -> Iterator[tuple[Candidates, Places]]:
    """Yield pools of candidates, half of all and at most :data:`LARGEST`, each with an order of training.

    Parameters
    ----------
    found : Candidates
    seeds : sequence of int
    times : int
        Draws of each seed.
    """
    size = max(2, min(LARGEST, len(found.truth) // 2))
    for seed in seeds:
        for turn in range(times):
            rng = np.random.default_rng([seed, turn])
            pool = rng.choice(len(found.truth), size, replace=False)
            drawn = Candidates(found.truth[pool], found.ranks.iloc[pool], found.features[pool])
            yield drawn, rng.permutation(size)


def trainings(place: float, candidates: int) -> int:
    """Return how many random candidates the best of which is as good as a place in one draw of two.

    The chance that none of k candidates is among the best r of N is the product of (N − r − i) / (N − i) over
    i < k.

    Parameters
    ----------
    place : float
        1 for the best candidate.
    candidates : int
    """
    i = np.arange(candidates)
    missed = np.cumprod(np.clip(candidates - np.floor(place) - i, 0, None) / (candidates - i))
    return int(np.argmax(missed <= 0.5)) + 1


def alone(found: Candidates, seeds: Sequence[int], times: int) -> pd.DataFrame:
    """Let each proxy pick its first, without any training.

    Parameters
    ----------
    found, seeds, times
        As for :func:`draws`. Of several in first place, the first that was drawn is taken.

    Returns
    -------
    DataFrame
        One row a draw and ``proxy``: ``regret``, in points; ``worth``, random trainings.
    """
    rows = []
    for drawn, _ in draws(found, seeds, times):
        best, size = drawn.truth.max(), len(drawn.truth)
        for proxy in drawn.ranks:
            picked = drawn.truth[drawn.ranks[proxy].to_numpy().argmax()]
            place = 1 + int((drawn.truth > picked).sum())
            rows.append({"proxy": proxy, "regret": best - picked, "worth": trainings(place, size)})
    return pd.DataFrame(rows)


def with_trainings(
    found: Candidates, seeds: Sequence[int], times: int, known: Sequence[int] = KNOWN
) -> pd.DataFrame:
    """Train some candidates and keep the best of them, chosen in five ways.

    Parameters
    ----------
    found, seeds, times
        As for :func:`draws`.
    known : sequence of int
        How many are trained; those that are more than a quarter of the candidates are left out.

    Returns
    -------
    DataFrame
        One row a draw, ``method`` (of :data:`METHODS`) and ``k``: ``regret``, in points.
    """
    rows = []
    for turn, (drawn, order) in enumerate(draws(found, seeds, times)):
        best = drawn.truth.max()
        for k in [k for k in known if 4 * k <= len(drawn.truth)] or [2]:
            for method, trained in _trained(drawn, order, k, turn).items():
                rows.append({"method": method, "k": k, "regret": best - drawn.truth[trained].max()})
    return pd.DataFrame(rows)


def _trained(drawn: Candidates, order: Places, k: int, seed: int) -> Mapping[str, Places]:
    """Return which k candidates each method trains."""
    ranks = drawn.ranks.to_numpy()
    both = np.hstack([drawn.features, ranks])
    return {
        "random": order[:k],
        "predictor": _taught(drawn.features, drawn.truth, order, k, seed),
        "predictor and proxies": _taught(both, drawn.truth, order, k, seed),
        "most #Params": _first(drawn.ranks["params"].to_numpy(), order)[:k],
        "mean rank": _first(ranks.mean(1), order)[:k],
    }


def _first(values: Floats, order: Places) -> Places:
    """Return the places, the highest value first, and of equal ones the first in an order."""
    return order[np.argsort(-values[order], kind="stable")]


def _taught(inputs: Floats, truth: Floats, order: Places, k: int, seed: int) -> Places:
    """Learn from half of k random candidates, and train what promises most for the other half."""
    from sklearn.ensemble import RandomForestRegressor

    seen, others = order[: k // 2], order[k // 2 :]
    forest = RandomForestRegressor(TREES, max_features=1 / 3, random_state=seed)
    promised = forest.fit(inputs[seen], truth[seen]).predict(inputs[others])
    best = others[np.argsort(-promised, kind="stable")]
    return np.concatenate([seen, best])[:k]


def reached(curves: pd.DataFrame, method: str, regret: float) -> int | None:
    """Return the smallest k with which the median regret of a method is at most this; None when none is.

    Parameters
    ----------
    curves : DataFrame
        Of :func:`with_trainings`.
    method : str
    regret : float
    """
    medians = curves[curves["method"] == method].groupby("k")["regret"].median()
    enough = medians.index[medians <= regret]
    return int(enough[0]) if len(enough) else None


def counted(limit: int | None = None, names: Mapping[str, str] = COUNTED) -> pd.DataFrame:
    """Let #Params pick among all networks of each benchmark whose networks can be counted.

    Parameters
    ----------
    limit : int, optional
        So many random networks in place of all.
    names : mapping of str
        What to call each benchmark.

    Returns
    -------
    DataFrame
        By benchmark: the ``networks``; how many share the ``first`` place; their mean ``regret``; the median
        ``place`` of them by accuracy; ``worth``, random trainings.
    """
    rows = {}
    for name, words in names.items():
        bench = materials.known(name)
        if bench is None:
            continue
        truth = bench.truth
        if limit:
            truth = truth[visited(bench, limit)]
        params = materials.counts(bench).set_index("arch")["params"].reindex(truth.index)
        picked = truth[params == params.max()]
        place = 1 + float(np.median([(truth > one).sum() for one in picked]))
        rows[words] = {
            "networks": len(truth),
            "first": len(picked),
            "regret": truth.max() - picked.mean(),
            "place": place,
            "worth": trainings(place, len(truth)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")

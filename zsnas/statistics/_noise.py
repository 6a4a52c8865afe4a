"""The noise ceiling: how well a score could rank that knew what an architecture reaches on average."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas._numbers import as_seed
from zsnas.statistics._rank_correlation import kendall, spearman

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_LEVELS = 20  # of accuracy, over which the noise may differ
_GRID = 600
_STEPS = 400
_SIMULATED = 50_000  # architectures in all, over several copies of the benchmark
_COPIES = 20


def noise_ceiling(runs: ArrayLike, top: float = 0.05, seed: int = 0) -> pd.DataFrame:
    """Estimate the rank correlation with measured accuracy that the best possible score has.

    The best possible score is the expected accuracy of an architecture; what was measured is a mean over few
    runs. The distribution of expected accuracies is the one that makes the measured means most likely, when
    runs scatter around it normally, with the variance that runs have at that accuracy. Benchmarks of as many
    architectures are drawn from it and measured, so that the selection of a top by noisy accuracies is part
    of the estimate. Over a narrower range of accuracies, noise weighs more: the ceiling is lower at the top.

    Parameters
    ----------
    runs
        Accuracies of the runs, shape (architectures, runs), at least two of each.
    top
        The fraction that is the top.
    seed
        Of the simulation.

    Returns
    -------
    DataFrame
        Indexed by ``subset``, "all" and "top", the best by mean accuracy: ``KT`` and ``SPR``, the ceilings of
        Kendall's τ and Spearman's ρ with the mean over the runs; ``between_runs``, Kendall's τ between two
        runs as measured, mean over the pairs; ``between_simulated_runs``, the same in the simulation, which
        says how well it describes the benchmark.

    Raises
    ------
    ValueError
        For fewer than two runs, or runs that are not finite numbers.
    """
    measured = np.asarray(runs, dtype=np.float64)
    if measured.ndim != 2 or measured.shape[1] < 2 or not np.isfinite(measured).all():
        raise ValueError(
            f"the runs have the shape {measured.shape}; give finite accuracies of at least two runs for each "
            "architecture, one row an architecture"
        )
    generator = np.random.default_rng(as_seed(seed))
    expected, share, spread = _expected(measured)
    size = len(measured)
    found = []
    for _ in range(max(1, min(_COPIES, _SIMULATED // size))):
        truth = generator.choice(expected, size, p=share)
        truth = truth + (generator.random(size) - 0.5) * (expected[1] - expected[0])
        noise = np.interp(truth, expected, spread)[:, None] * generator.standard_normal(measured.shape)
        found.append(_compared(truth, truth[:, None] + noise, top))
    simulated = sum(found[1:], found[0]) / len(found)
    between = _compared(measured.mean(axis=1), measured, top)["between_runs"]
    return simulated.rename(columns={"between_runs": "between_simulated_runs"}).assign(between_runs=between)[
        ["KT", "SPR", "between_runs", "between_simulated_runs"]
    ]


def _expected(runs: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a grid of expected accuracies, the share of architectures at each, and the noise of a run there.

    Expectation-maximisation from even shares.
    """
    mean, variance = runs.mean(axis=1), runs.var(axis=1, ddof=1)
    levels = np.array_split(np.argsort(mean), min(_LEVELS, len(mean)))
    at, known = (np.array([values[rows].mean() for rows in levels]) for values in (mean, variance))
    reach = 3 * np.sqrt(variance.mean() / runs.shape[1])
    grid = np.linspace(mean.min() - reach, mean.max() + reach, _GRID)
    spread = np.sqrt(np.maximum(np.interp(grid, at, known), (grid[1] - grid[0]) ** 2 / 12))
    counts, edges = np.histogram(mean, bins=2 * _GRID)
    centres = (edges[:-1] + edges[1:]) / 2
    scale = np.maximum(spread / np.sqrt(runs.shape[1]), grid[1] - grid[0])
    likelihood = np.exp(-0.5 * ((centres[:, None] - grid) / scale) ** 2) / scale
    share = np.full(_GRID, 1 / _GRID)
    for _ in range(_STEPS):
        weights = likelihood * share
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        share = counts @ weights / counts.sum()
    return grid, share / share.sum(), spread


def _compared(truth: Floats, runs: Floats, top: float) -> pd.DataFrame:
    """Correlate the truth with the mean of the runs, and the runs with each other."""
    mean = runs.mean(axis=1)
    best = np.argsort(-mean, kind="stable")[: max(2, int(np.ceil(round(top * len(mean), 9))))]
    rows = {}
    for subset, kept in (("all", np.arange(len(mean))), ("top", best)):
        pairs = [kendall(runs[kept, i], runs[kept, j]) for i, j in combinations(range(runs.shape[1]), 2)]
        rows[subset] = {
            "KT": kendall(truth[kept], mean[kept]),
            "SPR": spearman(truth[kept], mean[kept]),
            "between_runs": float(np.mean(pairs)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("subset")

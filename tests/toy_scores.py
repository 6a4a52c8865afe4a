"""A small benchmark, scores of it, and the row of a table of correlations."""

import numpy as np
import pandas as pd

from zsnas.benchmarks import Benchmark


def make_bench(accuracy):
    names = [f"a{i}" for i in range(len(accuracy))]
    table = pd.DataFrame({"arch": names, "test_accuracy": np.asarray(accuracy, dtype=float)})
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


def make_scores(values, rows=None, seed=0, proxy="up"):
    rows = range(len(values)) if rows is None else rows
    return pd.DataFrame(
        {"arch": [f"a{i}" for i in rows], "seed": seed, proxy: np.asarray(values, dtype=float)}
    )


def pick(table, statistic="KT", subset="all", proxy="up"):
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset) & (table["proxy"] == proxy)]
    assert len(rows) == 1
    return rows.iloc[0]


def stratified_sample(seed=0):
    """1,000 architectures; the complete top 5 % and 100 of the others are scored."""
    rng = np.random.default_rng(seed)
    accuracy = rng.normal(size=1000)
    score = accuracy + rng.normal(size=1000)
    order = np.argsort(-accuracy)
    rows = np.concatenate([order[:50], rng.choice(order[50:], 100, replace=False)])
    return accuracy, score, rows, order

"""Vision transformers that were trained alike: counts and shapes beside what they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import zsnas.benchmarks
from zsnas.book import tables
from zsnas.leaderboard import FEWEST
from zsnas.spaces import space
from zsnas.statistics import kendall, partial_spearman, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zsnas.benchmarks import Benchmark

BENCHMARKS = {
    f"vitbench/{family}-{data_set}": f"{words}, {images}"
    for family, words in (("autoformer", "AutoFormer"), ("pit", "PiT"))
    for data_set, images in (
        ("cifar100", "CIFAR-100"),
        ("flowers102", "Flowers-102"),
        ("chaoyang", "Chaoyang"),
    )
}
"""What a page calls them."""

TRAININGS = {"plain_accuracy": "plain", "distilled_accuracy": "distilled"}
COUNTS = ("params", "flops")
SHAPES = ("channels", "depth", "expansion", "heads")


def shapes(name: str, architectures: Iterable[str], num_classes: int) -> pd.DataFrame:
    """Return counts and the shape of networks, by ``arch``.

    Parameters
    ----------
    name : str
        Of the space, ``vitbench-autoformer`` or ``vitbench-pit``.
    architectures : iterable of str
    num_classes : int

    Returns
    -------
    DataFrame
        ``params``, ``flops`` (multiply-accumulates of an image of 224 × 224 pixels), ``channels`` of the last
        block, ``depth`` (blocks), mean ``expansion`` of the MLPs and mean ``heads``.
    """
    transformers: Any = space(name)
    rows = {}
    for arch in architectures:
        blocks = [block for stage in transformers.plan(arch) for block in stage]
        counts = transformers.counts(arch, num_classes, 224)
        rows[arch] = {
            "params": counts.params,
            "flops": counts.macs,
            "channels": blocks[-1].channels,
            "depth": len(blocks),
            "expansion": np.mean([block.expansion for block in blocks]),
            "heads": np.mean([block.heads for block in blocks]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("arch")


def correlated(bench: Benchmark, table: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Correlate counts and shapes with accuracy after each training.

    Parameters
    ----------
    bench : Benchmark
        One of :data:`BENCHMARKS`.
    table : DataFrame
        Of :func:`shapes`.
    resamples, seed : int
        Of the bootstrap over networks.

    Returns
    -------
    DataFrame
        One row a training and column of the table: ``training``, ``feature``; ``value``, Kendall's τ; for the
        counts also ``low``, ``high``, its 95 % interval; ``partial``, Spearman's ρ at fixed #Params; ``n``.
        Fewer than `zsnas.leaderboard.FEWEST` networks give no interval and no ρ.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for column, training in TRAININGS.items():
        accuracy = bench.table.set_index("arch")[column].dropna()
        known = table[table.index.isin(accuracy.index)]
        truth = accuracy[known.index].to_numpy()
        has_enough = len(known) >= FEWEST
        drawn = [generator.integers(len(known), size=len(known)) for _ in range(resamples * has_enough)]
        for feature in table:
            values = known[feature].to_numpy(dtype=float)
            value = kendall(values, truth)
            resampled = drawn if feature in COUNTS else []
            others = np.array([kendall(values[some], truth[some]) for some in resampled])
            partial = np.nan
            if feature != "params" and has_enough:
                partial = partial_spearman(values, truth, [known["params"]])
            ends = percentile_interval(value, others)
            rows.append(
                {"training": training, "feature": feature, "value": value, **ends}
                | {"partial": partial, "n": len(known)}
            )
    return pd.DataFrame(rows)


def compared(limit: int | None, resamples: int, seed: int) -> pd.DataFrame:
    """Return :func:`correlated` of all benchmarks that this machine has, by ``benchmark``, in words.

    Parameters
    ----------
    limit : int, optional
        So many networks of each family; by default all.
    resamples, seed : int
        Of the bootstrap over networks.
    """
    shaped: dict[str, pd.DataFrame] = {}
    found = []
    for name, words in BENCHMARKS.items():
        bench = zsnas.benchmarks.benchmark(name)
        if bench.space not in shaped:
            shaped[bench.space] = shapes(
                bench.space, bench.table["arch"].head(limit or len(bench.table)), 100
            )
        found.append(correlated(bench, shaped[bench.space], resamples, seed).assign(benchmark=words))
    return pd.concat(found, ignore_index=True)


def answer(found: pd.DataFrame) -> str:
    """Say in how many cases #Params ranks transformers that were trained alike.

    Parameters
    ----------
    found : DataFrame
        Of :func:`compared`.
    """
    params = found[found["feature"] == "params"]
    if params["low"].isna().all():
        return f"Fewer than {FEWEST} networks are compared in this execution, which say nothing."
    where = params["benchmark"] + ", " + params["training"]
    written = [f"{text} ({case})" for text, case in zip(tables.intervals(params), where, strict=True)]
    ends = written[int(params["value"].argmin())], written[int(params["value"].argmax())]
    positive, negative = int((params["low"] > 0).sum()), int((params["high"] < 0).sum())
    pairs = params.pivot(index="benchmark", columns="training", values="value")
    better = int((pairs["distilled"] > pairs["plain"]).sum())
    return (
        f"Counts do rank them in {'most' if positive > len(params) / 2 else 'some'} cases: the interval of "
        f"Kendall's τ of #Params is above 0 as a whole in {positive} of {len(params)} and below 0 in "
        f"{negative}, from {' to '.join(ends)}. It is higher after distillation in {better} of {len(pairs)} "
        "pairs of family and data set: these and the training decide together."
    )


def at_equal_size(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str]) -> pd.Series[float]:
    """Return Spearman's ρ with accuracy at fixed #Params, by proxy.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of :func:`zsnas.scores`; several seeds of a network count as their mean.
    proxies : sequence of str
        NaN for #Params itself, and for one that fewer than `zsnas.leaderboard.FEWEST` networks have.
    """
    known = scores.groupby("arch")[[*{*proxies, "params"}]].mean().join(bench.truth, how="inner")
    found = pd.Series(np.nan, pd.Index(proxies, name="proxy"))
    for name in proxies:
        rows = known.dropna(subset=[name, bench.metric])
        if name != "params" and len(rows) >= FEWEST:
            found[name] = partial_spearman(rows[name], rows[bench.metric], [rows["params"]])
    return found

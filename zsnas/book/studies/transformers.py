"""Vision transformers that were trained alike: counts and shapes beside what they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import zsnas.benchmarks
from zsnas.book import tables
from zsnas.leaderboard import FEWEST
from zsnas.proxies.az_nas import PARTS, az_nas
from zsnas.scores.table import scores as published_scores
from zsnas.spaces import space
from zsnas.statistics import kendall, orientation, partial_spearman, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def ranked(
    truth: pd.Series[float], columns: pd.DataFrame, resamples: int, seed: int | np.random.Generator
) -> pd.DataFrame:
    """Return Kendall's τ of each column with the truth, with its 95 % interval over networks.

    Parameters
    ----------
    truth : Series
    columns : DataFrame
        In the same order.
    resamples, seed
        Of the bootstrap; none for fewer than `zsnas.leaderboard.FEWEST` networks.
    """
    generator = np.random.default_rng(seed)
    known = truth.to_numpy(dtype=float)
    times = resamples if len(known) >= FEWEST else 0
    drawn = [generator.integers(len(known), size=len(known)) for _ in range(times)]
    rows = {}
    for name in columns:
        values = columns[name].to_numpy(dtype=float)
        value = kendall(values, known)
        others = np.array([kendall(values[some], known[some]) for some in drawn])
        rows[name] = {"value": value, **percentile_interval(value, others), "n": len(known)}
    return pd.DataFrame.from_dict(rows, orient="index")


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
        truth = accuracy[known.index]
        counts = ranked(truth, known[list(COUNTS)], resamples, generator)
        found = pd.concat([counts, ranked(truth, known.drop(columns=list(COUNTS)), 0, generator)])
        found["partial"] = np.nan
        if len(known) >= FEWEST:
            for feature in found.index.drop("params"):
                found.loc[feature, "partial"] = partial_spearman(known[feature], truth, [known["params"]])
        rows.append(found.rename_axis("feature").reset_index().assign(training=training))
    return pd.concat(rows, ignore_index=True)


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


def at_equal_size(
    bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str], shape: pd.DataFrame | None = None
) -> pd.Series[float]:
    """Return Spearman's ρ with the truth at fixed #Params, and at a fixed shape if there is one, by proxy.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of :func:`zsnas.scores`; several seeds of a network count as their mean.
    proxies : sequence of str
        NaN for #Params itself, and for one that fewer than `zsnas.leaderboard.FEWEST` networks have.
    shape : DataFrame, optional
        What else is fixed, a column each, by architecture.
    """
    known = scores.groupby("arch")[[*{*proxies, "params"}]].mean().join(bench.truth, how="inner")
    fixed = known[["params"]] if shape is None else known[["params"]].join(shape)
    found = pd.Series(np.nan, pd.Index(proxies, name="proxy"))
    for name in proxies:
        rows = known.dropna(subset=[name, bench.metric])
        if name != "params" and len(rows) >= FEWEST:
            controls = [values for _, values in fixed.loc[rows.index].items()]
            found[name] = orientation(name) * partial_spearman(rows[name], rows[bench.metric], controls)
    return found


def published(proxies: Sequence[str], benchmarks: Iterable[str]) -> list[str]:
    """Return those of the proxies that all these benchmarks have published scores of.

    Parameters
    ----------
    proxies : sequence of str
    benchmarks : iterable of str
    """
    tables_of = [published_scores(name) for name in benchmarks]
    return [name for name in proxies if all(name in table for table in tables_of)]


def combined(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of networks with ``az_nas``, the combination of AZ-NAS among them.

    Parameters
    ----------
    scores : DataFrame
        Of :func:`zsnas.scores`. Without a column of each part, nothing is added.

    Returns
    -------
    DataFrame
        The rows that have the parts which AZ-NAS has of transformers: all but progressivity.
    """
    if not set(PARTS) <= set(scores):
        return scores
    rows = scores.dropna(subset=[part for part in PARTS if part != "az_progressivity"])
    parts = [az_nas(of_seed) for _, of_seed in rows.groupby("seed")]
    return rows.assign(az_nas=pd.concat(parts)) if parts else rows


def beside_size(
    bench: Benchmark, scores: pd.DataFrame, proxy: str, resamples: int, seed: int
) -> dict[str, float]:
    """Compare a proxy, of which higher is better, with #Params on the networks that have a score of it.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of :func:`zsnas.scores`; several seeds of a network count as their mean.
    proxy : str
    resamples, seed : int
        Of the bootstrap over networks.

    Returns
    -------
    dict
        ``n``; ``kt`` and ``kt_params``, Kendall's τ with accuracy; ``difference``, the former minus the
        latter, and ``partial``, Spearman's ρ at fixed #Params, each with ``_low`` and ``_high``, the ends of
        its 95 % interval. Of fewer than `zsnas.leaderboard.FEWEST` networks only ``n``.
    """
    columns = ["params", proxy] if proxy in scores else []
    known = scores.groupby("arch")[columns].mean().dropna().join(bench.truth, how="inner")
    known = known.dropna(subset=[bench.metric])
    if not columns or len(known) < FEWEST:
        return {"n": len(known) if columns else 0}
    values, params, truth = (known[name].to_numpy(dtype=float) for name in (*columns[::-1], bench.metric))

    def difference(some: Any) -> float:  # noqa: ANN401 - places of networks, or all
        return kendall(values[some], truth[some]) - kendall(params[some], truth[some])

    def partial(some: Any) -> float:  # noqa: ANN401
        return partial_spearman(values[some], truth[some], [params[some]])

    generator = np.random.default_rng(seed)
    drawn = [generator.integers(len(known), size=len(known)) for _ in range(resamples)]
    found: dict[str, float] = {
        "n": len(known),
        "kt": kendall(values, truth),
        "kt_params": kendall(params, truth),
    }
    for name, measured in {"difference": difference, "partial": partial}.items():
        value = measured(slice(None))
        ends = percentile_interval(value, np.array([measured(some) for some in drawn]))
        found |= {name: value} | {f"{name}_{end}": ends[end] for end in ("low", "high")}
    return found


def says(label: str, families: Mapping[str, dict[str, float]]) -> str:
    """Say whether a proxy ranks better than #Params, and what is left of it at equal #Params.

    Parameters
    ----------
    label : str
        What the proxy is called.
    families : mapping of dict
        Of :func:`beside_size`, by what its networks are called.
    """
    some = {family: found for family, found in families.items() if "kt" in found}
    if not some:
        return f"{label} has no scores yet of enough of these networks."
    return " ".join(_said(label if place == 0 else "it", *case) for place, case in enumerate(some.items()))


def _said(name: str, family: str, found: dict[str, float]) -> str:
    ranks = {1: "better than", -1: "worse than", 0: "neither better nor worse than"}
    left = {
        1: "it says something that the size does not",
        -1: "it points the wrong way",
        0: "nothing is left of it that differs from chance",
    }
    return (
        f"Among {family}s {name} ranks {ranks[_sign(found, 'difference')]} #Params: τ is "
        f"{tables.number(found['kt'])} against {tables.number(found['kt_params'])} over {found['n']:,.0f} "
        f"networks, a difference of {_written(found, 'difference')}. At equal #Params "
        f"{left[_sign(found, 'partial')]} (ρ = {_written(found, 'partial')})."
    )


def _written(found: dict[str, float], name: str) -> str:
    return tables.interval(found[name], found[f"{name}_low"], found[f"{name}_high"])


def _sign(found: dict[str, float], name: str) -> int:
    """Tell whether an interval is above 0 as a whole, or below; one that is not known is neither."""
    return int(found[f"{name}_low"] > 0) - int(found[f"{name}_high"] < 0)

"""How far every proxy is ahead of a count, on every benchmark: what sentences about all of them rest on.

A simple random sample stands for all networks of a space, and the complete top for its most accurate ones, so
that no weights are needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

import zsnas.benchmarks
import zsnas.statistics
from zsnas.book import materials
from zsnas.book.verdicts import ENOUGH
from zsnas.scores.sweep import visited
from zsnas.scores.table import scores as published_scores
from zsnas.spaces import nb201

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zsnas.benchmarks import Benchmark

COUNTS = ("params", "flops")

PROXIES = (
    *("grad_norm", "snip", "grasp", "synflow", "gradsign", "fisher"),
    *("jacob_cov", "zen_score", "ntk_cond", "zico"),
    *("linear_regions", "logdet", "naswot", "nn_mass", "nn_degree"),
)
"""Those that the survey describes and some benchmark has scores of."""

BENCHMARKS = {
    "nb201/cifar100": "NAS-Bench-201, CIFAR-100",
    "nb201/imagenet16-120": "NAS-Bench-201, ImageNet16-120",
    "nats-sss/cifar100": "NATS-Bench, CIFAR-100",
    "nats-sss/imagenet16-120": "NATS-Bench, ImageNet16-120",
    "transnas-micro/segmentsemantic": "TransNAS-Bench-101, segmentation",
    "transnas-micro/normal": "TransNAS-Bench-101, normals",
    "transnas-micro/autoencoder": "TransNAS-Bench-101, autoencoding",
    "timm/imagenet-cnn": "timm's CNNs",
    "timm/imagenet-vit": "timm's ViTs",
    "ade20k/miou": "ADE20K",
    "resnets/imagenet": "ResNets",
    "mobilenet-v2/imagenet": "MobileNet-v2",
    "accel-nasbench/imagenet1k": "Accel-NASBench",
}
"""What the page calls them."""

TOP = 0.05
SAMPLE = 1000
SMALL_BATCHES = ("nb201/cifar100", "nb201/imagenet16-120")
"""On which NTK_Cond, every image of which needs a backward pass of its own, has a batch of 16 images."""


def board(resamples: int, limit: int | None = None) -> pd.DataFrame:
    """Compare every proxy with both counts on every benchmark that this machine has.

    Parameters
    ----------
    resamples : int
        Of the bootstrap.
    limit : int, optional
        Networks of the random sample; by default `SAMPLE`.

    Returns
    -------
    DataFrame
        One row per ``benchmark`` (its label), ``subset`` ("all", "top"), ``proxy`` and ``reference`` (one of
        `COUNTS`), with ``value``, ``low``, ``high``: Kendall's τ of the proxy minus that of the count;
        ``kt``, ``kt_low``, ``kt_high``: of the proxy; ``n``: networks with both scores, at least 30.
    """
    return pd.concat([table for name in BENCHMARKS for table in _tables(name, resamples, limit)])


def _tables(name: str, resamples: int, limit: int | None) -> Iterator[pd.DataFrame]:
    yield pd.DataFrame(columns=["benchmark", "subset", "proxy", "reference", "value", "low", "high"])
    bench = materials.known(name)
    if bench is None:
        return
    scores = of_first_seed(name)
    top = zsnas.statistics.top_architectures(bench, TOP)
    parts = {"all": visited(bench, limit or SAMPLE), "top": list(top)}
    for subset, members in parts.items():
        rows = scores[scores["arch"].isin(members)]
        yield margins(bench, rows, resamples).assign(benchmark=BENCHMARKS[name], subset=subset)


def of_first_seed(name: str) -> pd.DataFrame:
    """Return the published scores of seed 0, with NTK_Cond of a smaller batch where only that has it.

    Parameters
    ----------
    name : str
        Of the benchmark.
    """
    scores = published_scores(name)
    scores = scores[scores["seed"] == 0]
    if name not in SMALL_BATCHES:
        return scores
    small = published_scores(name, 16)
    known = small[small["seed"] == 0].set_index("arch")["ntk_cond"]
    return scores.assign(ntk_cond=scores["arch"].map(known))


def at_random(bench: Benchmark, limit: int | None = None) -> pd.DataFrame:
    """Return the scores :func:`of_first_seed` of a random sample, by default of `SAMPLE` networks."""
    scores = of_first_seed(bench.name)
    return scores[scores["arch"].isin(visited(bench, limit or SAMPLE))]


def margins(bench: Benchmark, scores: pd.DataFrame, resamples: int) -> pd.DataFrame:
    """Compare the proxies with both counts over these networks, as if there were no others.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        One row a network, one seed.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As :func:`board`, without ``benchmark`` and ``subset``.
    """
    here = replace(bench, table=bench.table[bench.table["arch"].isin(scores["arch"])])
    names = [*COUNTS, *(name for name in PROXIES if name in scores and scores[name].notna().sum() >= ENOUGH)]
    if scores["arch"].nunique() < ENOUGH:
        return pd.DataFrame()
    tables = (
        zsnas.statistics.differences(
            here, scores, top=1.0, proxies=names, resamples=resamples, reference=count, sampled_top=1.0
        ).assign(reference=count)
        for count in COUNTS
    )
    found = pd.concat(tables)
    found = found[(found["statistic"] == "KT") & (found["contrast"] == "reference") & (found["n"] >= ENOUGH)]
    named = {"minuend": "kt", "minuend_low": "kt_low", "minuend_high": "kt_high"}
    return found.rename(columns=named).drop(columns=["statistic", "contrast", "subtrahend"])


def against_the_better(board: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Keep the differences from the count that ranks better on each benchmark, over "all" or the "top"."""
    rows = board[board["subset"] == subset]
    is_count = rows["proxy"].isin(set(rows["reference"]))
    own = rows[is_count & (rows["proxy"] == rows["reference"])]
    best = own.sort_values("kt", ascending=False, kind="stable").drop_duplicates("benchmark")
    better = best.set_index("benchmark")["proxy"]
    return rows[~is_count & (rows["reference"] == rows["benchmark"].map(better))]


def depth(arch: str) -> int:
    """Return how many convolutions the longest path of a cell of NAS-Bench-201 has; 0 without a path.

    Parameters
    ----------
    arch : str
    """
    longest: dict[int, int] = {0: 0}
    for (start, end), operation in sorted(
        zip(nb201.EDGES, nb201.parse(arch), strict=True), key=lambda edge: edge[0][1]
    ):
        if operation != "none" and start in longest:
            longest[end] = max(longest.get(end, 0), longest[start] + ("conv" in operation))
    return longest.get(3, 0)


def by_depth(name: str, resamples: int, limit: int | None = None) -> pd.DataFrame:
    """Correlate #Params with accuracy within each depth of NAS-Bench-201.

    Parameters
    ----------
    name : str
        Of the benchmark.
    resamples : int
        Of the bootstrap.
    limit : int, optional
        Networks of the random sample; by default `SAMPLE`.

    Returns
    -------
    DataFrame
        One row a ``depth`` with enough networks: ``kt``, ``kt_low``, ``kt_high``, ``n``, and ``share``, the
        part of the space that has it. Empty when this machine lacks the benchmark.
    """
    bench = materials.known(name)
    if bench is None:
        return pd.DataFrame()
    scores = at_random(bench, limit)
    depths = bench.table["arch"].map(depth)
    rows = []
    for level in sorted(depths.unique()):
        members = bench.table["arch"][depths == level]
        found = margins(bench, scores.loc[scores["arch"].isin(members), ["arch", "seed", *COUNTS]], resamples)
        if len(found):
            own = found[(found["proxy"] == "params") & (found["reference"] == "flops")]
            rows.append(own.assign(depth=level, share=(depths == level).mean()))
    return pd.concat(rows) if rows else pd.DataFrame()


def partial_kendall(bench: Benchmark) -> tuple[float, float]:
    """Return Kendall's τ of the number of weights with accuracy on NAS-Bench-201, as it is and given depth.

    The partial τ removes what both share with depth: (τ_xy − τ_xz τ_yz) / √((1 − τ_xz²)(1 − τ_yz²)).

    Parameters
    ----------
    bench : Benchmark
        Of the space nb201.

    References
    ----------
    Kendall 1942, Partial rank correlation.
    """
    arch, accuracy = bench.table["arch"], bench.table[bench.metric].to_numpy()
    weights = arch.map(_weights).to_numpy()
    depths = arch.map(depth).to_numpy()
    xy, xz, yz = (
        float(stats.kendalltau(*pair).statistic)
        for pair in ((weights, accuracy), (weights, depths), (accuracy, depths))
    )
    return xy, (xy - xz * yz) / float(np.sqrt((1 - xz**2) * (1 - yz**2)))


def _weights(arch: str) -> int:
    """Return the weights of a cell's convolutions, in units of one from a channel to a channel."""
    operations = nb201.parse(arch)
    return 9 * operations.count("nor_conv_3x3") + operations.count("nor_conv_1x1")


def kept_by_filter(name: str, proxy: str, share: float, limit: int | None = None) -> dict[str, float]:
    """Discard the worst networks by a proxy and say how many of the most accurate ones are kept.

    Parameters
    ----------
    name : str
        Of the benchmark.
    proxy : str
    share : float
        The part that is kept.
    limit : int, optional
        Networks of the random sample; by default `SAMPLE`.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``: the part of the most accurate tenth of the sample that is kept, and its
        95 % interval (Wilson); ``n``: how many networks that tenth has.
    """
    bench = zsnas.benchmarks.benchmark(name)
    rows = at_random(bench, limit).dropna(subset=proxy)
    accuracy = bench.table.set_index("arch")[bench.metric].reindex(rows["arch"]).to_numpy()
    ranks = (rows[proxy] * zsnas.statistics.orientation(proxy)).rank(pct=True).to_numpy()
    good = ranks[accuracy >= np.quantile(accuracy, 0.9)] if len(rows) else np.array([])
    kept = int((good > 1 - share).sum())
    if not len(good):
        return {"value": np.nan, "low": np.nan, "high": np.nan, "n": 0}
    ends = stats.binomtest(kept, len(good)).proportion_ci(method="wilson")
    return {"value": kept / len(good), "low": ends.low, "high": ends.high, "n": len(good)}


DISTURBANCES = ("resampling", "noise", "outliers")


def robustness(
    names: Sequence[str], limit: int | None = None, repeats: int = 50, seed: int = 0
) -> pd.DataFrame:
    """Disturb accuracies and scores, and compare how far Kendall's τ and Spearman's ρ move for their size.

    Three disturbances: networks are drawn again with replacement; accuracies get noise of a tenth of their
    standard deviation; one score in twenty becomes that of another network.

    Parameters
    ----------
    names : sequence of str
        Benchmarks.
    limit : int, optional
        Networks of each; by default `SAMPLE`.
    repeats : int
        Of each disturbance.
    seed : int
        Of the disturbances.

    Returns
    -------
    DataFrame
        One row per ``benchmark``, ``proxy`` and ``disturbance``: ``kendall`` and ``spearman``, the root mean
        square of the change, divided by the undisturbed value.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for name in names:
        bench = materials.known(name)
        if bench is None:
            continue
        scores = at_random(bench, limit)
        truth = bench.table.set_index("arch")[bench.metric].reindex(scores["arch"]).to_numpy()
        for proxy in (*COUNTS, *PROXIES):
            known = scores[proxy].notna().to_numpy() if proxy in scores else np.zeros(len(scores), bool)
            if known.sum() >= ENOUGH:
                score = scores[proxy].to_numpy(dtype=float)[known] * zsnas.statistics.orientation(proxy)
                rows += [
                    {"benchmark": BENCHMARKS[name], "proxy": proxy, **moved}
                    for moved in _moved(score, truth[known], repeats, generator)
                ]
    return pd.DataFrame(rows)


def _moved(
    score: np.ndarray, truth: np.ndarray, repeats: int, generator: np.random.Generator
) -> Iterator[dict[str, object]]:
    of_both: dict[str, Callable[..., Any]] = {"kendall": stats.kendalltau, "spearman": stats.spearmanr}
    before = {name: float(of(score, truth).statistic) for name, of in of_both.items()}
    for disturbance in DISTURBANCES:
        squares = dict.fromkeys(of_both, 0.0)
        for _ in range(repeats):
            pair = _disturbed(disturbance, score, truth, generator)
            for name, of in of_both.items():
                squares[name] += (float(of(*pair).statistic) - before[name]) ** 2 / repeats
        moved = {name: float(np.sqrt(squares[name])) / abs(before[name]) for name in of_both}
        yield {"disturbance": disturbance, **moved}


def _disturbed(
    disturbance: str, score: np.ndarray, truth: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if disturbance == "resampling":
        drawn = generator.integers(len(score), size=len(score))
        return score[drawn], truth[drawn]
    if disturbance == "noise":
        return score, truth + generator.normal(0, 0.1 * truth.std(), len(truth))
    wrong = generator.random(len(score)) < 0.05
    return np.where(wrong, generator.permutation(score), score), truth

"""CNNs and vision transformers as people use them: what the libraries say of them, and how they start."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from zsnas import statistics
from zsnas.benchmarks import timm_imagenet, torchvision_imagenet
from zsnas.book import tables
from zsnas.proxies import label_of
from zsnas.scores import undefined
from zsnas.sources import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark

MANY = 10
"""Networks that a recipe needs before counts are correlated within it."""

MEANING = {
    "params": ("yes", "counts weights, whatever they do"),
    "flops": ("yes", "products of attention are counted too"),
    "grad_norm": ("yes", "looks at the weights of convolution and linear layers"),
    "snip": ("yes", "looks at the weights of convolution and linear layers"),
    "grasp": ("yes", "needs attention without the fused kernel, which has no second derivative"),
    "fisher": ("yes", "takes a feature of a linear layer as a channel, and tokens as its positions"),
    "jacob_cov": ("yes", "only asks for gradients of the input"),
    "synflow": ("not with layer norm", "a layer norm subtracts the mean, so that the signal is not positive"),
    "zen_score": (
        "in part",
        "its second term adds up the variances of batch norm, which few transformers have",
    ),
    "logdet": ("only with ReLU", "counts patterns of active ReLU units; GELU has no off state"),
}
"""What becomes of a proxy's argument in a transformer: whether it holds, and why."""


def counts(bench: Benchmark) -> pd.DataFrame:
    """Return what the library publishes: ``arch``, ``params`` and ``flops``, smallest first."""
    table = timm_imagenet.counts() if bench.space == "timm" else torchvision_imagenet.counts()
    return table[table["arch"].isin(bench.table["arch"])].sort_values("flops")


def defined(scores: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Return whether a proxy's argument holds in a transformer, and how many networks have a value."""
    of_one_seed = scores[scores["seed"] == scores["seed"].min()]
    cells = {
        "keeps its meaning": [MEANING[name][0] for name in proxies],
        "has a value": [f"{of_one_seed[name].notna().sum()} of {len(of_one_seed)}" for name in proxies],
        "because it": [MEANING[name][1] for name in proxies],
    }
    return pd.DataFrame(cells, pd.Index([tables.linked_label(name) for name in proxies], name="Proxy"))


def reasons(scores: pd.DataFrame) -> list[str]:
    """Return why scores of one seed are undefined, most frequent first, and for how many networks."""
    of_one_seed = scores[scores["seed"] == scores["seed"].min()]
    if "reasons" not in of_one_seed:
        return []
    found = Counter(
        f"{label_of(name)}: {why}"
        for given in of_one_seed["reasons"]
        for name, why in undefined(given).items()
        if name in scores
    )
    return [f"{why} ({count})" for why, count in found.most_common()]


def silent(bench: Benchmark) -> list[str]:
    """Return the networks in which the scales of some batch norm start at 0; known of timm's."""
    table = timm_imagenet.zero_scales()
    known = table.loc[table["zero_scales"] > 0, "arch"]
    return list(known[known.isin(bench.table["arch"])]) if bench.space == "timm" else []


def left_out(kind: str) -> str:
    """Write why rows of timm's results are not of networks that are trained standalone, as a table.

    Parameters
    ----------
    kind : str
        "cnn" or "vit", for the name of the table.
    """
    results = pd.read_csv(fetch("timm/results-imagenet"))
    names = results.loc[results["img_size"] <= timm_imagenet.LARGEST_RESOLUTION, "model"]
    why = names.map(timm_imagenet.why_not_standalone)
    return tables.numbered(
        why.value_counts().rename("runs").to_frame().rename_axis("Left out because it"),
        f"Rows of timm's results at up to {timm_imagenet.LARGEST_RESOLUTION} pixels that are not trained "
        f"standalone; {why.isna().sum()} are.",
        f"tab-{kind}-rules",
    )


def recipes(bench: Benchmark, kind: str, resamples: int, top: float) -> str:
    """Write how far accuracy moves by the recipe alone, and correlations of counts within recipes.

    Parameters
    ----------
    bench : Benchmark
    kind : str
        "cnn" or "vit".
    resamples, top
        As for :func:`of_lists`.
    """
    if bench.space != "timm":
        return "timm's table of results is not on this machine."
    runs = timm_imagenet.retrained().query("kind == @kind")
    found = ranges(runs)
    low, high = bench.table[bench.metric].quantile([0.25, 0.75])
    cells = found.head().map(lambda cell: cell if isinstance(cell, str) else tables.number(cell))
    words = "The architectures that move most by recipe alone: top-1 accuracy (%), range (points)."
    said = (
        f"{len(found)} of the {len(bench.table)} networks have more than one recipe. From the worst to the "
        f"best one it is {tables.number(found['range'].median(), 1)} points at the median; the middle half "
        f"of all networks spans {high - low:.1f} points."
    )
    shown = [said, tables.numbered(cells.rename_axis("Architecture"), words, f"tab-{kind}-recipes")]
    if len(held := of_recipes(bench, runs, resamples, top)):
        words = "Published counts and accuracy among networks with one recipe: correlation [95 % interval]."
        shown.append(tables.numbered(held, words, f"tab-{kind}-one-recipe"))
    return "\n\n".join(shown)


def of_lists(bench: Benchmark, one_run: Benchmark, resamples: int, top: float) -> pd.DataFrame:
    """Correlate published counts with accuracy over whole lists: a row for each, with cells as text.

    Parameters
    ----------
    bench : Benchmark
        Over all its networks, and over those with images of 224 pixels.
    one_run : Benchmark
        Of torchvision, one training run for each network.
    resamples : int
    top : float
        See :func:`zsnas.correlations`.
    """
    lists = {"torchvision, all": one_run}
    if bench.space == "timm":
        usual = replace(bench, table=bench.table[bench.table["resolution"] == 224])
        lists = {"timm, all": bench, "timm, 224 pixels": usual} | lists
    rows = [_counted(part, counts(part), resamples, top) for part in lists.values()]
    return pd.DataFrame(rows, pd.Index(lists, name="Networks"))


def of_recipes(bench: Benchmark, runs: pd.DataFrame, resamples: int, top: float) -> pd.DataFrame:
    """Correlate published counts with accuracy among networks that share a recipe, at least :data:`MANY`.

    Parameters
    ----------
    bench : Benchmark
    runs : DataFrame
        Of :func:`zsnas.benchmarks.timm_imagenet.retrained`.
    resamples, top
        As for :func:`of_lists`.
    """
    sizes = runs["recipe"].value_counts().drop("in1k", errors="ignore")
    tags = list(sizes.index[sizes >= MANY])
    known = counts(bench)
    rows = [
        _counted(replace(bench, table=runs[runs["recipe"] == tag]), known, resamples, top) for tag in tags
    ]
    return pd.DataFrame(rows, pd.Index([f"`{tag}`" for tag in tags], name="Recipe"))


def _counted(bench: Benchmark, known: pd.DataFrame, resamples: int, top: float) -> dict[str, str]:
    here = known[known["arch"].isin(bench.table["arch"])].assign(seed=0)
    found = statistics.correlations(
        bench, here, proxies=["params", "flops"], resamples=resamples, top=top, sampled_top=1.0
    )
    rows = found[found["subset"] == "all"]
    names = [f"{label_of(name)}, {how}" for name, how in zip(rows["proxy"], rows["statistic"], strict=True)]
    return {"n": f"{len(here):,}", **dict(zip(names, tables.intervals(rows), strict=True))}


def ranges(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how far the accuracy of an architecture moves by its recipe alone, the widest range first.

    Parameters
    ----------
    runs : DataFrame
        Of :func:`zsnas.benchmarks.timm_imagenet.retrained`; architectures with one recipe are left out.

    Returns
    -------
    DataFrame
        ``recipes``, ``lowest``, ``highest`` (%) and ``range`` (points), by architecture.
    """
    by_arch = runs.groupby("arch")["validation_accuracy"].agg(["size", "min", "max"])
    several = by_arch[by_arch["size"] > 1].set_axis(["recipes", "lowest", "highest"], axis=1)
    several["range"] = several["highest"] - several["lowest"]
    several["recipes"] = several["recipes"].astype(str)
    return several.sort_values("range", ascending=False, kind="stable")

"""Transformers on text: what of an architecture shows in its scores on GLUE, and which count ranks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from zsnas.book import tables
from zsnas.book.studies.transformers import at_equal_size
from zsnas.leaderboard import FEWEST
from zsnas.proxies import label_of
from zsnas.spaces import flexibert, space
from zsnas.spaces.flexibert import Layer, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]

ROWS_TO_EXPLAIN = 250
"""Fewer networks than that leave little to explain for the hundred numbers that describe their layers."""

PUBLISHED, DESCRIBED, TRAINED = "as published", "as described", "as trained"
HOURS = "hours"
GROUP = "channels and depth"


def trainings(limit: int | None = None) -> pd.DataFrame:
    """Return what the benchmark's file says of each training, in its order.

    Parameters
    ----------
    limit : int, optional
        So many; by default all.

    Returns
    -------
    DataFrame
        ``arch`` as it is described, ``channels`` and ``depth``, ``glue`` and its tasks, ``hours`` of
        pretraining.
    """
    rows = []
    for record in flexibert.records()[:limit]:
        plan = flexibert.described(record)
        shape = {"arch": flexibert.write(plan), "channels": plan.channels, "depth": len(plan.layers)}
        rows.append(shape | record["scores"] | {HOURS: record["time_to_train"] / 3600})
    return pd.DataFrame(rows)


class Part(NamedTuple):
    """What a part of the architectures is called, and the numbers that say what it is in a layer."""

    words: str
    of_layer: Callable[[Layer], list[bool]]


def _trained(layer: Layer) -> list[bool]:
    several = len(layer.widths) > 1
    return [layer.heads == 4, several, several and layer.widths[-1] == 1024]


def _operations(layer: Layer) -> list[bool]:
    return [layer.operation == name for name in list(flexibert.OPERATIONS.values())[1:]]


def _dropped(layer: Layer) -> list[bool]:
    return [layer.widths == (1024,)]


PARTS = (
    Part("heads, number of widths, and widths after the first", _trained),
    Part("the operations", _operations),
    Part("widths that stand alone", _dropped),
)
"""The first is what the published training code reads beside channels and depth, the others it does not."""


def explained(table: pd.DataFrame, outcomes: Sequence[str], shuffles: int, seed: int) -> pd.DataFrame:
    """Say how much of an outcome each part of the architectures explains beyond channels, depth and heads.

    Networks of the same channels and depth have coefficients of their own. What a part of no importance
    would explain is found by shuffling it among them.

    Parameters
    ----------
    table : DataFrame
        Of :func:`trainings`.
    outcomes : sequence of str
        Columns of it.
    shuffles, seed : int
        Of each part.

    Returns
    -------
    DataFrame
        By ``outcome`` and ``part``: ``share`` of the variance that the part adds to that of the parts before
        it, or for the two that training drops to that of what it reads; ``shuffled``, the mean that it adds
        after a shuffle; ``p``, the share of shuffles that add as much. NaN for fewer than
        :data:`ROWS_TO_EXPLAIN` networks.
    """
    generator = np.random.default_rng(seed)
    groups = table.groupby(["channels", "depth"]).ngroup().to_numpy()
    truth = table[list(outcomes)].to_numpy(dtype=float)
    plans = [flexibert.plan(arch) for arch in table["arch"]]
    read = np.eye(int(groups.max()) + 1)[groups]
    unknown = np.full(len(outcomes), np.nan)
    found = {GROUP: (_share(read, truth), unknown, unknown)}
    for part in PARTS:
        numbers = _by_group(plans, part, groups)
        added = _added(read, numbers, truth)
        chance = np.array(
            [_added(read, numbers[_shuffled(groups, generator)], truth) for _ in range(shuffles)]
        )
        found[part.words] = added, chance.mean(axis=0), (1 + (chance >= added).sum(axis=0)) / (1 + shuffles)
        if part is PARTS[0]:
            read = np.hstack([read, numbers])
    rows = [
        {"outcome": outcome, "part": words, "share": share[at], "shuffled": chance[at], "p": p[at]}
        for at, outcome in enumerate(outcomes)
        for words, (share, chance, p) in found.items()
    ]
    result = pd.DataFrame(rows).set_index(["outcome", "part"])
    return result if len(table) >= ROWS_TO_EXPLAIN else result * np.nan


def _by_group(plans: Sequence[Plan], part: Part, groups: NDArray[np.integer[Any]]) -> Floats:
    """Return the numbers of a part, each layer of each group in columns of its own."""
    blocks = []
    for group in np.unique(groups):
        inside = groups == group
        chosen = [plan for plan, is_inside in zip(plans, inside, strict=True) if is_inside]
        numbers = np.array([[part.of_layer(layer) for layer in plan.layers] for plan in chosen], dtype=float)
        block = np.zeros((len(plans), numbers[0].size))
        block[inside] = numbers.reshape(len(chosen), -1)
        blocks.append(block)
    return np.hstack(blocks)


def _shuffled(groups: NDArray[np.integer[Any]], generator: np.random.Generator) -> NDArray[np.integer]:
    """Return places in which those of each group are shuffled among themselves."""
    places = np.arange(len(groups))
    for group in np.unique(groups):
        places[groups == group] = generator.permutation(places[groups == group])
    return places


def _share(numbers: Floats, truth: Floats) -> Floats:
    """Return the share of the variance of each column of truth that numbers explain."""
    left = truth - numbers @ np.linalg.lstsq(numbers, truth)[0]
    share: Floats = 1 - left.var(axis=0) / truth.var(axis=0)
    return share


def _added(read: Floats, numbers: Floats, truth: Floats) -> Floats:
    return _share(np.hstack([read, numbers]), truth) - _share(read, truth)


def sizes(table: pd.DataFrame) -> pd.DataFrame:
    """Return #Params of each architecture by three readings of it, by ``arch``.

    Parameters
    ----------
    table : DataFrame
        Of :func:`trainings`.

    Returns
    -------
    DataFrame
        :data:`PUBLISHED`, as the benchmark's own metrics count them, with 256 channels and widths of 1,024
        whatever is described; :data:`DESCRIBED`; :data:`TRAINED`, see `zsnas.spaces.flexibert.as_trained`.
    """
    networks = space("flexibert")
    readings: dict[str, Callable[[str], str]] = {
        PUBLISHED: _as_published,
        DESCRIBED: str,
        TRAINED: flexibert.as_trained,
    }
    found = {
        words: [networks.counts(read(arch), 2, 128).params for arch in table["arch"]]
        for words, read in readings.items()
    }
    return pd.DataFrame(found, index=pd.Index(table["arch"], name="arch"))


def _as_published(arch: str) -> str:
    layers = flexibert.plan(arch).layers
    wide = (layer._replace(widths=(1024,) * len(layer.widths)) for layer in layers)
    return flexibert.write(Plan(256, tuple(wide)))


def beyond_size(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Return Spearman's ρ with GLUE at equal #Params, and at equal #Params, channels and depth, by proxy.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of :func:`zsnas.scores`; several seeds of a network count as their mean.
    proxies : sequence of str
        NaN for #Params itself, and for one that fewer than `zsnas.leaderboard.FEWEST` networks have.
    """
    plans = {arch: flexibert.plan(arch) for arch in scores["arch"].unique()}
    rows = {arch: {"channels": plan.channels, "depth": len(plan.layers)} for arch, plan in plans.items()}
    shape = pd.DataFrame.from_dict(rows, orient="index")
    return pd.DataFrame(
        {
            "at equal #Params": at_equal_size(bench, scores, proxies),
            "and channels and depth": at_equal_size(bench, scores, proxies, shape),
        }
    )


def operations(parts: pd.DataFrame) -> str:
    """Say whether the operations show in scores and hours.

    Parameters
    ----------
    parts : DataFrame
        Of :func:`explained`, for ``glue`` and :data:`HOURS`.
    """
    if parts["share"].isna().any():
        return f"Fewer than {ROWS_TO_EXPLAIN} trainings are looked at in this execution, which cannot tell."
    read, named, _ = (part.words for part in PARTS)
    said = (
        f"the operations explain {_percent(parts, 'glue', named)} of what the GLUE scores vary, and "
        f"{_percent(parts, HOURS, named)} of what the hours do; {read}, which the code reads, explain "
        f"{_percent(parts, 'glue', read)} and {_percent(parts, HOURS, read)}"
    )
    shows = parts["p"].unstack("part")[named].min() < 0.05 / 2  # of two outcomes
    return f"{'They do show' if shows else 'They show in neither'}: {said}."


def trained(parts: pd.DataFrame) -> str:
    """Say in one sentence that the operations were not trained, or that this execution cannot tell.

    Parameters
    ----------
    parts : DataFrame
        Of :func:`explained`, for ``glue`` and :data:`HOURS`.
    """
    code = "The published training code makes the same operation of all that the benchmark describes"
    if parts["share"].isna().any():
        return f"{code}."
    share, shuffled = _percents(parts, "glue", PARTS[1].words)
    return (
        f"{code}: these explain {share} of what the GLUE scores vary, and {shuffled} when they are shuffled."
    )


def _percents(parts: pd.DataFrame, outcome: str, part: str) -> list[str]:
    return [
        f"{100 * parts[key].loc[(outcome, part)]:.1f}\N{NO-BREAK SPACE}%" for key in ("share", "shuffled")
    ]


def _percent(parts: pd.DataFrame, outcome: str, part: str) -> str:
    share, shuffled = _percents(parts, outcome, part)
    return f"{share} (shuffled {shuffled})"


def answer(ranks: pd.DataFrame, left: pd.DataFrame) -> str:
    """Say how well #Params ranks the networks, which proxy does best, and what is left at equal shape.

    Parameters
    ----------
    ranks : DataFrame
        Kendall's τ by proxy, with ``low``, ``high`` and ``n``.
    left : DataFrame
        Of :func:`beyond_size`.
    """
    ranks = ranks.dropna(subset=["value"])
    if "params" not in ranks.index:
        return f"Fewer than {FEWEST} networks are scored in this execution, which say nothing."
    params = ranks.loc["params"]
    written = tables.intervals(ranks.loc[["params"]])[0]
    said = (
        f"Counting does: Kendall's τ of #Params with the GLUE score is {written} over {params['n']:.0f} "
        "networks."
    )
    highest = str(ranks["value"].idxmax())
    if highest == "params":
        said += " No other proxy has a higher one."
    else:
        apart = "do not overlap" if ranks.loc[highest, "low"] > params["high"] else "overlap"
        said += (
            f" The highest is that of {label_of(highest)}, {tables.intervals(ranks.loc[[highest]])[0]}; the "
            f"two intervals {apart}."
        )
    last = left[left.columns[-1]].dropna()
    if last.empty:
        return said
    most = str(last.idxmax())
    return (
        f"{said} At equal #Params, channels and depth the best of the others, {label_of(most)}, keeps a "
        f"Spearman's ρ of {tables.number(last[most])}."
    )

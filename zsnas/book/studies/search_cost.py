"""What searches for networks cost: the points of the survey's Figure 1, by kind of search."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from zsnas.book import tables
from zsnas.book.figures import opening
from zsnas.book.verdicts import Verdict, is_above, listed
from zsnas.sources import DATA

PUBLISHED = DATA / "published" / "li2024_figure_1.csv"
KINDS = tuple(opening.KINDS)
"""Of searches, most expensive first."""

FAR_MORE = 10
"""Times as much, for "far more"."""

ORDERS = 100
"""Times as much, for "orders of magnitude"."""

RESAMPLES = 2000
"""Of the bootstrap over searches."""

COMPARABLE = 1.0
"""Points of accuracy that a comparable network is behind at most."""


def points() -> pd.DataFrame:
    """Return the points of the figure, one a network.

    Returns
    -------
    DataFrame
        ``kind``, ``search_kg_co2`` (kg of CO₂), ``imagenet1k_top1`` (%), ``gmacs`` (10⁹
        multiply-accumulates), ``source``.
    """
    return pd.read_csv(PUBLISHED)


def costs(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the different costs of each kind in kg of CO₂: networks of one search count once."""
    return {kind: np.unique(table.loc[table["kind"] == kind, "search_kg_co2"]) for kind in KINDS}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return, as text, how many points each kind has and where they lie."""
    found = costs(table)
    accuracy = table.groupby("kind")["imagenet1k_top1"]
    return pd.DataFrame(
        {
            "networks": accuracy.size().reindex(KINDS).map(str),
            "different costs": [str(len(found[kind])) for kind in KINDS],
            "CO₂": [f"{_kg(found[kind].min())} to {_kg(found[kind].max())}" for kind in KINDS],
            "median": [_kg(float(np.median(found[kind]))) for kind in KINDS],
            "accuracy": [f"{accuracy.min()[kind]:.1f} to {accuracy.max()[kind]:.1f}" for kind in KINDS],
        },
        pd.Index(KINDS, name="Kind of search"),
    )


def matched(table: pd.DataFrame, within: float) -> pd.DataFrame:
    """Set each zero-shot network beside the networks of another kind that have its size.

    Parameters
    ----------
    table : DataFrame
        Of :func:`points`.
    within : float
        The factor by which multiply-accumulates differ at most.

    Returns
    -------
    DataFrame
        A row for each zero-shot network and other kind: ``gmacs``, ``accuracy`` (%), ``kind``, ``n`` networks
        of its size, their mean accuracy ``other`` (%), the ``difference`` in points, and ``ratio``, how many
        times as much CO₂ the cheapest of their searches emitted. NaN where there is none.
    """
    rows = []
    for _, own in table[table["kind"] == "zero-shot"].iterrows():
        for kind in KINDS[:-1]:
            near = np.abs(np.log(table["gmacs"] / own["gmacs"])) <= np.log(within)
            others = table[near & (table["kind"] == kind)]
            mean = others["imagenet1k_top1"].mean()
            rows.append(
                {
                    "gmacs": own["gmacs"],
                    "accuracy": own["imagenet1k_top1"],
                    "kind": kind,
                    "n": len(others),
                    "other": mean,
                    "difference": own["imagenet1k_top1"] - mean,
                    "ratio": others["search_kg_co2"].min() / own["search_kg_co2"],
                }
            )
    return pd.DataFrame(rows)


def match_table(matches: pd.DataFrame) -> pd.DataFrame:
    """Write :func:`matched` as text."""
    some = matches[matches["n"] > 0]
    return pd.DataFrame(
        {
            "accuracy (%)": [f"{value:.1f}" for value in some["accuracy"]],
            "beside": list(some["kind"]),
            "networks": [str(n) for n in some["n"]],
            "their accuracy (%)": [f"{value:.1f}" for value in some["other"]],
            "difference": [tables.number(value, 1) for value in some["difference"]],
            "cost": [f"{value:,.0f}" for value in some["ratio"]],
        },
        pd.Index([f"{value:g}" for value in some["gmacs"]], name="10⁹ MACs"),
    )


def alt(table: pd.DataFrame) -> str:
    """Say what :func:`zsnas.book.figures.opening.search_costs` shows."""
    spans = listed(
        f"{kind} searches from {_kg(found.min())} to {_kg(found.max())} kg"
        for kind, found in costs(table).items()
    )
    return f"Points of accuracy against CO₂ on a logarithmic scale: {spans}."


def caption(table: pd.DataFrame) -> str:
    """Say what the figure was made from."""
    sizes = table["gmacs"]
    return (
        f"n = {len(table)} networks; a larger marker is a network with more multiply-accumulates, "
        f"{sizes.min():g} to {sizes.max():g} billion. The numbers are the survey's, read off its Figure 1."
    )


def finding(table: pd.DataFrame, matches: pd.DataFrame) -> str:
    """Say in two sentences what the points show."""
    median = {kind: float(np.median(found)) for kind, found in costs(table).items()}
    some = matches[matches["n"] > 0]
    behind = int((some["difference"] < -COMPARABLE).sum())
    return (
        f"The median of the published searches that train every candidate emitted "
        f"{_kg(median['multi-shot'])} kg of "
        f"CO₂, of those that train one network for all {_kg(median['one-shot'])} kg, of those that train "
        f"nothing {_kg(median['zero-shot'])} kg. That has a price: beside networks of their own size, the "
        f"zero-shot ones are more than a point less accurate in {behind} of {len(some)} comparisons."
    )


def distance(found: dict[str, np.ndarray]) -> str:
    """Say how often a search of one kind costs far more than one of the next."""
    parts = [
        f"in {_percent(_share(found[more], found[less], FAR_MORE))} of the pairs of a {more} and a {less} "
        f"search the first costs at least {FAR_MORE} times as much"
        for more, less in _neighbours()
    ]
    return f"{listed(parts).capitalize()}."


def sizes_differ(table: pd.DataFrame) -> str:
    """Warn that the sizes of the kinds are not of one make, with the numbers that show it."""
    low, high = 74.0, 79.0
    alike = table[table["imagenet1k_top1"].between(low, high)].groupby("kind")["gmacs"].median()
    ratio = alike["one-shot"] / alike["multi-shot"]
    return (
        f"Take the sizes of the one-shot networks with care. Between {low:g} and {high:g} % of accuracy the "
        f"median one-shot network of the figure has {alike['one-shot']:.1f} billion multiply-accumulates, "
        f"{ratio:.0f} times as many as the median multi-shot network, {alike['multi-shot']:.2f} billion. "
        "Perhaps the two are not of one unit; the figure does not say."
    )


def judged(table: pd.DataFrame, matches: pd.DataFrame) -> list[Verdict]:
    """Judge what the survey says about its Figure 1."""
    found = costs(table)
    ratios = {pair: _ratio(found[pair[0]], found[pair[1]]) for pair in _neighbours()}
    written = listed(
        f"{more} to {less} {tables.interval(*ratio, 0)}" for (more, less), ratio in ratios.items()
    )
    cost = Verdict.counted(
        "Multi-shot search costs far more than one-shot search, and that far more than zero-shot search.",
        "Section 1, Figure 1",
        f"Read as: the median search of a kind emitted at least {FAR_MORE} times as much CO₂ as the median "
        f"search of the next. The ratios, with 95 % bootstrap intervals over the searches: {written}. "
        f"The cheapest multi-shot search emitted {_kg(found['multi-shot'].min())} kg, the most expensive "
        f"one-shot search {_kg(found['one-shot'].max())} kg. Weight sharing has no mark of its own in the "
        "figure.",
        (("", is_above(low, high, FAR_MORE)) for _, low, high in ratios.values()),
    )
    some = matches[matches["n"] > 0]
    kept = [bool(value >= -COMPARABLE) for value in some["difference"]]
    by_kind = {
        str(kind): listed(tables.number(value, 1) for value in rows["difference"])
        for kind, rows in some.groupby("kind")
    }
    accuracy = Verdict.counted(
        "Zero-shot search reaches an accuracy comparable with that of one-shot and multi-shot search.",
        "Section 1, Figure 1",
        f"Read as: at most {COMPARABLE:g} point below the mean of the networks of its size, for each "
        f"zero-shot network and each other kind. This holds for {sum(kept)} of {len(kept)}. Points ahead: "
        f"{listed(f'of {kind} {values}' for kind, values in by_kind.items())}.",
        (("", held) for held in kept),
    )
    cheaper = [bool(value >= ORDERS) for value in some["ratio"]]
    orders = Verdict.counted(
        "It does so at a cost that is lower by orders of magnitude.",
        "Section 1, Figure 1",
        "Read as: the cheapest search of the other kind that found a network of its size emitted at least "
        f"{ORDERS} times as much CO₂. This holds for {sum(cheaper)} of {len(cheaper)}; the smallest factor "
        f"is {some['ratio'].min():,.0f}, the median {some['ratio'].median():,.0f}.",
        (("", held) for held in cheaper),
    )
    return [cost, accuracy, orders]


def _neighbours() -> list[tuple[str, str]]:
    return list(itertools.pairwise(KINDS))


def _share(more: np.ndarray, less: np.ndarray, factor: float) -> float:
    return float((more[:, None] >= factor * less).mean())


def _ratio(more: np.ndarray, less: np.ndarray) -> tuple[float, float, float]:
    """Return the ratio of two medians with its 95 % bootstrap interval."""
    generator = np.random.default_rng(0)
    medians = [np.median(generator.choice(one, (RESAMPLES, len(one))), axis=1) for one in (more, less)]
    low, high = np.percentile(medians[0] / medians[1], [2.5, 97.5])
    return float(np.median(more) / np.median(less)), float(low), float(high)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _kg(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"

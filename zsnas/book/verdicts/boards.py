"""Verdicts on what the survey says about proxies in general, over all benchmarks.

Each takes the table of :func:`zsnas.book.studies.boards.board`, in which every proxy is compared with both
counts, #Params and #FLOPs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zsnas.proxies
from zsnas.book.studies.boards import against_the_better
from zsnas.book.tables import interval, number
from zsnas.book.verdicts import Check, Part, Verdict, above, below, labels, listed
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = [
    "BAD",
    "above_somewhere",
    "bad_at_the_top",
    "higher_is_more_accurate",
    "keeps_the_best",
    "kendall_moves_less",
    "kinds_differ",
    "mostly_below_the_counts",
    "none_above_everywhere",
    "none_above_params",
    "surpasses_everywhere",
    "verdict",
    "within_depth",
]

BAD = 0.3
"""Kendall's τ below which a ranking counts as bad: 35 of 100 pairs are in the wrong order."""

KT = ["kt", "kt_low", "kt_high"]

Found = tuple[str, list[Part]]
"""How a sentence is read and what was found, and its comparisons."""


def verdict(statement: str, place: str, found: Found) -> Verdict:
    """Return the verdict on a sentence.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    found : tuple
        Of another function here.
    """
    because, parts = found
    if not parts:
        return Verdict(statement, place, "cannot be compared", "Too few networks are scored.")
    return Verdict.of(statement, place, because, parts)


def higher_is_more_accurate(board: pd.DataFrame, proxies: Sequence[str], how: str = "") -> Found:
    """Judge whether KT of these proxies is above 0 on every benchmark.

    Parameters
    ----------
    board : DataFrame
    proxies : sequence of str
        Those that the statement names.
    how : str
        What else the reading says.
    """
    checks = {}
    for row in _rows(_own(board, "all").query("proxy in @proxies")):
        name = row.benchmark if len(proxies) == 1 else f"{row.benchmark}, {label_of(row.proxy)}"
        checks[name] = _kt(row)
    parts, found = _one_by_one(checks)
    reading = f"Read as: over all networks of each benchmark KT is above 0{how}."
    return f"{reading} It is {listed(found)}.", parts


def _rows(table: pd.DataFrame) -> list[Any]:
    """Return rows whose cells are attributes."""
    return list(table.itertuples())


def _own(board: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Return one row for each benchmark and proxy, compared with #Params."""
    return board[(board["subset"] == subset) & (board["reference"] == "params")]


def _kt(row: Any) -> Check:  # noqa: ANN401 - of itertuples
    return Check.above(label_of(row.proxy), row.kt, row.kt_low, row.kt_high, row.n)


def _one_by_one(checks: Mapping[str, Check]) -> tuple[list[Part], list[str]]:
    """Return a part for each comparison, by its name, and how it is written."""
    parts = [Part(name, (check,)) for name, check in checks.items()]
    return parts, [
        f"{name} {interval(check.value, check.low, check.high)} (n = {check.n:,})"
        for name, check in checks.items()
    ]


def surpasses_everywhere(board: pd.DataFrame, proxy: str) -> Found:
    """Judge whether a proxy's KT is above that of #Params on every benchmark, over all and over the top.

    Parameters
    ----------
    board : DataFrame
    proxy : str
    """
    rows = board[(board["proxy"] == proxy) & (board["reference"] == "params")]
    where = {"all": "over all", "top": "over the top 5\N{NO-BREAK SPACE}%"}
    parts, found = _one_by_one(
        {f"{row['benchmark']}, {where[row['subset']]}": above(proxy, row) for _, row in rows.iterrows()}
    )
    reading = "Read as: on each benchmark that has its scores, KT above that of #Params."
    return f"{reading} The difference is {listed(found)}.", parts


def mostly_below_the_counts(board: pd.DataFrame) -> Found:
    """Judge whether, on every benchmark, most proxies with a single aim rank worse than the better count."""
    found, parts = [], []
    for benchmark, rows in against_the_better(board, "all").groupby("benchmark", sort=False):
        single = rows[[len(zsnas.proxies.proxy(name).target) == 1 for name in rows["proxy"]]]
        parts.append(Part(str(benchmark), below(single.set_index("proxy")), most=True))
        found.append(f"{benchmark} {(single['high'] < 0).sum()} of {len(single)}")
    reading = (
        "Read as: on each benchmark more than half of the proxies with a single aim have a KT below that "
        "of the better of #Params and #FLOPs."
    )
    return f"{reading} Below it are: {listed(found)}.", parts


def none_above_params(board: pd.DataFrame) -> Found:
    """Judge whether, on every benchmark, no proxy ranks better than #Params."""
    found, parts = [], []
    rows = _own(board, "all")
    counts = set(board["reference"])
    for benchmark, here in rows[~rows["proxy"].isin(counts)].groupby("benchmark", sort=False):
        ahead = here["proxy"][here["low"] > 0]
        parts.append(Part(str(benchmark), (Check("no proxy", ahead.empty, n=int(here["n"].max())),)))
        if len(ahead):
            found.append(f"{benchmark} {labels(ahead)}")
    reading = "Read as: on no benchmark is there a proxy whose KT is above that of #Params."
    return f"{reading} Above it are: {listed(found) or 'none'}.", parts


def none_above_everywhere(board: pd.DataFrame) -> Found:
    """Judge whether every proxy ranks worse than a count on some benchmark."""
    over_all = board[(board["subset"] == "all") & ~board["proxy"].isin(set(board["reference"]))]
    found, parts = [], []
    for proxy, rows in over_all.groupby("proxy", sort=False):
        benchmarks = rows["benchmark"].nunique()
        below = rows[rows["high"] < 0]["benchmark"].nunique()
        both = (rows["low"] > 0).groupby(rows["benchmark"]).all().sum()
        holds = True if below else False if both == benchmarks else None
        parts.append(Part(label_of(str(proxy)), (Check(label_of(str(proxy)), holds),)))
        found.append(f"{label_of(str(proxy))} below on {below}, above both on {both} of {benchmarks}")
    reading = "Read as: every proxy has a benchmark on which its KT is below that of #Params or of #FLOPs."
    return f"{reading} {listed(found)}.", parts


def bad_at_the_top(board: pd.DataFrame) -> Found:
    """Judge whether KT over the top is below `BAD` for every proxy and count, on every benchmark."""
    rows = _own(board, "top")
    found, parts = [], []
    for benchmark, here in rows.groupby("benchmark", sort=False):
        own = here.set_index("proxy")
        checks = tuple(
            Check.above(
                label_of(str(name)), BAD - row["kt"], BAD - row["kt_high"], BAD - row["kt_low"], row["n"]
            )
            for name, row in own.iterrows()
        )
        parts.append(Part(str(benchmark), checks))
        best = str(own["kt"].idxmax())
        found.append(
            f"On {benchmark} it is below for {(own['kt_high'] < BAD).sum()} of {len(own)} and above for "
            f"{labels(own.index[own['kt_low'] > BAD]) or 'none'}; the highest is "
            f"{label_of(best)} {interval(*own.loc[best, KT])} (n = {int(own['n'].max())})."
        )
    kts = rows.groupby("benchmark")["kt"].max()
    reading = (
        f"The survey gives no threshold; read as: KT over the top 5\N{NO-BREAK SPACE}% is below {BAD}, for "
        "every proxy and both counts."
    )
    twice = (
        f"With a threshold of {number(BAD + 0.2)} it would hold by the values on {(kts < BAD + 0.2).sum()} "
        f"of {len(kts)} benchmarks, with {number(BAD - 0.1)} on {(kts < BAD - 0.1).sum()}."
    )
    return " ".join([reading, *found, twice]), parts


def above_somewhere(board: pd.DataFrame) -> Found:
    """Judge whether there are benchmarks on which several proxies rank the top better than both counts."""
    by_benchmark = against_the_better(board, "top").groupby("benchmark", sort=False)
    ahead = {str(benchmark): rows["proxy"][rows["low"] > 0] for benchmark, rows in by_benchmark}
    several = [benchmark for benchmark, names in ahead.items() if len(names) > 1]
    found = listed(f"{benchmark} {labels(names) or 'none'}" for benchmark, names in ahead.items())
    reading = (
        "Read as: on more than one benchmark, more than one proxy has a KT over the top "
        "5\N{NO-BREAK SPACE}% above that of #Params and of #FLOPs."
    )
    parts = [Part("benchmarks", (Check("benchmarks", len(several) > 1),))] if ahead else []
    return f"{reading} These are: {found or 'none'}.", parts


def kinds_differ(board: pd.DataFrame) -> Found:
    """Judge whether, on every benchmark, gradient-free proxies rank worse than gradient-based ones."""
    found, parts = [], []
    for benchmark, here in _own(board, "all").groupby("benchmark", sort=False):
        kinds = here["proxy"].map(lambda name: zsnas.proxies.proxy(name).kind)
        free, based = here[kinds == "gradient-free"], here[kinds == "gradient-based"]
        if free.empty or based.empty:
            continue
        worse = bool(free["kt"].median() < based["kt"].median())
        parts.append(Part(str(benchmark), (Check("medians", worse, n=int(here["n"].max())),)))
        best = free.sort_values("kt").iloc[-1]
        found.append(
            f"{benchmark} {number(free['kt'].median())} ({len(free)}) against {number(based['kt'].median())} "
            f"({len(based)}); the best gradient-free one, {label_of(best['proxy'])}, is above "
            f"{(based['kt'] < best['kt']).sum()} of these"
        )
    reading = (
        "Read as: on each benchmark that has scores of both kinds, the median KT of the gradient-free "
        "proxies is below that of the gradient-based ones."
    )
    return f"{reading} The medians (and how many): {'; '.join(found)}.", parts


def within_depth(
    by_depth: Mapping[str, pd.DataFrame],
    partial: Mapping[str, tuple[float, float]],
) -> Found:
    """Judge whether KT of #Params is above 0 among the networks of each depth.

    Parameters
    ----------
    by_depth : mapping of DataFrame
        Of :func:`zsnas.book.studies.boards.by_depth`, by the name of the data set.
    partial : mapping
        Of :func:`zsnas.book.studies.boards.partial_kendall`, by the same names.
    """
    slices = [(data, row) for data, rows in by_depth.items() for row in _rows(rows)]
    parts, found = _one_by_one({f"{data}, depth {row.depth}": _kt(row) for data, row in slices})
    controlled = listed(
        f"from {number(whole)} to {number(given)} on {data}" for data, (whole, given) in partial.items()
    )
    reading = "Read as: among the networks of each depth, KT of #Params is above 0."
    given = f"Given depth, its KT over the whole space goes {controlled}."
    return f"{reading} It is: {'; '.join(found)}. {given}", parts


def keeps_the_best(
    kept: Mapping[tuple[str, str], Mapping[str, float]],
    proxy: str,
    price: Mapping[str, float],
) -> Found:
    """Judge whether a filter keeps more of the best than chance would, and costs less than a bare pass.

    Parameters
    ----------
    kept : mapping
        Of :func:`zsnas.book.studies.boards.kept_by_filter` with half of the networks kept, by the name of the
        data set and the proxy.
    proxy : str
        The filter.
    price : mapping of float
        By proxy, in bare passes.
    """
    parts, found = [], []
    for (data, name), share in kept.items():
        words = f"{label_of(name)} {_percent(share)}"
        found.append(f"{data}, {words}")
        if name == proxy and share["n"]:
            value, low, high = (share[end] - 0.5 for end in ("value", "low", "high"))
            parts.append(Part(data, (Check.above(label_of(proxy), value, low, high, share["n"]),)))
    if parts:
        parts.append(Part("cost", (Check("cost", bool(price[proxy] < 1)),)))
    reading = (
        "Read as: when the worse half is discarded, more than half of the most accurate tenth stays, and the "
        "filter costs less than one forward and backward pass."
    )
    because = (
        f"{reading} There stay: {'; '.join(found)}. It costs {number(price[proxy])} bare passes, #Params "
        f"{number(price['params'])}."
    )
    return because, parts


def _percent(share: Mapping[str, float]) -> str:
    value, low, high = (f"{100 * share[end]:.0f}" for end in ("value", "low", "high"))
    return f"{value}\N{NO-BREAK SPACE}% [{low},\N{NO-BREAK SPACE}{high}] of {int(share['n'])}"


def kendall_moves_less(moved: pd.DataFrame) -> Found:
    """Judge whether KT changes less than Spearman's ρ, for its size, under each disturbance.

    Parameters
    ----------
    moved : DataFrame
        Of :func:`zsnas.book.studies.boards.robustness`.
    """
    parts, found = [], []
    for disturbance, rows in moved.groupby("disturbance", sort=False) if len(moved) else ():
        less = (rows["kendall"] < rows["spearman"]).to_numpy()
        checks = tuple(
            Check(f"{row.benchmark}, {label_of(row.proxy)}", bool(row.kendall < row.spearman))
            for row in _rows(rows)
        )
        parts.append(Part(str(disturbance), checks, most=True))
        found.append(
            f"{disturbance} for {less.sum()} of {len(rows)}, half of the changes of KT at most "
            f"{100 * rows['kendall'].median():.1f}\N{NO-BREAK SPACE}% of it, of ρ "
            f"{100 * rows['spearman'].median():.1f}\N{NO-BREAK SPACE}%"
        )
    reading = (
        "Read as: under each disturbance the relative change of KT is smaller than that of ρ for most "
        "proxies and benchmarks."
    )
    return f"{reading} It is under {'; '.join(found)}.", parts

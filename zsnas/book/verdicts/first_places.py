"""Verdicts on first places: what a search by proxy would take home, and who is behind a printed accuracy."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pandas as pd

import zsnas.statistics
from zsnas.book.tables import intervals, number
from zsnas.book.verdicts.rankings import labels, listed
from zsnas.book.verdicts.verdict import ENOUGH, Check, Outcome, Part, Verdict
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["finds_the_best", "leaves_a_gap", "names_the_first", "printed_as", "stays_second"]


def finds_the_best(
    statement: str, place: str, first_places: Mapping[str, pd.DataFrame], proxies: Sequence[str]
) -> Verdict:
    """Judge whether no other proxy puts a more accurate architecture first, among the same candidates.

    A proxy is ahead of another when its whole interval is above that of the other. What a proxy has no score
    of, it does not put first; when it was not measured on as many candidates as the others, nothing is said.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    first_places : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy` with the metric as ``reached``, one row per proxy, by the
        name of the data set.
    proxies : sequence of str
        Those that the statement names.
    """
    found, parts = [], []
    for data, table in first_places.items():
        rows = table.set_index("proxy")
        named, others = rows.loc[list(proxies)], rows.drop(index=list(proxies))
        worst = named.sort_values("reached").iloc[0]
        better = others[others["reached"] > worst["reached"]]
        checks = (_ahead(label_of(str(name)), worst, other) for name, other in others.iterrows())
        parts.append(Part(data, tuple(checks)))
        found.append(f"On {data}: {_first_places(named)}; higher: {_first_places(better) or 'none'}.")
    reading = (
        "Read as: among the same candidates, no other proxy puts a more accurate architecture first; "
        "intervals that overlap leave it open."
    )
    verdict = Verdict.of(statement, place, " ".join([reading, *found]), parts)
    candidates = [table["n"] + table["missing"] for table in first_places.values()]
    if any(measured.nunique() > 1 for measured in candidates):
        return verdict.without_judgement("Some proxies were measured on fewer candidates than others.")
    return _judged(verdict, first_places)


def _ahead(what: str, first: pd.Series[float], other: pd.Series[float]) -> Check:
    """Compare two first places, whose intervals must not overlap."""
    ends = first["low"] - other["high"], first["high"] - other["low"]
    return Check.above(what, first["reached"] - other["reached"], *ends, other["n"])


def stays_second(
    statement: str,
    place: str,
    first_places: Mapping[str, pd.DataFrame],
    proxies: Sequence[str],
    printed: Mapping[str, pd.Series[float]],
) -> Verdict:
    """Judge whether at most one other proxy puts a better architecture first, among the same candidates.

    Parameters
    ----------
    statement, place, first_places, proxies
        As for :func:`finds_the_best`.
    printed : mapping of Series
        The survey's numbers, by the same names and by proxy.
    """
    found, parts, own = [], [], []
    for data, table in first_places.items():
        rows = table.set_index("proxy")
        worst = rows.loc[list(proxies)].sort_values("reached").iloc[0]
        others = rows.drop(index=list(proxies)).dropna(subset="arch")
        ahead, behind = others["low"] > worst["high"], others["high"] < worst["low"]
        parts.append(Part(data, (_ahead("the second of the others", worst, _second(others)),)))
        level = labels(others.index[~ahead & ~behind]) or "none"
        found.append(f"On {data}, ahead: {labels(others.index[ahead]) or 'none'}; level: {level}.")
        said = printed[data].drop("ground_truth", errors="ignore")
        higher = said[said > said.reindex(list(proxies)).min()]
        own.append(f"{data} {higher.nunique()} ({labels(higher.index) or 'none'})")
    because = (
        "Read as: among the same candidates, at most one other proxy's first place is better; one is ahead "
        f"when its whole interval is, and intervals that overlap leave it open. {' '.join(found)} "
        f"In the survey's own table, with equal numbers counted once, above theirs are: {listed(own)}."
    )
    return _judged(Verdict.of(statement, place, because, parts), first_places)


def _second(rows: pd.DataFrame) -> pd.Series[float]:
    """Return the second highest accuracy, and the second highest of both ends of the intervals.

    More than one of these proxies is ahead of another when the second highest lower end is, and at most one
    can be when the second highest upper end is behind it.
    """
    columns = {
        name: [*rows[name].sort_values(ascending=False), -inf, -inf] for name in ("reached", "low", "high")
    }
    second = {name: column[1] for name, column in columns.items()}  # of fewer than two, nothing is ahead
    return pd.Series(second | {"n": rows["n"].min() if len(rows) else 0}, dtype="float64")


def leaves_a_gap(
    statement: str,
    place: str,
    first_places: Mapping[str, pd.DataFrame],
    benches: Mapping[str, Benchmark],
    candidates: Mapping[str, pd.DataFrame],
    top: float = 0.05,
) -> Verdict:
    """Judge whether every proxy's first place stays outside the best architectures of the benchmark.

    The first place of a whole space is outside or is not. That of a sample is outside when its whole interval
    is below the least accurate of the best. Candidates of which none is among the best say nothing.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    first_places : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy` with the metric as ``reached``, one row per proxy, by the
        name of the data set.
    benches : mapping of Benchmark
        By the same names.
    candidates : mapping of DataFrame
        ``arch`` of those that the proxies choose among, by the same names.
    top : float
        The fraction that counts as the best architectures.
    """
    found, parts, could = [], [], []
    for data, table in first_places.items():
        best = zsnas.statistics.top_architectures(benches[data], top)
        is_inside = table["arch"].isin(best)
        least = float(benches[data].truth[list(best)].min())
        size = len(benches[data].table)
        for inside, row in zip(is_inside, table.to_dict("records"), strict=True):
            what = label_of(row["proxy"])
            whole = row["n"] + row["missing"] == size
            value, low, high = (least - row[end] for end in ("reached", "high", "low"))
            apart = Check.above(what, value, low, high, row["n"])
            check = Check(what, not inside, value, n=apart.n) if whole else apart
            parts.append(Part(f"{data}, {what}", (check,)))
        could.append(candidates[data]["arch"].isin(best).any())
        found.append(
            f"On {data} the gap is {number(table['regret'].min())} to {number(table['regret'].max())} "
            f"points, and the first places of {labels(table['proxy'][is_inside]) or 'no proxy'} "
            "are among the best."
        )
    reading = (
        f"Read as: no proxy's first place is among the best {100 * top:g}\N{NO-BREAK SPACE}% of the space. "
        "That of a whole space is or is not; that of a sample is left open when its interval reaches over "
        "both."
    )
    verdict = Verdict.of(statement, place, " ".join([reading, *found]), parts)
    if not all(could):
        return verdict.without_judgement("None of the candidates is among the best.")
    return _judged(verdict, first_places)


def names_the_first(scores: pd.DataFrame, named: pd.DataFrame, proxy: str) -> tuple[Outcome, int, int]:
    """Judge whether one of the named architectures can be the one that a proxy ranks first.

    It cannot when any scored architecture has a better score, and it can as long as none of at least `ENOUGH`
    has.

    Parameters
    ----------
    scores : DataFrame
        ``arch`` and a column of the proxy, one row per architecture, in any selection.
    named : DataFrame
        The same columns for the architectures that a published accuracy belongs to, scored with the same seed
        and batch.
    proxy : str

    Returns
    -------
    outcome : str
        "differs" when something is ahead; "agrees" when nothing is, "cannot be compared" when that is nothing
        of too few.
    ahead, candidates : int
        How many of the scored architectures are ahead of the best of the named ones, and out of how many.
    """
    sign = zsnas.statistics.orientation(proxy)
    others = scores.loc[~scores["arch"].isin(named["arch"]), proxy].dropna()
    ahead = int((sign * others > (sign * named[proxy]).max()).sum())
    if not ahead and len(others) < ENOUGH:
        return "cannot be compared", ahead, len(others)
    return ("differs" if ahead else "agrees"), ahead, len(others)


def printed_as(bench: Benchmark, value: float) -> list[str]:
    """Return the architectures whose accuracy, rounded, is the printed one; a tie of rounding goes both ways.

    A table that prints the accuracy of an architecture names it, when no other has the same.

    Parameters
    ----------
    bench
        Its table has the accuracies.
    value
        The printed number, with two decimals, in the unit of the benchmark.
    """
    distance = (bench.table[bench.metric] - value).abs()
    return list(bench.table["arch"][distance <= 0.005 + 1e-9])


def _first_places(rows: pd.DataFrame) -> str:
    """List proxies with the accuracy of their first place and its interval."""
    written = zip(rows.index, intervals(rows, "reached"), strict=True)
    return listed(f"{label_of(name)} {accuracy}" for name, accuracy in written)


def _judged(verdict: Verdict, first_places: Mapping[str, pd.DataFrame]) -> Verdict:
    """Take the judgement back when the first of too few architectures is meant."""
    n = min(int((table["n"] + table["missing"]).max()) for table in first_places.values())
    return verdict if n >= ENOUGH else verdict.without_judgement(f"The first of {n} decides nothing.")

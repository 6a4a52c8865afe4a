"""Verdicts: what our numbers say about a sentence of the survey.

A sentence such as "generally works best" has to be read as a condition before numbers can meet it. Each
function here is one reading, which its docstring and its result state in words. One rule holds for all of
them, and the book's page on reading the figures tells it: a comparison holds where its whole 95 % interval is
on the claimed side (:func:`is_above`), fails where it is on the other, and is left open where it reaches over
both; :func:`outcome_of` sums the comparisons of a statement up. A subset of fewer than 30 architectures
decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Literal

import pandas as pd

import zsnas
from zsnas.tables import interval, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "Verdict",
    "correlation_falls",
    "drops_at_the_top",
    "every",
    "finds_the_best",
    "is_above",
    "labels",
    "leaves_a_gap",
    "listed",
    "mostly_drops_at_the_top",
    "names_the_first",
    "outcome_of",
    "printed_as",
    "surpasses",
    "works_best",
    "works_well",
]

Outcome = Literal["agrees", "agrees in part", "differs", "left open", "cannot be compared"]

ENOUGH = 30
"""Architectures that a subset needs before its correlation decides anything."""

DROP = "KT over the top 5\N{NO-BREAK SPACE}% is below KT over all"
"""How a drop of the correlation at the top is read."""


@dataclass(frozen=True)
class Verdict:
    """A statement of the survey, what our numbers say about it, and why.

    Attributes
    ----------
    statement : str
        What the survey says, in words of our own.
    place : str
        Where it says so.
    outcome : str
        "agrees", "agrees in part", "differs", "left open" or "cannot be compared".
    because : str
        The reading of the statement, and the numbers that decide.
    """

    statement: str
    place: str
    outcome: Outcome
    because: str

    def without_judgement(self, reason: str) -> Verdict:
        """Return the same numbers, but say why they cannot be compared with the statement."""
        return replace(self, outcome="cannot be compared", because=f"{reason} {self.because}")

    def markdown(self) -> str:
        """Write statement, verdict and reason as Markdown paragraphs."""
        outcome = self.outcome.capitalize()
        return f"> {self.statement} ({self.place})\n\n**{outcome}.** {self.because}\n"


def works_best(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    contrasts: Mapping[str, pd.DataFrame],
    reference: str = "params",
    beside: Sequence[str] = (),
) -> Verdict:
    """Judge whether one proxy ranks all architectures best: ahead of every other in KT.

    On a data set it fails when any other is ahead, and is left open when none is but some are level with it.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    tables, contrasts : mapping of DataFrame
        Of :func:`zsnas.correlations` and :func:`zsnas.statistics.differences` with this reference, by the
        name of the data set.
    reference : str
        The proxy that is said to work best.
    beside : sequence of str
        Proxies that are said to work best too, and may be ahead of it.
    """
    label = zsnas.proxy(reference).label
    found, holds = [], []
    for data, contrast in contrasts.items():
        rows = _kendall(contrast, "contrast", "reference").drop(index=[reference, *beside], errors="ignore")
        rows = rows.dropna(subset="value").sort_values("value", ascending=False)
        ahead, behind = rows[rows["low"] > 0], rows[rows["high"] < 0]
        level = rows.drop(index=[*ahead.index, *behind.index])
        holds.append(every(_is_below(rows)))
        own = number(_kendall(tables[data], "subset", "all")["value"][reference])
        found.append(
            f"On {data} {label} has a KT of {own}; ahead of it: {_margins(ahead)}; "
            f"level with it: {_margins(level)}; behind it: {len(behind)} of {len(rows)}."
        )
    others = f"every proxy but {labels(beside)}" if beside else "every other proxy"
    reading = f"Read as: over all architectures its KT is above that of {others}."
    because = " ".join([reading, *found])
    return _judged(Verdict(statement, place, outcome_of(holds), because), tables, ("all",))


def surpasses(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    contrasts: Mapping[str, pd.DataFrame],
    proxy: str,
) -> Verdict:
    """Judge whether a proxy ranks all architectures better than #Params on every data set.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    tables, contrasts : mapping of DataFrame
        Of :func:`zsnas.correlations` and :func:`zsnas.statistics.differences` with #Params as reference, by
        the name of the data set.
    proxy : str
        The one that is said to surpass #Params.
    """
    margins = {
        data: _kendall(contrast, "contrast", "reference").T[proxy] for data, contrast in contrasts.items()
    }
    found = listed(f"{data} {_written(margin)}" for data, margin in margins.items())
    because = (
        "Read as: on each of them a KT over all architectures above that of #Params. "
        f"The difference is: {found}."
    )
    outcome = outcome_of(is_above(margin["low"], margin["high"]) for margin in margins.values())
    return _judged(Verdict(statement, place, outcome, because), tables, ("all",))


def works_well(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    proxies: Sequence[str],
    reference: str = "params",
) -> Verdict:
    """Judge whether proxies work well: over all architectures, more than half the KT of a reference.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    tables : mapping of DataFrame
        Of :func:`zsnas.correlations`, by the name of the data set.
    proxies : sequence of str
        Those that the statement names.
    reference : str
        What they are measured by.
    """
    over_all = {data: _kendall(table, "subset", "all") for data, table in tables.items()}
    shares = pd.DataFrame({data: rows["value"] / rows["value"][reference] for data, rows in over_all.items()})
    halves = {data: max(0.0, rows["value"][reference] / 2) for data, rows in over_all.items()}
    holds = {
        name: [
            is_above(rows["low"][name], rows["high"][name], halves[data]) for data, rows in over_all.items()
        ]
        for name in proxies
    }
    named = shares.loc[list(proxies)]
    naive = [name for name in shares.index if zsnas.proxy(str(name)).kind == "naive"]
    others = shares.drop(index=[*proxies, *naive])
    above = labels(others.index[(others > named.max()).all(axis=1)])
    parts = listed(f"{zsnas.proxy(name).label} {_percentages(named.T[name])}" for name in proxies)
    data = " and ".join(tables)
    because = (
        "The survey gives no threshold; read as: over all architectures, a KT above 0 and "
        f"above half that of {zsnas.proxy(reference).label}. "
        f"On {data} they reach this part of it: {parts}."
    )
    short = labels(name for name, held in holds.items() if not all(held))
    because += f" With a part of the interval below it, or all: {short}." if short else ""
    because += f" Not named, yet above all of them: {above}." if above else ""
    return _judged(Verdict(statement, place, outcome_of(chain(*holds.values())), because), tables, ("all",))


def drops_at_the_top(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    contrasts: Mapping[str, pd.DataFrame],
    exceptions: Sequence[str] = (),
) -> Verdict:
    """Judge whether KT is significantly lower over the top than over all, but for some proxies.

    Parameters
    ----------
    statement, place, tables, contrasts
        As for :func:`works_best`.
    exceptions : sequence of str
        Proxies that are said not to drop.
    """
    found, holds = [], []
    for data, contrast in contrasts.items():
        rows = _kendall(contrast, "contrast", "top")
        others = rows.drop(index=list(exceptions))
        falls = others["high"] < 0
        holds += [every(_is_below(others)), *(bool(rows["high"][name] >= 0) for name in exceptions)]
        found.append(
            f"On {data} it falls for {falls.sum()} of the {len(others)} other proxies, "
            f"by {number(-others['value'].max())} to {number(-others['value'].min())}"
            + (f" ({listed(_not_falling(others))})" if not falls.all() else "")
            + "".join(f"; {_course(tables[data], rows, name)}" for name in exceptions)
            + "."
        )
    verdict = Verdict(statement, place, outcome_of(holds), " ".join([f"Read as: {DROP}.", *found]))
    return _judged(verdict, tables, ("all", "top"))


def mostly_drops_at_the_top(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    contrasts: Mapping[str, pd.DataFrame],
    including: Sequence[str] = (),
) -> Verdict:
    """Judge whether KT is significantly lower over the top than over all for most proxies, some among them.

    Parameters
    ----------
    statement, place, tables, contrasts
        As for :func:`works_best`.
    including : sequence of str
        Proxies that are said to be among those that drop.
    """
    found, holds = [], []
    for data, contrast in contrasts.items():
        rows = _kendall(contrast, "contrast", "top")
        falls = rows["high"] < 0
        most_fall = True if falls.mean() > 0.5 else False if (rows["low"] > 0).mean() >= 0.5 else None
        holds += [most_fall, *_is_below(rows.loc[list(including)])]
        courses = [f"falls for {falls.sum()} of the {len(rows)} proxies", *_not_falling(rows)]
        found.append(
            f"On {data} it {listed(courses)}"
            + "".join(f"; {_course(tables[data], rows, name)}" for name in including)
            + "."
        )
    named = f" and for {labels(including)}" if including else ""
    reading = f"Read as: {DROP}, for more than half of the proxies{named}."
    verdict = Verdict(statement, place, outcome_of(holds), " ".join([reading, *found]))
    return _judged(verdict, tables, ("all", "top"))


def correlation_falls(statement: str, place: str, table: pd.DataFrame) -> Verdict:
    """Judge whether KT is lower over the smallest ratio of top networks than over all, for every proxy.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    table : DataFrame
        Of :func:`zsnas.statistics.ratio_correlations`.
    """
    rows = table[table["statistic"] == "KT"].set_index("proxy")
    few, many = (rows[rows["ratio"] == end] for end in (rows["ratio"].min(), rows["ratio"].max()))
    drops = {
        name: is_above(many["low"][name] - few["high"][name], many["high"][name] - few["low"][name])
        for name in few.index
    }
    courses = listed(
        f"{zsnas.proxy(name).label} {'falls' if drop else 'goes'} "
        f"from {_written(many.loc[name])} to {_written(few.loc[name])}"
        for name, drop in drops.items()
    )
    reading = "Read as: the intervals of KT at both ends of the curve do not overlap."
    verdict = Verdict(statement, place, outcome_of(drops.values()), f"{reading} {courses}.")
    n = few["n"].min()
    return verdict if n >= ENOUGH else verdict.without_judgement(f"A correlation over {n} decides nothing.")


def finds_the_best(
    statement: str, place: str, first_places: Mapping[str, pd.DataFrame], proxies: Sequence[str]
) -> Verdict:
    """Judge whether no other proxy puts a more accurate architecture first, among the same candidates.

    A proxy is ahead of another when its whole interval is above that of the other.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    first_places : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`, one row per proxy, by the name of the data set.
    proxies : sequence of str
        Those that the statement names.
    """
    found, holds = [], []
    for data, table in first_places.items():
        rows = table.set_index("proxy")
        named, others = rows.loc[list(proxies)], rows.drop(index=list(proxies))
        worst = named.sort_values("test_accuracy").iloc[0]
        better = others[others["test_accuracy"] > worst["test_accuracy"]]
        leads = worst["low"] - others["high"], worst["high"] - others["low"]
        holds.append(every(map(is_above, *leads)))
        found.append(f"On {data}: {_first_places(named)}; higher: {_first_places(better) or 'none'}.")
    reading = (
        "Read as: among the same candidates, no other proxy puts a more accurate architecture first; "
        "intervals that overlap leave it open."
    )
    return Verdict(statement, place, outcome_of(holds), " ".join([reading, *found]))


def leaves_a_gap(
    statement: str,
    place: str,
    first_places: Mapping[str, pd.DataFrame],
    benches: Mapping[str, Benchmark],
    top: float = 0.05,
) -> Verdict:
    """Judge whether every proxy's first place stays outside the best architectures of the benchmark.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    first_places : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`, one row per proxy, by the name of the data set.
    benches : mapping of Benchmark
        By the same names.
    top : float
        The fraction that counts as the best architectures.
    """
    found, outside = [], []
    for data, table in first_places.items():
        best = zsnas.statistics.top_architectures(benches[data], top)
        is_inside = table["arch"].isin(best)
        outside += list(~is_inside)
        found.append(
            f"On {data} the gap is {number(table['regret'].min())} to {number(table['regret'].max())} "
            f"points, and the first places of {labels(table['proxy'][is_inside]) or 'no proxy'} "
            "are among the best."
        )
    reading = (
        f"Read as: no proxy's first place is among the best {100 * top:g}\N{NO-BREAK SPACE}% of the space."
    )
    return Verdict(statement, place, outcome_of(outside), " ".join([reading, *found]))


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
    sign = 1 if zsnas.proxy(proxy).higher_is_better else -1
    others = scores.loc[~scores["arch"].isin(named["arch"]), proxy].dropna()
    ahead = int((sign * others > (sign * named[proxy]).max()).sum())
    if not ahead and len(others) < ENOUGH:
        return "cannot be compared", ahead, len(others)
    return ("differs" if ahead else "agrees"), ahead, len(others)


def printed_as(bench: Benchmark, value: float, decimals: int = 2) -> list[str]:
    """Return the architectures whose accuracy, rounded, is the printed one; a tie of rounding goes both ways.

    A table that prints the accuracy of an architecture names it, when no other has the same.
    """
    distance = (bench.table[bench.metric] - value).abs()
    is_printed = distance <= 0.5 * 10.0**-decimals + 1e-9
    return list(bench.table["arch"][is_printed])


def _kendall(table: pd.DataFrame, column: str, label: str) -> pd.DataFrame:
    return table[(table["statistic"] == "KT") & (table[column] == label)].set_index("proxy")


def _is_below(rows: pd.DataFrame) -> list[bool | None]:
    """Whether each interval is below 0, in the words of :func:`is_above`."""
    return [is_above(-high, -low) for low, high in zip(rows["low"], rows["high"], strict=True)]


def _not_falling(rows: pd.DataFrame) -> list[str]:
    """Name the proxies whose correlation rises towards the top, and those where neither is settled."""
    rises, falls = rows["low"] > 0, rows["high"] < 0
    groups = {"rises for": rises, "is open for": ~(rises | falls)}
    return [f"{words} {labels(rows.index[named])}" for words, named in groups.items() if named.any()]


def _judged(verdict: Verdict, tables: Mapping[str, pd.DataFrame], subsets: Sequence[str]) -> Verdict:
    """Take the judgement back when a subset that it rests on has too few architectures."""
    n = min(table.loc[table["subset"].isin(subsets), "n"].min() for table in tables.values())
    return verdict if n >= ENOUGH else verdict.without_judgement(f"A correlation over {n} decides nothing.")


def is_above(low: float, high: float, threshold: float = 0.0) -> bool | None:
    """Return whether an interval is above a threshold as a whole; None when it has values on both sides."""
    if low > threshold:
        return True
    return False if high < threshold else None


def every(comparisons: Iterable[bool | None]) -> bool | None:
    """Return whether all comparisons hold: False when one fails, else None when one is open or none made."""
    held = list(comparisons)
    if False in held:
        return False
    return True if held and all(held) else None


def outcome_of(comparisons: Iterable[bool | None]) -> Outcome:
    """Sum up what a statement says of several data sets or proxies; None is a comparison that is open.

    It "agrees" when all hold, "agrees in part" when some do, "differs" when none does and some fail, and is
    "left open" when all are open.
    """
    held = list(comparisons)
    if all(holds is None for holds in held):
        return "left open"
    if all(held):
        return "agrees"
    return "agrees in part" if any(held) else "differs"


def _course(table: pd.DataFrame, contrasts: pd.DataFrame, proxy: str) -> str:
    over_all, top = (number(_kendall(table, "subset", subset)["value"][proxy]) for subset in ("all", "top"))
    change = _written(contrasts.T[proxy])
    return f"{zsnas.proxy(proxy).label} goes from {over_all} to {top} (difference {change})"


def _margins(rows: pd.DataFrame) -> str:
    named = (f"{zsnas.proxy(str(name)).label} (by {_written(rows.loc[name])})" for name in rows.index)
    return listed(named) or "none"


def _written(row: pd.Series[float]) -> str:
    return interval(row["value"], row["low"], row["high"])


def _first_places(rows: pd.DataFrame) -> str:
    """List proxies with the accuracy of their first place and its interval."""
    written = map(interval, rows["test_accuracy"], rows["low"], rows["high"])
    return listed(
        f"{zsnas.proxy(str(name)).label} {accuracy}"
        for name, accuracy in zip(rows.index, written, strict=True)
    )


def _percentages(shares: pd.Series[float]) -> str:
    return listed(f"{100 * share:.0f}\N{NO-BREAK SPACE}%".replace("-", "−") for share in shares)


def labels(proxies: Iterable[str]) -> str:
    """Write the labels of proxies as in a sentence; empty for none."""
    return listed(zsnas.proxy(name).label for name in proxies)


def listed(words: Iterable[str]) -> str:
    """Write words as in a sentence: "a, b and c"; empty for none."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last

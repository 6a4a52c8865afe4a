"""Verdicts: what our numbers say about a sentence of the survey.

A sentence such as "generally works best" has to be read as a condition before numbers can meet it. Each
function here is one reading, which its docstring and its result state in words. Differences count when their
95 % interval excludes 0; a subset of fewer than 30 architectures decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    "finds_the_best",
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

Outcome = Literal["agrees", "agrees in part", "differs", "cannot be compared"]

ENOUGH = 30
"""Architectures that a subset needs before its correlation decides anything."""

DROP = "KT over the top 5\N{NO-BREAK SPACE}% is below KT over all, beyond the interval of the difference"
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
        "agrees", "agrees in part", "differs" or "cannot be compared".
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
    """Judge whether one proxy ranks all architectures best: no other has a significantly higher KT.

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
    ahead = {data: _ahead(contrast[~contrast["proxy"].isin(beside)]) for data, contrast in contrasts.items()}
    label = zsnas.proxy(reference).label
    found = []
    for data, rows in ahead.items():
        own = number(_kendall(tables[data], "subset", "all")["value"][reference])
        leaders = listed(f"{zsnas.proxy(name).label} (by {_written(rows.loc[name])})" for name in rows.index)
        found.append(f"On {data} {label} has a KT of {own}, and ahead of it there is {leaders or 'none'}.")
    others = f"no proxy but {labels(beside)}" if beside else "no other proxy"
    reading = f"Read as: over all architectures {others} has a KT that is higher beyond the interval."
    outcome = outcome_of(rows.empty for rows in ahead.values())
    return _judged(Verdict(statement, place, outcome, " ".join([reading, *found])), tables, ("all",))


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
        "Read as: on each of them a KT over all architectures above that of #Params beyond the interval. "
        f"The difference is: {found}."
    )
    outcome = outcome_of(bool(margin["low"] > 0) for margin in margins.values())
    return _judged(Verdict(statement, place, outcome, because), tables, ("all",))


def works_well(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    proxies: Sequence[str],
    reference: str = "params",
) -> Verdict:
    """Judge whether proxies work well: over all architectures, at least half the KT of a reference.

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
    is_positive = pd.DataFrame({data: rows["low"] > 0 for data, rows in over_all.items()})
    named = shares.loc[list(proxies)]
    naive = [name for name in shares.index if zsnas.proxy(str(name)).kind == "naive"]
    others = shares.drop(index=[*proxies, *naive])
    above = labels(others.index[(others > named.max()).all(axis=1)])
    parts = listed(f"{zsnas.proxy(name).label} {_percentages(named.T[name])}" for name in proxies)
    data = " and ".join(tables)
    because = (
        "The survey gives no threshold; read as: over all architectures, a KT above 0 beyond the interval "
        f"and at least half that of {zsnas.proxy(reference).label}. "
        f"On {data} they reach this part of it: {parts}."
    )
    outcome = outcome_of(((named >= 0.5) & is_positive.loc[list(proxies)]).to_numpy().ravel())
    because += f" Not named, yet above all of them: {above}." if above else ""
    return _judged(Verdict(statement, place, outcome, because), tables, ("all",))


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
        holds += [bool(falls.all()), *(rows["high"][name] >= 0 for name in exceptions)]
        found.append(
            f"On {data} it falls for {falls.sum()} of the {len(others)} other proxies, "
            f"by {number(-others['value'].max())} to {number(-others['value'].min())}"
            + (f" (not beyond the interval for {labels(others.index[~falls])})" if not falls.all() else "")
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
        holds += [bool(falls.mean() > 0.5), *(bool(falls[name]) for name in including)]
        steady = labels(rows.index[~falls])
        found.append(
            f"On {data} it falls for {falls.sum()} of the {len(rows)} proxies"
            + (f", and not beyond the interval for {steady}" if steady else "")
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
    courses = listed(
        f"{zsnas.proxy(name).label} falls from {_written(many.loc[name])} to {_written(few.loc[name])}"
        if few["high"][name] < many["low"][name]
        else f"{zsnas.proxy(name).label} goes from {_written(many.loc[name])} to {_written(few.loc[name])}"
        for name in few.index
    )
    reading = "Read as: the intervals of KT at both ends of the curve do not overlap."
    verdict = Verdict(statement, place, outcome_of(few["high"] < many["low"]), f"{reading} {courses}.")
    n = few["n"].min()
    return verdict if n >= ENOUGH else verdict.without_judgement(f"A correlation over {n} decides nothing.")


def finds_the_best(
    statement: str, place: str, first_places: Mapping[str, pd.DataFrame], proxies: Sequence[str]
) -> Verdict:
    """Judge whether no other proxy puts a more accurate architecture first, among the same candidates.

    Another proxy is ahead when its whole interval is above the interval of one that is named. Where it is
    more accurate, but within the intervals, the candidates cannot tell.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    first_places : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`, one row per proxy, by the name of the data set.
    proxies : sequence of str
        Those that the statement names.
    """
    found, is_ahead, is_open = [], [], []
    for data, table in first_places.items():
        rows = table.set_index("proxy")
        named, others = rows.loc[list(proxies)], rows.drop(index=list(proxies))
        better = others[others["test_accuracy"] > named["test_accuracy"].min()]
        is_ahead.append(bool((better["low"] > named["high"].min()).any()))
        is_open.append(not better.empty and not is_ahead[-1])
        found.append(f"On {data}: {_first_places(named)}; higher: {_first_places(better) or 'none'}.")
    reading = "Read as: among the same candidates, no other proxy puts a more accurate architecture first."
    if any(is_open):
        because = " ".join([reading, *found, "Intervals that overlap leave it open."])
        return Verdict(statement, place, "cannot be compared", because)
    return Verdict(statement, place, outcome_of(not ahead for ahead in is_ahead), " ".join([reading, *found]))


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


def _ahead(contrast: pd.DataFrame) -> pd.DataFrame:
    """Proxies whose KT is above that of the reference beyond the interval, best first."""
    rows = _kendall(contrast, "contrast", "reference")
    return rows[rows["low"] > 0].sort_values("value", ascending=False)


def _judged(verdict: Verdict, tables: Mapping[str, pd.DataFrame], subsets: Sequence[str]) -> Verdict:
    """Take the judgement back when a subset that it rests on has too few architectures."""
    n = min(table.loc[table["subset"].isin(subsets), "n"].min() for table in tables.values())
    return verdict if n >= ENOUGH else verdict.without_judgement(f"A correlation over {n} decides nothing.")


def outcome_of(conditions: Iterable[bool]) -> Outcome:
    """Return "agrees" when all conditions hold, "agrees in part" when some do, else "differs"."""
    held = list(conditions)
    if all(held):
        return "agrees"
    return "agrees in part" if any(held) else "differs"


def _course(table: pd.DataFrame, contrasts: pd.DataFrame, proxy: str) -> str:
    over_all, top = (number(_kendall(table, "subset", subset)["value"][proxy]) for subset in ("all", "top"))
    change = _written(contrasts.T[proxy])
    return f"{zsnas.proxy(proxy).label} goes from {over_all} to {top} (difference {change})"


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

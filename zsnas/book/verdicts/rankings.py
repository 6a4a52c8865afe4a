"""Verdicts: what our numbers say about a sentence of the survey.

A sentence such as "generally works best" has to be read as a condition before numbers can meet it. Each
function here is one reading, which its docstring and its result state in words. One rule holds for all of
them, see :mod:`zsnas.book.verdicts.verdict`, and the book's page on reading the figures tells it. A subset of
fewer than 30 architectures decides nothing. Two proxies that put all architectures in the same order tie by
construction, and neither is behind the other.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

import zsnas.proxies
from zsnas.book.tables import interval, number
from zsnas.book.verdicts.verdict import ENOUGH, Check, Part, Verdict
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "above",
    "below",
    "correlation_falls",
    "drops_at_the_top",
    "labels",
    "listed",
    "surpasses",
    "works_best",
    "works_well",
]

DROP = "KT over the top 5\N{NO-BREAK SPACE}% is below KT over all"
"""How a drop of the correlation at the top is read."""


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
    Those that give the same order as it are not compared.

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
    label = label_of(reference)
    found, parts, sizes = [], [], []
    for data, contrast in contrasts.items():
        rows = _kendall(contrast, "contrast", "reference").drop(index=[reference, *beside], errors="ignore")
        rows = rows.dropna(subset="value").sort_values("value", ascending=False)
        tied = rows.index[_is_tied(rows)]
        rows = rows.drop(index=tied)
        sizes += list(rows["n"])
        ahead, behind = rows[rows["low"] > 0], rows[rows["high"] < 0]
        level = rows.drop(index=[*ahead.index, *behind.index])
        parts.append(Part(data, below(rows)))
        own = number(_kendall(tables[data], "subset", "all")["value"][reference])
        same = f"; in the same order, so not compared: {labels(tied)}" if len(tied) else ""
        found.append(
            f"On {data} {label} has a KT of {own}; ahead of it: {_margins(ahead)}; "
            f"level with it: {_margins(level)}; behind it: {len(behind)} of {len(rows)}{same}."
        )
    others = f"every proxy but {labels(beside)}" if beside else "every other proxy"
    reading = f"Read as: over all architectures its KT is above that of {others}."
    because = " ".join([reading, *found])
    return _judged(Verdict.of(statement, place, because, parts), sizes)


def surpasses(statement: str, place: str, contrasts: Mapping[str, pd.DataFrame], proxy: str) -> Verdict:
    """Judge whether a proxy ranks all architectures better than #Params on every data set.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    contrasts : mapping of DataFrame
        Of :func:`zsnas.statistics.differences` with #Params as reference, by the name of the data set.
    proxy : str
        The one that is said to surpass #Params.
    """
    margins = {
        data: _kendall(contrast, "contrast", "reference").T[proxy] for data, contrast in contrasts.items()
    }
    found = listed(f"{data} {_compared(margin)}" for data, margin in margins.items())
    because = (
        "Read as: on each of them a KT over all architectures above that of #Params. "
        f"The difference is: {found}."
    )
    parts = (Part(data, (above(proxy, margin),)) for data, margin in margins.items())
    sizes = (margin["n"] for margin in margins.values())
    return _judged(Verdict.of(statement, place, because, parts), sizes)


def works_well(
    statement: str,
    place: str,
    contrasts: Mapping[str, pd.DataFrame],
    proxies: Sequence[str],
    reference: str = "params",
) -> Verdict:
    """Judge whether proxies work well: over all architectures, more than half the KT of a reference.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    contrasts : mapping of DataFrame
        Of :func:`zsnas.statistics.differences` with this reference, by the name of the data set.
    proxies : sequence of str
        Those that the statement names.
    reference : str
        What they are measured by, over the architectures that both have a score of.
    """
    by_data = {
        data: _kendall(contrast, "contrast", "reference").drop(index=reference, errors="ignore")
        for data, contrast in contrasts.items()
    }
    shares = pd.DataFrame({data: rows["minuend"] / rows["subtrahend"] for data, rows in by_data.items()})
    parts = {
        name: [Part(f"{data}, {label_of(name)}", (_half(rows.T[name]),)) for data, rows in by_data.items()]
        for name in proxies
    }
    named = shares.loc[list(proxies)]
    naive = [name for name in shares.index if zsnas.proxies.proxy(str(name)).kind == "naive"]
    others = shares.drop(index=list({*proxies, *naive}))
    above = labels(others.index[(others > named.max()).all(axis=1)])
    reached = listed(f"{label_of(name)} {_percentages(named.T[name])}" for name in proxies)
    data = " and ".join(contrasts)
    because = (
        "The survey gives no threshold; read as: over all architectures, a KT above 0 and above half that of "
        f"{label_of(reference)}. On {data} they reach this part of it: {reached}."
    )
    short = labels(name for name, of_it in parts.items() if not all(part.holds for part in of_it))
    because += f" With a part of the interval below it, or all: {short}." if short else ""
    because += f" Not named, yet above all of them: {above}." if above else ""
    sizes = (rows["n"][name] for rows in by_data.values() for name in proxies)
    return _judged(Verdict.of(statement, place, because, chain(*parts.values())), sizes)


def drops_at_the_top(
    statement: str,
    place: str,
    tables: Mapping[str, pd.DataFrame],
    contrasts: Mapping[str, pd.DataFrame],
    exceptions: Sequence[str] = (),
    including: Sequence[str] = (),
    most: bool = False,
) -> Verdict:
    """Judge whether KT is significantly lower over the top than over all.

    Parameters
    ----------
    statement, place, tables, contrasts
        As for :func:`works_best`.
    exceptions : sequence of str
        Proxies that are said not to drop: an interval that reaches over both sides leaves it open.
    including : sequence of str
        Proxies that are said to be among those that drop.
    most : bool
        Whether it is said of more than half of the proxies only, instead of all.
    """
    found, parts = [], []
    for data, contrast in contrasts.items():
        rows = _kendall(contrast, "contrast", "top")
        others = rows.drop(index=list(exceptions))
        parts.append(Part(data, below(others), most))
        parts += [_named(data, name, above(name, rows.T[name])) for name in exceptions]
        parts += [_named(data, name, *below(rows.loc[[name]])) for name in including]
        kind = "other proxies" if exceptions else "proxies"
        falls = f"falls for {(others['high'] < 0).sum()} of the {len(others)} {kind}"
        extent = f", by {number(-others['value'].max())} to {number(-others['value'].min())}"
        found.append(
            f"On {data} it {listed([falls, *_not_falling(others)])}{extent}"
            + "".join(f"; {_course(tables[data], rows, name)}" for name in (*exceptions, *including))
            + "."
        )
    named = f" and for {labels(including)}" if including else ""
    whose = f", for more than half of the proxies{named}" if most else named
    apart = f"; that of {labels(exceptions)} is above it, not below" if exceptions else ""
    verdict = Verdict.of(statement, place, " ".join([f"Read as: {DROP}{whose}{apart}.", *found]), parts)
    return _judged(verdict, _sizes(tables))


def _named(data: str, proxy: str, check: Check) -> Part:
    return Part(f"{data}, {label_of(proxy)}", (check,))


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
    drops = {name: _apart(str(name), many.loc[name], few.loc[name]) for name in few.index}
    courses = listed(
        f"{label_of(name)} {'falls' if drop.holds else 'goes'} "
        f"from {_written(many.loc[name])} to {_written(few.loc[name])}"
        for name, drop in drops.items()
    )
    reading = "Read as: the intervals of KT at both ends of the curve do not overlap."
    parts = (Part(drop.what, (drop,)) for drop in drops.values())
    return _judged(Verdict.of(statement, place, f"{reading} {courses}.", parts), few["n"])


def _kendall(table: pd.DataFrame, column: str, label: str) -> pd.DataFrame:
    return table[(table["statistic"] == "KT") & (table[column] == label)].set_index("proxy")


def below(rows: pd.DataFrame) -> tuple[Check, ...]:
    """Compare the difference of each proxy, by its name, with 0, which it is claimed to be below."""
    return tuple(
        Check.above(label_of(str(name)), -row["value"], -row["high"], -row["low"], row["n"])
        for name, row in rows.iterrows()
    )


def above(proxy: str, row: pd.Series[float]) -> Check:
    """Compare the difference of a proxy with 0, which it is claimed to be above."""
    return Check.above(label_of(proxy), row["value"], row["low"], row["high"], row["n"])


def _half(row: pd.Series[float]) -> Check:
    """Compare a correlation with half that of the reference, and with 0."""
    threshold = max(0.0, row["subtrahend"] / 2)
    value, low, high = (row[name] - threshold for name in ("minuend", "minuend_low", "minuend_high"))
    return Check.above(label_of(str(row.name)), value, low, high, row["n"])


def _apart(proxy: str, more: pd.Series[float], less: pd.Series[float]) -> Check:
    """Compare two values whose intervals must not overlap."""
    ends = more["low"] - less["high"], more["high"] - less["low"]
    return Check.above(label_of(proxy), more["value"] - less["value"], *ends, less["n"])


def _is_tied(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which differences are exactly 0 in every resample: of proxies that give the same order."""
    return (rows[["value", "low", "high"]] == 0).all(axis=1)


def _not_falling(rows: pd.DataFrame) -> list[str]:
    """Name the proxies whose correlation rises towards the top, and those where neither is settled."""
    rises, falls = rows["low"] > 0, rows["high"] < 0
    groups = {"rises for": rises, "is open for": ~(rises | falls)}
    return [f"{words} {labels(rows.index[named])}" for words, named in groups.items() if named.any()]


def _sizes(tables: Mapping[str, pd.DataFrame]) -> Iterator[int]:
    """Yield how many architectures each subset has, with a score of each proxy."""
    return chain.from_iterable(table["n"] for table in tables.values())


def _judged(verdict: Verdict, sizes: Iterable[int]) -> Verdict:
    """Take the judgement back when a correlation that it rests on is over too few architectures."""
    n = min(sizes, default=ENOUGH)
    return verdict if n >= ENOUGH else verdict.without_judgement(f"A correlation over {n} decides nothing.")


def _course(table: pd.DataFrame, contrasts: pd.DataFrame, proxy: str) -> str:
    over_all, top = (number(_kendall(table, "subset", subset)["value"][proxy]) for subset in ("all", "top"))
    change = _written(contrasts.T[proxy])
    return f"{label_of(proxy)} goes from {over_all} to {top} (difference {change})"


def _margins(rows: pd.DataFrame) -> str:
    named = (f"{label_of(name)} (by {_compared(rows.loc[name])})" for name in rows.index)
    return listed(named) or "none"


def _compared(row: pd.Series[float]) -> str:
    """Write a difference of :func:`zsnas.statistics.differences`, and over how many if some were left out."""
    over = f" over the {int(row['n']):,} with both scores" if row["missing"] else ""
    return f"{_written(row)}{over}"


def _written(row: pd.Series[float]) -> str:
    return interval(row["value"], row["low"], row["high"])


def _percentages(shares: pd.Series[float]) -> str:
    return listed(f"{100 * share:.0f}\N{NO-BREAK SPACE}%".replace("-", "−") for share in shares)


def labels(proxies: Iterable[str]) -> str:
    """Write the labels of proxies as in a sentence; empty for none."""
    return listed(label_of(name) for name in proxies)


def listed(words: Iterable[str]) -> str:
    """Write words as in a sentence: "a, b and c"; empty for none."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last

"""The formula audit: how far the readings of a proxy's formula disagree, and whether that matters.

A reading is the original, which a proxy's name stands for, or one of its variants. Two questions are asked of
each variant: does it put the architectures in the same order as the original, and does it rank them by
accuracy as well as the original does? :func:`zsnas.statistics.paired` has the numbers, and :func:`judge` the
rule by which they become words.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import pandas as pd

import zsnas.proxies
import zsnas.statistics
from zsnas.book.tables import counted, intervals, linked_label, number, numbered
from zsnas.book.verdicts import ENOUGH, listed
from zsnas.leaderboard import FEWEST
from zsnas.proxies import label_of
from zsnas.statistics import paired

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "MATTERS",
    "agreement_table",
    "agreement_tables",
    "agreements",
    "finding",
    "judge",
    "judgement_table",
    "label",
    "readings",
    "readings_table",
    "variants",
    "verdict",
    "words",
]

MATTERS = 0.05
"""The smallest difference of Kendall's τ that is called one that matters."""

MEASURED = [
    f"{name}{end}"
    for name in ("agreement", "kt", "reference_kt", "difference")
    for end in ("", "_low", "_high")
]
"""The columns of numbers of :func:`zsnas.statistics.paired`."""

Judgement = Literal["matters", "does not matter", "undecided"]
OUTCOMES = {"matters": "it matters", "does not matter": "it does not", "undecided": "undecided"}
"""How a list says each judgement."""

DEPENDS, PARTLY = "it depends on the data set", "decided on one data set, open on another"


def variants(names: Iterable[str]) -> list[str]:
    """Return the variants of proxies, each formula once, in the order of the names.

    Parameters
    ----------
    names : iterable of str
        Originals, such as ``"snip"``.
    """
    found: dict[object, str] = {}
    for name in names:
        own_names_first = sorted(zsnas.proxies.list_proxies(), key=lambda other: not other.startswith(name))
        for other in map(zsnas.proxies.proxy, own_names_first):
            if other.variant_of == name:
                found.setdefault((name, other.function, other.statistics), other.name)
    return list(found.values())


def readings(names: Iterable[str]) -> list[str]:
    """Return the proxies and their variants, each original before its own."""
    return [reading for name in names for reading in (name, *variants([name]))]


def judge(low: float, high: float, n: int) -> Judgement:
    """Say whether a difference of Kendall's τ matters, from its 95 % interval.

    It matters when the whole interval is beyond :data:`MATTERS` on one side, and does not when the whole
    interval is within it on both. Otherwise the architectures do not decide, and neither do fewer than
    :data:`zsnas.book.verdicts.ENOUGH` of them.

    Parameters
    ----------
    low, high
        Ends of the interval.
    n
        Architectures that it rests on.
    """
    if n < ENOUGH or math.isnan(low):
        return "undecided"
    if low > MATTERS or high < -MATTERS:
        return "matters"
    return "does not matter" if low >= -MATTERS and high <= MATTERS else "undecided"


def agreements(
    bench: Benchmark,
    scores: pd.DataFrame,
    names: Sequence[str],
    resamples: int = 1000,
) -> pd.DataFrame:
    """Compare the readings of proxies, over all architectures and over the top ones.

    Parameters
    ----------
    bench, scores, resamples
        As for :func:`zsnas.correlations`.
    names : sequence of str
        Originals. Each is the reference of its variants; when `scores` has none of it, the first of these
        takes its place. Variants without scores are skipped.

    Returns
    -------
    DataFrame
        The rows of :func:`zsnas.statistics.paired`, variants against references, with a column
        ``judgement``: that of :func:`judge` for the difference.

    Raises
    ------
    ValueError
        When `scores` has nothing to compare.
    """
    known = set(scores.columns[scores.notna().any()])
    compared = []
    for name in names:
        reference, *others = [reading for reading in readings([name]) if reading in known] or [name]
        compared += [paired(bench, scores, other, reference, resamples=resamples) for other in others]
    if not compared:
        raise ValueError(
            f"the scores have no two readings of {', '.join(names)}; "
            f"score some of {', '.join(readings(names))}"
        )
    found = pd.concat(compared, ignore_index=True)
    found.loc[found["n"] < FEWEST, MEASURED] = float("nan")
    ends = zip(found["difference_low"], found["difference_high"], found["n"], strict=True)
    return found.assign(judgement=[judge(*of_row) for of_row in ends])


def label(variant: str, reference: str) -> str:
    """Name a variant, and what it is compared with when that is not the original."""
    found = zsnas.proxies.proxy(variant)
    against = "" if reference == found.variant_of else f" against {label_of(reference)}"
    return f"{found.label}{against}"


def words(subset: str) -> str:
    """Write a subset out: "all architectures" or "the top 5 %"."""
    return "all architectures" if subset == "all" else "the top 5\N{NO-BREAK SPACE}%"


def readings_table(names: Iterable[str], caption: str, name: str) -> str:
    """Write which readings proxies have, a row per proxy: the original, the survey's formula, the others.

    Parameters
    ----------
    names : iterable of str
        Originals.
    caption, name : str
        As for :func:`zsnas.book.tables.numbered`.
    """
    rows = []
    for original in names:
        printed = [other for other in variants([original]) if other.endswith("_printed")]
        others = [label_of(other) for other in variants([original]) if other not in printed]
        rows.append(
            {
                "original implementation": linked_label(original),
                "the survey’s formula": ", ".join(map(linked_label, printed)),
                "other variants": "; ".join(others) or "–",
            }
        )
    index = pd.Index([label_of(original) for original in names], name="Proxy")
    return numbered(pd.DataFrame(rows, index), caption, name, align="left")


def agreement_table(rows: pd.DataFrame, caption: str, name: str, legend: str = "") -> str:
    """Write the numbers of :func:`agreements`, one subset at a time.

    Parameters
    ----------
    rows : DataFrame
        Those of one subset.
    caption, name, legend : str
        As for :func:`zsnas.book.tables.numbered`.
    """
    columns = {
        "agreement": intervals(rows, "agreement", "agreement_"),
        "τ, reference": intervals(rows, "reference_kt", "reference_kt_"),
        "τ, variant": intervals(rows, "kt", "kt_"),
        "difference": intervals(rows, "difference", "difference_"),
        "judgement": rows["judgement"].to_list(),
        "n (missing)": list(map(counted, rows["n"], rows["missing"])),
    }
    index = pd.Index(_labels(rows), name="Variant")
    return numbered(pd.DataFrame(columns, index), caption, name, legend=legend)


def agreement_tables(found: Mapping[str, pd.DataFrame], caption: str, name: str, legend: str = "") -> str:
    """Write :func:`agreement_table` for every data set, over all and over the top.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`agreements`, by the name of the data set.
    caption : str
        Of all of them, after data set and subset.
    name : str
        What the names begin with, such as ``"tab"`` of ``tab-0-all``.
    legend : str
        Of all of them.
    """
    return "\n\n".join(
        agreement_table(rows, f"{data}, {words(str(subset))}. {caption}", f"{name}-{place}-{subset}", legend)
        for place, (data, table) in enumerate(found.items())
        for subset, rows in table.groupby("subset", sort=False)
    )


def judgement_table(found: Mapping[str, pd.DataFrame], caption: str, name: str) -> str:
    """Write which differences matter: a row per variant, a column per data set and subset.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`agreements`, by the name of the data set.
    caption, name : str
        As for :func:`zsnas.book.tables.numbered`.
    """
    columns = {
        f"{data}, {words(str(subset))}": dict(zip(_labels(rows), _judgements(rows), strict=True))
        for data, table in found.items()
        for subset, rows in table.groupby("subset", sort=False)
    }
    variants_of_all = dict.fromkeys(variant for column in columns.values() for variant in column)
    cells = [[column.get(variant, "–") for column in columns.values()] for variant in variants_of_all]
    index = pd.Index(variants_of_all, name="Variant")
    return numbered(pd.DataFrame(cells, index, list(columns)), caption, name)


def verdict(found: Mapping[str, pd.DataFrame], subset: str) -> str:
    """Say for which variants the difference matters, on all data sets together, as a Markdown list.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`agreements`, by the name of the data set.
    subset : str
        "all" or "top".
    """
    by_outcome: dict[str, list[str]] = {}
    for variant, judged_on in _outcomes(found, subset).items():
        same = len(set(judged_on.values())) == 1
        everywhere = same and len(judged_on) == len(found)
        where = "" if everywhere else f" ({', '.join(f'{o} on {data}' for data, o in judged_on.items())})"
        outcome = next(iter(judged_on.values())) if same else _mixed(judged_on)
        by_outcome.setdefault(outcome, []).append(f"*{variant}*{where}")
    lines = [
        f"- {outcome.capitalize()}: {'; '.join(by_outcome[outcome])}."
        for outcome in (*OUTCOMES.values(), DEPENDS, PARTLY)
        if outcome in by_outcome
    ]
    return "\n".join(
        [
            f"Does it matter which formula is meant? Over {words(subset)} of {listed(found)}:\n",
            *lines,
            "",
        ]
    )


def finding(found: Mapping[str, pd.DataFrame]) -> str:
    """Say in a sentence for how many variants the formula matters over all architectures."""
    everywhere = [set(judged_on.values()) for judged_on in _outcomes(found, "all").values()]
    matter, same = (everywhere.count({OUTCOMES[judged]}) for judged in ("matters", "does not matter"))
    where = f"on {listed(found)}"
    if not matter + same:
        return f"Too few networks are compared here to decide for any of {len(everywhere)} variants, {where}."
    return (
        f"Of {len(everywhere)} variants {matter} change how well accuracy is ranked over all architectures, "
        f"{where}, and {same} do not; of the others this is open, or depends on the data set."
    )


def _outcomes(found: Mapping[str, pd.DataFrame], subset: str) -> dict[str, dict[str, str]]:
    """Return the judgement in words, by variant and data set."""
    outcomes: dict[str, dict[str, str]] = {}
    for data, table in found.items():
        rows = table[table["subset"] == subset]
        for variant, judged in zip(_labels(rows), rows["judgement"], strict=True):
            outcomes.setdefault(variant, {})[data] = OUTCOMES[judged]
    return outcomes


def _mixed(judged_on: Mapping[str, str]) -> str:
    """Say what judgements that differ have in common: undecided on one data set contradicts no other."""
    return DEPENDS if len({*judged_on.values()} - {OUTCOMES["undecided"]}) > 1 else PARTLY


def _judgements(rows: pd.DataFrame) -> list[str]:
    return [
        f"{judged} ({number(by)})" for judged, by in zip(rows["judgement"], rows["difference"], strict=True)
    ]


def _labels(rows: pd.DataFrame) -> list[str]:
    return list(map(label, rows["proxy"], rows["reference"]))

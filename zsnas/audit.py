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

import zsnas
from zsnas.statistics import paired
from zsnas.tables import interval, linked_label, number, numbered
from zsnas.verdicts import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = [
    "MATTERS",
    "agreement_table",
    "agreements",
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

Judgement = Literal["matters", "does not matter", "undecided"]
OUTCOMES = {"matters": "matters", "does not matter": "does not matter", "undecided": "is undecided"}
"""How a sentence says each judgement."""

DEPENDS, PARTLY = "depends on the data set", "is decided on some data sets only"


def variants(names: Iterable[str]) -> list[str]:
    """Return the variants of proxies, each formula once, in the order of the names.

    Parameters
    ----------
    names : iterable of str
        Originals, such as ``"snip"``.
    """
    found: dict[object, str] = {}
    for name in names:
        own_names_first = sorted(zsnas.list_proxies(), key=lambda other: not other.startswith(name))
        for other in map(zsnas.proxy, own_names_first):
            if other.variant_of == name:
                found.setdefault((name, other.function, other.statistics), other.name)
    return list(found.values())


def readings(names: Iterable[str]) -> list[str]:
    """Return the proxies and their variants, each original before its own."""
    return [reading for name in names for reading in (name, *variants([name]))]


def judge(low: float, high: float, n: int, margin: float = MATTERS) -> Judgement:
    """Say whether a difference of Kendall's τ matters, from its 95 % interval.

    It matters when the whole interval is beyond the margin on one side, and does not when the whole interval
    is within the margins. Otherwise the architectures do not decide, and neither do fewer than
    :data:`zsnas.verdicts.ENOUGH` of them.
    """
    if n < ENOUGH or math.isnan(low):
        return "undecided"
    if low > margin or high < -margin:
        return "matters"
    return "does not matter" if -margin <= low and high <= margin else "undecided"


def agreements(
    bench: Benchmark,
    scores: pd.DataFrame,
    names: Sequence[str],
    top: float = 0.05,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the readings of proxies, over all architectures and over the top ones.

    Parameters
    ----------
    bench, scores, top, resamples, seed
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
        compared += [paired(bench, scores, other, reference, top, resamples, seed) for other in others]
    if not compared:
        raise ValueError(
            f"the scores have no two readings of {', '.join(names)}; "
            f"score some of {', '.join(readings(names))}"
        )
    found = pd.concat(compared, ignore_index=True)
    ends = zip(found["difference_low"], found["difference_high"], found["n"], strict=True)
    return found.assign(judgement=[judge(*of_row) for of_row in ends])


def label(variant: str, reference: str) -> str:
    """Name a variant, and what it is compared with when that is not the original."""
    found = zsnas.proxy(variant)
    against = "" if reference == found.variant_of else f" against {zsnas.proxy(reference).label}"
    return f"{found.label}{against}"


def words(subset: str, top: float = 0.05) -> str:
    """Write a subset out: "all architectures" or "the top 5 %"."""
    return "all architectures" if subset == "all" else f"the top {100 * top:g}\N{NO-BREAK SPACE}%"


def readings_table(names: Iterable[str], caption: str, name: str) -> str:
    """Write which readings proxies have, a row per proxy: the original, the survey's formula, the others.

    Parameters
    ----------
    names : iterable of str
        Originals.
    caption, name : str
        As for :func:`zsnas.tables.numbered`.
    """
    rows = []
    for original in names:
        printed = [other for other in variants([original]) if other.endswith("_printed")]
        others = [zsnas.proxy(other).label for other in variants([original]) if other not in printed]
        rows.append(
            {
                "original implementation": linked_label(original),
                "the survey’s formula": ", ".join(map(linked_label, printed)),
                "other variants": "; ".join(others) or "–",
            }
        )
    index = pd.Index([zsnas.proxy(original).label for original in names], name="Proxy")
    return numbered(pd.DataFrame(rows, index), caption, name, align="left")


def agreement_table(rows: pd.DataFrame, caption: str, name: str) -> str:
    """Write the numbers of :func:`agreements`, one subset at a time.

    Parameters
    ----------
    rows : DataFrame
        Those of one subset.
    caption, name : str
        As for :func:`zsnas.tables.numbered`.
    """
    columns = {
        "agreement": _intervals(rows, "agreement"),
        "τ, reference": _intervals(rows, "reference_kt"),
        "τ, variant": _intervals(rows, "kt"),
        "difference": _intervals(rows, "difference"),
        "judgement": rows["judgement"].to_list(),
        "n (missing)": [f"{n:,} ({lost:,})" for n, lost in zip(rows["n"], rows["missing"], strict=True)],
    }
    index = pd.Index(_labels(rows), name="Variant")
    return numbered(pd.DataFrame(columns, index), caption, name)


def judgement_table(found: Mapping[str, pd.DataFrame], caption: str, name: str, *, top: float = 0.05) -> str:
    """Write which differences matter: a row per variant, a column per data set and subset.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`agreements`, by the name of the data set.
    caption, name : str
        As for :func:`zsnas.tables.numbered`.
    top : float
        The fraction that the subset "top" stands for.
    """
    columns = {
        f"{data}, {words(str(subset), top)}": dict(zip(_labels(rows), _judgements(rows), strict=True))
        for data, table in found.items()
        for subset, rows in table.groupby("subset", sort=False)
    }
    variants_of_all = dict.fromkeys(variant for column in columns.values() for variant in column)
    cells = [[column.get(variant, "–") for column in columns.values()] for variant in variants_of_all]
    index = pd.Index(variants_of_all, name="Variant")
    return numbered(pd.DataFrame(cells, index, list(columns)), caption, name)


def verdict(found: Mapping[str, pd.DataFrame], subset: str, *, top: float = 0.05) -> str:
    """Say in a sentence for which variants the difference matters, on all data sets together.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`agreements`, by the name of the data set.
    subset : str
        "all" or "top".
    top : float
        The fraction that the subset "top" stands for.
    """
    outcomes: dict[str, dict[str, str]] = {}
    for data, table in found.items():
        rows = table[table["subset"] == subset]
        for variant, judged in zip(_labels(rows), rows["judgement"], strict=True):
            outcomes.setdefault(variant, {})[data] = OUTCOMES[judged]
    by_outcome: dict[str, list[str]] = {}
    for variant, judged_on in outcomes.items():
        same = len(set(judged_on.values())) == 1
        everywhere = same and len(judged_on) == len(found)
        where = "" if everywhere else f" ({', '.join(f'{o} on {data}' for data, o in judged_on.items())})"
        outcome = next(iter(judged_on.values())) if same else _mixed(judged_on)
        by_outcome.setdefault(outcome, []).append(f"*{variant}*{where}")
    lines = [
        f"- {outcome} for {'; '.join(by_outcome[outcome])}."
        for outcome in (*OUTCOMES.values(), DEPENDS, PARTLY)
        if outcome in by_outcome
    ]
    return "\n".join(
        [f"Over {words(subset, top)} of {', '.join(found)}, which formula is meant\n", *lines, ""]
    )


def _mixed(judged_on: Mapping[str, str]) -> str:
    """Say what judgements that differ have in common: undecided on one data set contradicts no other."""
    return DEPENDS if len({*judged_on.values()} - {OUTCOMES["undecided"]}) > 1 else PARTLY


def _judgements(rows: pd.DataFrame) -> list[str]:
    return [
        f"{judged} ({number(by)})" for judged, by in zip(rows["judgement"], rows["difference"], strict=True)
    ]


def _labels(rows: pd.DataFrame) -> list[str]:
    return list(map(label, rows["proxy"], rows["reference"]))


def _intervals(rows: pd.DataFrame, name: str) -> list[str]:
    return list(map(interval, rows[name], rows[f"{name}_low"], rows[f"{name}_high"]))

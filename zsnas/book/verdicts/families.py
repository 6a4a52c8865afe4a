"""Verdicts on what the survey says about families: Spearman's ρ, absolute and beside the naive proxies.

A family is a handful of networks that exist, not a sample of a space; the intervals say what they decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas.book.verdicts import Check, Part, Verdict, labels
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["reach", "slightly_ahead"]

ENDS = ["value", "low", "high"]


def reach(
    statement: str, place: str, tables: Mapping[str, pd.DataFrame], proxies: Sequence[str], threshold: float
) -> Verdict:
    """Judge whether Spearman's ρ over all networks is above a threshold for each of these proxies.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    tables : mapping of DataFrame
        Of :func:`zsnas.correlations`, by the name of the networks.
    proxies : sequence of str
        Those that the statement names.
    threshold : float
    """
    reading = f"Read as: Spearman's ρ over all networks is above {threshold:g}."
    parts, found = [], []
    for networks, table in tables.items():
        rows = table[(table["statistic"] == "SPR") & (table["subset"] == "all")].set_index("proxy")
        above = rows[ENDS] - threshold
        checks = {name: _check(label_of(name), above, rows, name) for name in map(str, rows.index)}
        by_name = {name: check.holds for name, check in checks.items()}
        named = {name: by_name[name] for name in proxies}
        others = [name for name in by_name if name not in named]
        parts += [Part(f"{label_of(name)}, {networks}", (checks[name],)) for name in proxies]
        found.append(
            f"On {networks}: {_sorted(named, 'above it with the whole interval', 'undecided', 'below it')}. "
            f"Not named, yet above it: {labels(n for n in others if by_name[n]) or 'none'} with the whole "
            f"interval, {labels(n for n in others if rows['value'][n] > threshold) or 'none'} by the value."
        )
    return Verdict.of(statement, place, " ".join([reading, *found]), parts)


def slightly_ahead(
    statement: str,
    place: str,
    by_reference: Mapping[str, Mapping[str, pd.DataFrame]],
    proxies: Sequence[str],
    references: Sequence[str],
) -> Verdict:
    """Judge whether each of these proxies has a higher Spearman's ρ than every reference.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    by_reference : mapping
        Of :func:`zsnas.statistics.differences`, by the reference and by the name of the networks.
    proxies : sequence of str
        Those that the statement names.
    references : sequence of str
    """
    others = labels(references)
    reading = f"Read as: Spearman's ρ over all networks is above that of {others}."
    parts, found = [], []
    for networks in by_reference[references[0]]:
        rows = {reference: _of_reference(by_reference[reference][networks]) for reference in references}
        ahead = {name: _ahead(name, networks, rows) for name in proxies}
        by_name = {name: part.holds for name, part in ahead.items()}
        by_value = sum(all(check.value > 0 for check in part.checks) for part in ahead.values())
        parts += list(ahead.values())
        told = _sorted(by_name, "ahead of each", "level with one at least", "behind one at least")
        found.append(
            f"On {networks}: {told}. By the value alone, whatever the interval, {by_value} of {len(proxies)} "
            "are ahead of each."
        )
    return Verdict.of(statement, place, " ".join([reading, *found]), parts)


def _ahead(name: str, networks: str, rows: Mapping[str, pd.DataFrame]) -> Part:
    """Compare a proxy with each reference."""
    checks = (_check(f"minus {label_of(reference)}", table, table, name) for reference, table in rows.items())
    return Part(f"{label_of(name)}, {networks}", tuple(checks))


def _check(what: str, above: pd.DataFrame, rows: pd.DataFrame, name: str) -> Check:
    value, low, high = (float(above[end][name]) for end in ENDS)
    return Check.above(what, value, low, high, int(rows["n"][name]))


def _of_reference(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["statistic"] == "SPR") & (table["contrast"] == "reference")].set_index("proxy")


def _sorted(holds: Mapping[str, bool | None], above: str, level: str, below: str) -> str:
    """List proxies by what their comparison says."""
    words = {True: above, None: level, False: below}
    return "; ".join(
        f"{word}: {labels(name for name, held in holds.items() if held is state) or 'none'}"
        for state, word in words.items()
    )

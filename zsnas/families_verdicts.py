"""Verdicts on what the survey says about families: Spearman's ρ, absolute and beside the naive proxies.

A family is a handful of networks that exist, not a sample of a space; the intervals say what they decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import zsnas
from zsnas.tables import interval
from zsnas.verdicts import Verdict, every, is_above, labels, listed, outcome_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["reach", "slightly_ahead"]


def reach(
    statement: str, place: str, table: pd.DataFrame, proxies: Sequence[str], threshold: float
) -> Verdict:
    """Judge whether Spearman's ρ over all networks is above a threshold for each of these proxies.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    table : DataFrame
        Of :func:`zsnas.correlations`.
    proxies : sequence of str
        Those that the statement names.
    threshold : float
    """
    rows = table[(table["statistic"] == "SPR") & (table["subset"] == "all")].set_index("proxy")
    holds = {str(name): is_above(rows["low"][name], rows["high"][name], threshold) for name in rows.index}
    named = {name: holds[name] for name in proxies}
    others = rows["value"].drop(index=list(proxies))
    by_value = labels(others.index[others > threshold])
    beyond = labels(name for name in others.index if holds[name])
    because = (
        f"Read as: Spearman's ρ over all networks is above {threshold:g}. It is "
        f"{listed(_with_interval(rows, name) for name in proxies)}. "
        f"{_sorted(named, 'Above it with the whole interval', 'it is inside the interval', 'below it')}. "
        f"Not named, yet above it by the value: {by_value or 'none'}; with the whole interval: "
        f"{beyond or 'none'}."
    )
    return Verdict(statement, place, outcome_of(named.values()), because)


def slightly_ahead(
    statement: str, place: str, contrasts: Mapping[str, pd.DataFrame], proxies: Sequence[str]
) -> Verdict:
    """Judge whether each of these proxies has a higher Spearman's ρ than every reference.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    contrasts : mapping of DataFrame
        Of :func:`zsnas.statistics.differences`, by the reference.
    proxies : sequence of str
        Those that the statement names.
    """
    rows = {
        reference: table[(table["statistic"] == "SPR") & (table["contrast"] == "reference")].set_index(
            "proxy"
        )
        for reference, table in contrasts.items()
    }
    found = " ".join(
        f"Minus that of {zsnas.proxy(reference).label}: "
        f"{listed(_with_interval(table, name) for name in proxies)}."
        for reference, table in rows.items()
    )
    holds = {
        name: every(is_above(table["low"][name], table["high"][name]) for table in rows.values())
        for name in proxies
    }
    above = [all(table["value"][name] > 0 for table in rows.values()) for name in proxies]
    references = " and ".join(zsnas.proxy(reference).label for reference in rows)
    because = (
        f"Read as: Spearman's ρ over all networks is above that of {references}. {found} "
        f"{_sorted(holds, 'Ahead of each', 'level with one at least', 'behind one at least')}. "
        f"By the value alone, whatever the interval, {sum(above)} of {len(above)} are ahead of each."
    )
    return Verdict(statement, place, outcome_of(holds.values()), because)


def _sorted(holds: Mapping[str, bool | None], above: str, level: str, below: str) -> str:
    """List proxies by what their comparison says."""
    words = {True: above, None: level, False: below}
    return "; ".join(
        f"{word}: {labels(name for name, held in holds.items() if held is state) or 'none'}"
        for state, word in words.items()
    )


def _with_interval(rows: pd.DataFrame, name: str) -> str:
    value, low, high = (float(rows[column][name]) for column in ("value", "low", "high"))
    return f"{zsnas.proxy(name).label} {interval(value, low, high)}"

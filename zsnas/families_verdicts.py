"""Verdicts on what the survey says about families: Spearman's ρ, absolute and beside the naive proxies.

A family is a handful of networks that exist, not a sample of a space; the intervals say what they decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import zsnas
from zsnas.tables import interval
from zsnas.verdicts import Verdict, labels, listed, outcome_of

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
    holds = rows["value"] > threshold
    others = labels(name for name in rows.index[holds] if name not in proxies)
    because = (
        f"Read as: Spearman's ρ over all networks is above {threshold:g}. It is "
        f"{listed(_with_interval(rows, name) for name in proxies)}. Not named, yet above {threshold:g}: "
        f"{others or 'none'}."
    )
    return Verdict(statement, place, outcome_of(holds[list(proxies)]), because)


def slightly_ahead(
    statement: str, place: str, contrasts: Mapping[str, pd.DataFrame], proxies: Sequence[str]
) -> Verdict:
    """Judge whether each of these proxies has a higher Spearman's ρ than every reference.

    Higher means beyond the interval of the difference.

    Where none is ahead and none behind, the networks cannot tell.

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
    ahead = [all(found["low"][name] > 0 for found in rows.values()) for name in proxies]
    above = [all(found["value"][name] > 0 for found in rows.values()) for name in proxies]
    behind = [any(found["high"][name] < 0 for found in rows.values()) for name in proxies]
    found = " ".join(
        f"Minus that of {zsnas.proxy(reference).label}: "
        f"{listed(_with_interval(table, name) for name in proxies)}."
        for reference, table in rows.items()
    )
    references = " and ".join(zsnas.proxy(reference).label for reference in rows)
    because = (
        f"Read as: Spearman's ρ over all networks is above that of {references}, beyond the interval of the "
        f"difference. {found} That holds for {sum(ahead)} of {len(ahead)}, and by the value alone, whatever "
        f"the interval, for {sum(above)}; {sum(behind)} are behind at least one of them."
    )
    outcome = "cannot be compared" if not any(ahead + behind) else outcome_of(ahead)
    return Verdict(statement, place, outcome, because)


def _with_interval(rows: pd.DataFrame, name: str) -> str:
    value, low, high = (float(rows[column][name]) for column in ("value", "low", "high"))
    return f"{zsnas.proxy(name).label} {interval(value, low, high)}"

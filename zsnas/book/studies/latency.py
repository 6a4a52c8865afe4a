"""What a table of measured latencies says of the measurement itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas.book.tables import number

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["facts"]


def facts(timed: pd.DataFrame) -> dict[str, object]:
    """Return what a page says of how latencies were measured, for :func:`zsnas.book.say`.

    Parameters
    ----------
    timed : DataFrame
        Of :func:`zsnas.hardware.latencies`.

    Returns
    -------
    dict
        Of the measurement, ``machine``, ``torch``, ``repeats``, ``rounds`` and ``block``, as far as the table
        says; ``timed``, how many; ``fastest`` and ``slowest`` (ms); ``spread``, the median of largest minus
        smallest round (%); ``drift_low`` and ``drift_high``, between which 95 % of the blocks are off the
        median of the reference network (%).
    """
    drift = 100 * (timed["reference_ms"].quantile([0.025, 0.975]) / timed["reference_ms"].median() - 1)
    known = ("machine", "torch", "repeats", "rounds", "block")
    return {name: timed.attrs[name] for name in known if name in timed.attrs} | {
        "timed": f"{len(timed):,}",
        "fastest": number(timed["latency_ms"].min()),
        "slowest": number(timed["latency_ms"].max()),
        "spread": number(100 * (timed["spread_ms"] / timed["latency_ms"]).median(), 1),
        "drift_low": number(drift.iloc[0], 0),
        "drift_high": f"+{number(drift.iloc[1], 0)}",
    }

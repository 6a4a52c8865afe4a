"""How the book writes a number, an interval and a count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["counted", "interval", "intervals", "number"]


def number(value: float, decimals: int = 2) -> str:
    """Write a number with a true minus sign, which what rounds to zero has not; NaN is a dash."""
    return "–" if math.isnan(value) else f"{value:z.{decimals}f}".replace("-", "−")


def interval(value: float, low: float, high: float, decimals: int = 2) -> str:
    """Write a value with its interval: ``0.51 [0.48, 0.54]``; only the value when there is no interval.

    Parameters
    ----------
    value, low, high
        The estimate and the ends of its interval, NaN where there is none.
    decimals
        Digits after the point.
    """
    if math.isnan(low):
        return number(value, decimals)
    ends = f"[{number(low, decimals)},\N{NO-BREAK SPACE}{number(high, decimals)}]"
    return f"{number(value, decimals)} {ends}"


def intervals(rows: pd.DataFrame, value: str = "value", of: str = "", decimals: int = 2) -> list[str]:
    """Write a column of values with their intervals.

    Parameters
    ----------
    rows : DataFrame
        With the column of the values and those of the ends, ``low`` and ``high``.
    value : str
        Name of the column of the values.
    of : str
        What the names of the ends begin with, such as ``"kt_"``.
    decimals : int
        Digits after the point.
    """
    ends = zip(rows[value], rows[f"{of}low"], rows[f"{of}high"], strict=True)
    return [interval(*end, decimals) for end in ends]


def counted(n: int, missing: int) -> str:
    """Write how many networks have a score, and how many have none: ``985 (15)``."""
    return f"{n:,} ({missing:,})"

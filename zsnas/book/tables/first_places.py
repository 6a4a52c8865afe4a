"""Tables of first places: what each proxy ranks first, and how far that is from the best."""

from __future__ import annotations

import math

import pandas as pd

from zsnas.book.tables.numbers import intervals, number
from zsnas.book.tables.rankings import linked_label, numbered
from zsnas.proxies import label_of

__all__ = ["first_places", "regret_table"]


def first_places(
    whole: pd.DataFrame, sample: pd.DataFrame, printed: pd.Series[float], decimals: int = 2
) -> pd.DataFrame:
    """Lay out what each proxy ranks first: a row per proxy, those of the whole space first.

    Parameters
    ----------
    whole, sample : DataFrame
        Of :func:`zsnas.statistics.best_by_proxy` with the metric as ``reached``, over all architectures and
        over a random sample.
    printed : Series
        What the survey prints, by proxy; it stands with the first row of a proxy, with two decimals.
    decimals : int
        Of what is found here.

    Returns
    -------
    DataFrame
        Cells that are written: ``survey``, ``first here`` with its interval over samples, ``below the best``
        (points), ``rank`` with its interval, ``candidates`` and ``missing``; indexed by the proxy's name.
    """
    exact = whole.assign(low=math.nan, rank_low=math.nan)
    rows = pd.concat([exact, sample.sort_values("reached", ascending=False)], ignore_index=True)
    names = [f"{linked_label(name)}, whole space" for name in whole["proxy"]]
    names += [
        label_of(name) if name in set(whole["proxy"]) else linked_label(name)
        for name in rows["proxy"][len(whole) :]
    ]
    cells = {
        "survey": rows["proxy"].map(printed).mask(rows.duplicated("proxy")).map(number),
        "first here": intervals(rows, "reached", decimals=decimals),
        "below the best": [number(regret, decimals) for regret in rows["regret"]],
        "rank": list(map(_rank, rows["rank"], rows["rank_low"], rows["rank_high"])),
        "candidates": [f"{n:,}" for n in rows["n"]],
        "missing": [f"{n:,}" for n in rows["missing"]],
    }
    return pd.DataFrame(cells).set_index(pd.Index(names, name="Proxy"))


def regret_table(table: pd.DataFrame, caption: str, name: str, decimals: int = 2, legend: str = "") -> str:
    """Write the numbers of :func:`zsnas.statistics.regret`, smallest regret first.

    Parameters
    ----------
    table : DataFrame
    caption, name : str
        As for :func:`numbered`.
    decimals : int
        Of the regret.
    legend : str
        As for :func:`numbered`.
    """
    rows = table.sort_values("regret", kind="stable")
    cells = {
        "below the best": [number(regret, decimals) for regret in rows["regret"]],
        "seeds": [number(deviation, decimals) for deviation in rows["regret_sd"]],
        "rank": list(map(_rank, rows["rank"], rows["rank_low"], rows["rank_high"])),
        "choices": rows["choices"].map(str),
        "n": [f"{n:,}" for n in rows["n"]],
    }
    labels = pd.Index([label_of(proxy) for proxy in rows["proxy"]], name="Proxy")
    return numbered(pd.DataFrame(cells).set_index(labels), caption, name, legend=legend)


def _rank(rank: float, low: float, high: float) -> str:
    if math.isnan(rank):
        return "–"
    return f"{rank:,.0f}" if math.isnan(low) else f"{rank:,.0f} [{low:,.0f},\N{NO-BREAK SPACE}{high:,.0f}]"

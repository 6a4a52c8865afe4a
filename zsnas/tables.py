"""The book's tables: Markdown that the book numbers and links, and that any viewer of notebooks can show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import pandas as pd

import zsnas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "correlation_table",
    "first_places",
    "images_table",
    "interval",
    "linked_label",
    "number",
    "numbered",
    "ratio_table",
    "regret_table",
    "spread_table",
]


def numbered(rows: pd.DataFrame, caption: str, name: str, align: Literal["left", "right"] = "right") -> str:
    """Write a table with a caption and a number, as a MyST directive.

    Parameters
    ----------
    rows : DataFrame
        Cells are written as they are; the index becomes the first column, under its own name.
    caption : str
        May hold MyST roles.
    name : str
        For cross-references: ``{numref}`name```.
    align : str
        Where the cells of the columns stand: "right" suits numbers, "left" words. The first column is left.
    """
    first, *others = str(rows.index.name), *rows.columns
    lines = [
        f":::{{table}} {caption}",
        f":name: {name}",
        "",
        _row([first, *others]),
        _row([":--", *[{"left": ":--", "right": "--:"}[align]] * len(others)]),
        *(_row(cells) for cells in rows.itertuples()),
        ":::",
    ]
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def number(value: float, decimals: int = 2) -> str:
    """Write a number with a true minus sign, which what rounds to zero has not; NaN is a dash."""
    return "–" if math.isnan(value) else f"{value:z.{decimals}f}".replace("-", "−")


def interval(value: float, low: float, high: float, decimals: int = 2) -> str:
    """Write a value with its interval: ``0.51 [0.48, 0.54]``; only the value when there is no interval."""
    if math.isnan(low):
        return number(value, decimals)
    ends = f"[{number(low, decimals)},\N{NO-BREAK SPACE}{number(high, decimals)}]"
    return f"{number(value, decimals)} {ends}"


def linked_label(proxy: str) -> str:
    """Write the name of a proxy with a link to its equation in the book."""
    found = zsnas.proxy(proxy)
    return f"{found.label}, {{eq}}`{found.equation}`"


def correlation_table(table: pd.DataFrame, caption: str, name: str, *, top: float = 0.05) -> str:
    """Write the numbers of :func:`zsnas.correlations`: a row per proxy, in the order of its KT over all.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.correlations`.
    caption, name : str
        As for :func:`numbered`.
    top : float
        The fraction that the subset "top" stands for.
    """
    words = {"all": "all", "top": f"top {100 * top:g}\N{NO-BREAK SPACE}%"}
    columns = {}
    for statistic in ("KT", "SPR"):
        for subset, label in words.items():
            rows = _select(table, statistic, subset)
            columns[f"{statistic}, {label}"] = list(map(interval, rows["value"], rows["low"], rows["high"]))
    rows = _select(table, "KT", "all")
    columns |= {
        "n (missing)": [f"{n:,} ({m:,})" for n, m in zip(rows["n"], rows["missing"], strict=True)],
        "seeds": [str(n) for n in rows["seeds"]],
    }
    index = pd.Index([linked_label(proxy) for proxy in rows.index], name="Proxy")
    return numbered(pd.DataFrame(columns, index), caption, name)


def images_table(alike: pd.DataFrame, found: Mapping[str, pd.DataFrame], caption: str, name: str) -> str:
    """Write what other images change: a row per proxy, the most alike orders first.

    Parameters
    ----------
    alike : DataFrame
        Of :func:`zsnas.statistics.agreement`.
    found : mapping of DataFrame
        Of :func:`zsnas.correlations` over the same architectures, by the name of the images.
    caption, name : str
        As for :func:`numbered`.
    """
    order = alike["value"].sort_values(ascending=False, kind="stable").index
    columns = {
        "τ between both": list(map(interval, *(alike.loc[order, end] for end in ("value", "low", "high"))))
    }
    for images, table in found.items():
        rows = _select(table, "KT", "all").loc[order]
        columns[f"τ with truth, {images}"] = list(map(interval, rows["value"], rows["low"], rows["high"]))
    names = pd.Index([zsnas.proxy(str(proxy)).label for proxy in order], name="Proxy")
    return numbered(pd.DataFrame(columns, names), caption, name)


def spread_table(repeated: pd.DataFrame, table: pd.DataFrame, caption: str, name: str) -> str:
    """Write how far the correlations over all move with the seed, beside how far with the architectures.

    The columns are, for each statistic, the mean over the seeds, the standard deviation over the seeds, and
    half of the 95 % interval over architectures. A sentence below names the proxies whose KT the seed moves
    further.

    Parameters
    ----------
    repeated : DataFrame
        Of :func:`zsnas.correlations`, for architectures that were scored with several seeds.
    table : DataFrame
        Of the same function, for the figure whose intervals stand beside.
    caption, name : str
        As for :func:`numbered`.
    """
    columns: dict[str, pd.Series[str]] = {}
    for statistic in ("KT", "SPR"):
        rows, half_width = _select(repeated, statistic, "all"), _half_widths(table, statistic)
        half_width = half_width.reindex(rows.index)
        columns |= {
            f"{statistic}, mean": rows["value"].map(number),
            f"{statistic}, seeds": rows["seed_sd"].map(lambda value: number(value, 3)),
            f"{statistic}, architectures": half_width.map(lambda value: number(value, 3)),
        }
    written = pd.DataFrame(columns).assign(n=rows["n"])
    written.index = pd.Index([zsnas.proxy(str(proxy)).label for proxy in written.index], name="Proxy")
    deviation = _select(repeated, "KT", "all")["seed_sd"]
    moved = deviation.index[2 * deviation > _half_widths(table, "KT").reindex(deviation.index)]
    named = ", ".join(zsnas.proxy(str(proxy)).label for proxy in moved) or "none"
    reading = (
        "By KT, the seed moves a proxy further than the choice of architectures does (twice its deviation is "
        f"more than half of the interval) for: {named}."
    )
    return f"{numbered(written, caption, name)}\n\n{reading}"


def _half_widths(table: pd.DataFrame, statistic: str) -> pd.Series[float]:
    rows = _select(table, statistic, "all")
    return (rows["high"] - rows["low"]) / 2


def ratio_table(table: pd.DataFrame, ratios: Sequence[float], caption: str, name: str) -> str:
    """Write some points of the curves of :func:`zsnas.statistics.ratio_correlations`, largest ratio first.

    Parameters
    ----------
    table : DataFrame
    ratios : sequence of float
        Those of the table to write.
    caption, name : str
        As for :func:`numbered`.
    """
    chosen = table[table["ratio"].isin(ratios)].sort_values("ratio", ascending=False, kind="stable")
    columns: dict[str, list[str]] = {}
    for (proxy, statistic), rows in chosen.groupby(["proxy", "statistic"], sort=False):
        columns[f"{zsnas.proxy(str(proxy)).label}, {statistic}"] = list(
            map(interval, rows["value"], rows["low"], rows["high"])
        )
    points = chosen.drop_duplicates("ratio")
    columns["n"] = [f"{n:,}" for n in points["n"]]
    index = [f"{100 * ratio:g}\N{NO-BREAK SPACE}%" for ratio in points["ratio"]]
    return numbered(pd.DataFrame(columns, pd.Index(index, name="Kept")), caption, name)


def first_places(
    whole: pd.DataFrame, sample: pd.DataFrame, printed: pd.Series[float], decimals: int = 2
) -> pd.DataFrame:
    """Lay out what each proxy ranks first: a row per proxy, those of the whole space first.

    Parameters
    ----------
    whole, sample : DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`, over all architectures and over a random sample.
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
    rows = pd.concat([exact, sample.sort_values("test_accuracy", ascending=False)], ignore_index=True)
    names = [f"{linked_label(name)}, whole space" for name in whole["proxy"]]
    names += [
        zsnas.proxy(name).label if name in set(whole["proxy"]) else linked_label(name)
        for name in rows["proxy"][len(whole) :]
    ]
    found = zip(rows["test_accuracy"], rows["low"], rows["high"], strict=True)
    cells = {
        "survey": rows["proxy"].map(printed).mask(rows.duplicated("proxy")).map(number),
        "first here": [interval(*ends, decimals) for ends in found],
        "below the best": [number(regret, decimals) for regret in rows["regret"]],
        "rank": list(map(_rank, rows["rank"], rows["rank_low"], rows["rank_high"])),
        "candidates": [f"{n:,}" for n in rows["n"]],
        "missing": [f"{n:,}" for n in rows["missing"]],
    }
    return pd.DataFrame(cells).set_index(pd.Index(names, name="Proxy"))


def regret_table(table: pd.DataFrame, caption: str, name: str, decimals: int = 2) -> str:
    """Write the numbers of :func:`zsnas.statistics.regret`, smallest regret first.

    Parameters
    ----------
    table : DataFrame
    caption, name : str
        As for :func:`numbered`.
    decimals : int
        Of the regret.
    """
    rows = table.sort_values("regret", kind="stable")
    cells = {
        "below the best": [number(regret, decimals) for regret in rows["regret"]],
        "seeds": [number(deviation, decimals) for deviation in rows["regret_sd"]],
        "rank": list(map(_rank, rows["rank"], rows["rank_low"], rows["rank_high"])),
        "choices": rows["choices"].map(str),
        "n": [f"{n:,}" for n in rows["n"]],
    }
    labels = pd.Index([zsnas.proxy(proxy).label for proxy in rows["proxy"]], name="Proxy")
    return numbered(pd.DataFrame(cells).set_index(labels), caption, name)


def _rank(rank: float, low: float, high: float) -> str:
    if math.isnan(rank):
        return "–"
    return f"{rank:,.0f}" if math.isnan(low) else f"{rank:,.0f} [{low:,.0f},\N{NO-BREAK SPACE}{high:,.0f}]"


def _select(table: pd.DataFrame, statistic: str, subset: str) -> pd.DataFrame:
    """Rows of one statistic and subset, in the order of Kendall's τ over all architectures."""
    order = table[(table["statistic"] == "KT") & (table["subset"] == "all")].sort_values(
        "value", ascending=False, kind="stable"
    )
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset)]
    return rows.set_index("proxy").loc[order["proxy"]]

"""The book's tables: Markdown that the book numbers and links, and that any viewer of notebooks can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

import zsnas.proxies
import zsnas.statistics
from zsnas.book.tables.numbers import counted, interval, intervals, number
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "correlation_table",
    "images_table",
    "linked_label",
    "numbered",
    "ratio_table",
    "spread_table",
    "undefined_ranked",
]


def numbered(
    rows: pd.DataFrame,
    caption: str,
    name: str,
    align: Literal["left", "right"] = "right",
    *,
    legend: str = "",
) -> str:
    """Write a table with a caption and a number, as a MyST directive.

    Parameters
    ----------
    rows : DataFrame
        Cells are written as they are; the index becomes the first column, under its own name.
    caption : str
        What the reader sees, in two lines at most. May hold MyST roles.
    name : str
        For cross-references: ``{numref}`name```.
    align : str
        Where the cells of the columns stand: "right" suits numbers, "left" words. The first column is left.
    legend : str
        How it was computed: the book folds it below the table.
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
    if legend:
        lines += ["", ":::{legend}", legend, ":::"]
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def linked_label(proxy: str) -> str:
    """Write the name of a proxy with a link to its equation in the book."""
    found = zsnas.proxies.proxy(proxy)
    return f"{found.label}, {{eq}}`{found.equation}`"


def correlation_table(table: pd.DataFrame, caption: str, name: str, *, top: float = 0.05) -> str:
    """Write the numbers of :func:`zsnas.correlations`: a row per proxy, in the order of its KT over all.

    Below it stands :func:`undefined_ranked`, where it says anything.

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
            columns[f"{statistic}, {label}"] = intervals(rows)
    rows = _select(table, "KT", "all")
    columns |= {
        "n (missing)": list(map(counted, rows["n"], rows["missing"])),
        "seeds": [str(n) for n in rows["seeds"]],
    }
    index = pd.Index([linked_label(proxy) for proxy in rows.index], name="Proxy")
    written = numbered(pd.DataFrame(columns, index), caption, name)
    note = undefined_ranked(table, top=top)
    return f"{written}\n\n{note}" if note else written


def undefined_ranked(table: pd.DataFrame, *, top: float = 0.05) -> str:
    """Say what KT is with the architectures in it that a proxy is undefined for; empty when there are none.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.correlations`.
    top : float
        The fraction that the subset "top" stands for.
    """
    over_all, best = (_select(table, "KT", subset) for subset in ("all", "top"))
    found = [
        f"{label_of(proxy)} {_with_undefined(over_all.loc[proxy])} ({_with_undefined(best.loc[proxy])})"
        for proxy in over_all.index[over_all["missing"] > 0]
    ]
    if not found:
        return ""
    return (
        "What a proxy is undefined for is left out above. Ranked below everything else instead, as a search "
        "would treat it, or above where the score is too large for its numbers, it gives this KT over all "
        f"(top {100 * top:g}\N{NO-BREAK SPACE}%): {'; '.join(found)}."
    )


def _with_undefined(row: pd.Series[float]) -> str:
    value, low, high = (float(row[f"{column}_with_undefined"]) for column in ("value", "low", "high"))
    return interval(value, low, high)


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
    columns = {"τ between both": intervals(alike.loc[order])}
    for images, table in found.items():
        rows = _select(table, "KT", "all").loc[order]
        columns[f"τ with truth, {images}"] = intervals(rows)
    names = pd.Index([label_of(proxy) for proxy in order], name="Proxy")
    return numbered(pd.DataFrame(columns, names), caption, name)


def spread_table(
    repeated: pd.DataFrame, table: pd.DataFrame, caption: str, name: str, legend: str = ""
) -> str:
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
    caption, name, legend : str
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
    written.index = pd.Index([label_of(proxy) for proxy in written.index], name="Proxy")
    deviation = _select(repeated, "KT", "all")["seed_sd"]
    moved = deviation.index[2 * deviation > _half_widths(table, "KT").reindex(deviation.index)]
    named = ", ".join(label_of(proxy) for proxy in moved) or "none"
    reading = (
        "By KT, the seed moves a proxy further than the choice of architectures does (twice its deviation is "
        f"more than half of the interval) for: {named}."
    )
    return f"{numbered(written, caption, name, legend=legend)}\n\n{reading}"


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
        columns[f"{label_of(proxy)}, {statistic}"] = intervals(rows)
    points = chosen.drop_duplicates("ratio")
    columns["n"] = [f"{n:,}" for n in points["n"]]
    index = [f"{100 * ratio:g}\N{NO-BREAK SPACE}%" for ratio in points["ratio"]]
    return numbered(pd.DataFrame(columns, pd.Index(index, name="Kept")), caption, name)


def _select(table: pd.DataFrame, statistic: str, subset: str) -> pd.DataFrame:
    """Rows of one statistic and subset, in the order of Kendall's τ over all architectures."""
    order = table[(table["statistic"] == "KT") & (table["subset"] == "all")].sort_values(
        "value", ascending=False, kind="stable"
    )
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset)]
    return rows.set_index("proxy").loc[order["proxy"]]

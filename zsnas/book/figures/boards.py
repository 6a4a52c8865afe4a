"""How far the proxies are ahead of the counts on all benchmarks: a figure and its table.

The style is that of :mod:`zsnas.figures`.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from zsnas.book import tables
from zsnas.book.studies.boards import against_the_better
from zsnas.figures import BLUE, INK, PAPER, VERMILION, WIDTH, _styled
from zsnas.proxies import label_of

__all__ = ["board_dots", "board_dots_alt", "board_table"]


@_styled
def board_dots(board: pd.DataFrame) -> Figure:
    """Draw each proxy's difference from the better count, one dot a benchmark.

    Parameters
    ----------
    board : DataFrame
        Of :func:`zsnas.book.studies.boards.board`.
    """
    rows = against_the_better(board, "all")
    order = rows.groupby("proxy")["value"].median().sort_values(ascending=False).index
    figure = Figure(figsize=(WIDTH, 1.2 + 0.3 * max(len(order), 1)), layout="constrained")
    axes = figure.subplots()
    for place, proxy in enumerate(order):
        here = rows[rows["proxy"] == proxy]
        for value, low, high in zip(here["value"], here["low"], here["high"], strict=True):
            decided = BLUE if low > 0 else VERMILION if high < 0 else PAPER
            axes.plot(value, place, "o", markersize=7, color=decided, markeredgecolor=INK)
    for colour, words in ((BLUE, "ahead"), (PAPER, "level"), (VERMILION, "behind")):
        axes.plot([], [], "o", color=colour, markeredgecolor=INK, label=words)
    axes.axvline(0, color=INK, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(order)), [label_of(str(name)) for name in order], fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.set_xlabel("Kendall's τ minus that of the better count")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def board_dots_alt(board: pd.DataFrame) -> str:
    """Say what :func:`board_dots` shows: how many are ahead and behind, and the best proxy.

    Parameters
    ----------
    board : DataFrame
    """
    rows = against_the_better(board, "all")
    if rows.empty:
        return "An empty chart: too few networks are scored."
    best = rows.groupby("proxy")["value"].median().idxmax()
    return (
        f"Dot chart of {rows['proxy'].nunique()} proxies on {rows['benchmark'].nunique()} benchmarks: "
        f"{(rows['low'] > 0).sum()} dots are ahead of the better count, {(rows['high'] < 0).sum()} behind, "
        f"of {len(rows)}; {label_of(str(best))} has the highest median."
    )


def board_table(board: pd.DataFrame, name: str) -> str:
    """Write Kendall's τ over all networks, one row a benchmark, one column a proxy, with marks.

    Parameters
    ----------
    board : DataFrame
    name : str
        For references to the table.
    """
    own = board[(board["subset"] == "all") & (board["reference"] == "params")]
    if own.empty:
        return "Too few networks are scored here to correlate."
    marks = against_the_better(board, "all").set_index(["benchmark", "proxy"])
    order = list(dict.fromkeys(own["proxy"]))
    rows = {
        benchmark: [_cell(here.set_index("proxy"), marks, str(benchmark), proxy) for proxy in order]
        for benchmark, here in own.groupby("benchmark", sort=False)
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[label_of(proxy) for proxy in order])
    table.index.name = "Benchmark"
    words = (
        "Kendall's τ over all networks of each benchmark. ▲ and ▼: above and below that of the better count "
        "with the whole 95 % interval; –: not scored."
    )
    return tables.numbered(table, words, name)


def _cell(here: pd.DataFrame, marks: pd.DataFrame, benchmark: str, proxy: str) -> str:
    if proxy not in here.index:
        return "–"
    value = tables.number(float(here["kt"].loc[proxy]))
    if (benchmark, proxy) not in marks.index:
        return value
    low, high = (float(marks[end].loc[(benchmark, proxy)]) for end in ("low", "high"))
    return f"{value}{' ▲' if low > 0 else ' ▼' if high < 0 else ''}"

"""`zsnas course`: the leaderboard of a class."""

import argparse
import html
import math
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsnas.cli._output import print_table
from zsnas.cli._parser import Commands, add_command

if TYPE_CHECKING:
    import pandas as pd

TITLES = ("Place", "Who", "Proxy", "KT top 5 %", "Minus #Params", "KT all", "Networks all/top", "Missing")

_STYLE = """
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.8rem; text-align: right; border-bottom: 1px solid #999; white-space: nowrap; }
th:nth-child(2), td:nth-child(2), th:nth-child(3), td:nth-child(3) { text-align: left; }
"""


def add(commands: Commands) -> None:
    """Add `zsnas course` to the commands."""
    parser = add_command(
        commands,
        "course",
        _run,
        "rank the proxies of a class by the JSON files that `zsnas evaluate` writes",
        "zsnas evaluate my_proxy.py --benchmarks nb201/cifar100 --networks 120 --output class/ada.json\n"
        "  zsnas course class --output class/board.html",
    )
    parser.add_argument("folder", help="a folder with a file NAME.json for each student or group")
    parser.add_argument("--output", metavar="PAGE", help="write the leaderboard as an HTML page, too")


def _run(options: argparse.Namespace) -> int:
    from zsnas._files import checked_file
    from zsnas.course import board

    if options.output:
        checked_file("the page", options.output, ".html", ".htm")
    table = board(options.folder)
    for name, why in table.attrs["unread"].items():
        print(f"zsnas: note: {name} is left out: {why}", file=sys.stderr)
    for benchmark, rows in table.groupby("benchmark", sort=False):
        print(f"{benchmark}: by Kendall's τ over the top 5 %")
        print_table(TITLES, [_cells(row) for row in rows.to_dict("records")])
        print()
    if options.output:
        Path(options.output).write_text(page(table), encoding="utf-8")
        print(f"the page is {options.output}")
    return 0


def page(table: "pd.DataFrame") -> str:
    """Return a board as one HTML page that needs nothing else.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.course.board`.
    """
    head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in TITLES)
    sections = ""
    for benchmark, rows in table.groupby("benchmark", sort=False):
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _cells(row))}</tr>\n"
            for row in rows.to_dict("records")
        )
        sections += (
            f"<h2>{html.escape(str(benchmark))}</h2>\n<div class='scroll' tabindex='0' role='region' "
            f"aria-label='Board'><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
        )
    left_out = "".join(
        f"<li>{html.escape(name)} is left out: {html.escape(why)}</li>\n"
        for name, why in table.attrs.get("unread", {}).items()
    )
    sections += f"<ul>{left_out}</ul>\n" if left_out else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Who beats #Params?</title><style>{_STYLE}</style></head>\n<body><main>"
        "<h1>Who beats #Params where it counts?</h1>\n"
        "<p>By Kendall’s τ (KT) over the top 5 %. #Params is measured on the same networks. A star: the 95 % "
        f"intervals of the two do not overlap.</p>\n{sections}</main></body></html>\n"
    )


def _cells(row: dict[Hashable, Any]) -> tuple[str, ...]:
    ahead = _signed(row["ahead"]) + (" *" if row["decided"] else "")
    place = "–" if _is_nan(row["place"]) else f"{row['place']:.0f}"
    counts = f"{row['n']:,}/{row['n_top']:,}", f"{row['missing']:,}"
    return (
        place,
        str(row["who"]),
        str(row["proxy"]),
        _signed(row["kt_top"]),
        ahead,
        _signed(row["kt"]),
        *counts,
    )


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _signed(value: object) -> str:
    return "–" if _is_nan(value) else f"{value:z.2f}".replace("-", "−")

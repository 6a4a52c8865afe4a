"""`zsnas leaderboard`: how well every proxy ranks every benchmark, from the published scores."""

import argparse
import math
import sys
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zsnas.cli._parser import Commands, add_command, from_zero, words

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("md", "csv", "json")


def add(commands: Commands) -> None:
    """Add `zsnas leaderboard` to the commands."""
    parser = add_command(
        commands,
        "leaderboard",
        _run,
        "compare proxies over benchmarks, from the published scores",
        "zsnas leaderboard --benchmarks mobilenet-v2\n"
        "  zsnas leaderboard --proxies params,synflow --format csv > leaderboard.csv",
    )
    parser.add_argument(
        "--benchmarks",
        type=words,
        metavar="NAMES",
        help="names with wildcards or their first part, separated by commas (default: all with scores)",
    )
    parser.add_argument(
        "--proxies",
        type=words,
        metavar="NAMES",
        help="names with wildcards, separated by commas (default: all but variants)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="md",
        help="md has the main numbers, csv and json have every column (default: md)",
    )
    parser.add_argument(
        "--resamples",
        type=from_zero,
        default=1000,
        help="of the bootstrap; 0 for no intervals (default: 1000)",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas.leaderboard import leaderboard

    table = leaderboard(
        options.benchmarks, options.proxies, options.resamples, progress=not options.no_progress
    )
    for name, remedy in table.attrs["absent"].items():
        print(f"zsnas: note: {name} is left out: it is not here ({remedy})", file=sys.stderr)
    if table.empty:
        raise ValueError(
            "nothing is left to rank; `zsnas benchmarks --details` says which benchmarks are here"
        )
    if options.format == "csv":
        table.to_csv(sys.stdout, index=False)
    elif options.format == "json":
        print(table.to_json(orient="records", indent=1, double_precision=15, force_ascii=False))
    else:
        print("\n".join(_markdown(table)))
    return 0


def _markdown(table: "pd.DataFrame") -> Iterator[str]:
    """Write a table per benchmark."""
    for name, rows in table.groupby("benchmark", sort=False):
        top, unit = rows["top"].iloc[0], rows["unit"].iloc[0]
        titles = ["proxy", "rank", "KT all", f"KT top {top:.0%}", "SPR all", f"SPR top {top:.0%}"]
        titles += [f"regret ({unit})" if unit else "regret", "n", "undefined", "seeds", "cost"]
        yield f"## {name}\n"
        yield _row(titles)
        yield _row([":--", *["--:"] * (len(titles) - 1)])
        for row in rows.to_dict("records"):
            yield _row(
                [
                    f"{row['label']} (`{row['proxy']}`)",
                    _places(row),
                    *(_estimate(row, column) for column in ("kt", "kt_top", "spr", "spr_top", "regret")),
                    *(str(row[column]) for column in ("n", "missing", "seeds")),
                    _number(row["cost"]),
                ]
            )
        yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _places(row: dict[Hashable, Any]) -> str:
    if math.isnan(row["rank"]):
        return "–"
    places = dict.fromkeys(f"{row[end]:.0f}" for end in ("rank", "rank_to"))
    return f"{'–'.join(places)} of {row['ranked']}"


def _estimate(row: dict[Hashable, Any], column: str) -> str:
    value, low, high = (row[f"{column}{end}"] for end in ("", "_low", "_high"))
    return _number(value) if math.isnan(low) else f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:z.2f}".replace("-", "−")

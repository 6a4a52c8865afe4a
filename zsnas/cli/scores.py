"""`zsnas scores`: read what a sweep has stored, or what is published for a benchmark."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from zsnas.cli._output import (
    add_results,
    number,
    print_table,
    records,
    takes_the_place_of_tables,
    write_results,
)
from zsnas.cli._parser import Commands, add_command, add_load, refuse
from zsnas.cli.benchmarks import one_benchmark

if TYPE_CHECKING:
    import pandas as pd


def add(commands: Commands) -> None:
    """Add `zsnas scores` to the commands."""
    parser = add_command(
        commands,
        "scores",
        _run,
        "read the scores of a sweep's store, or the published ones of a benchmark",
        "zsnas scores .zsnas/sweeps/nb201/cifar100.sqlite --csv out.csv\n  zsnas scores nb201/cifar100\n"
        "  zsnas scores merge here.sqlite from_there.sqlite",
    )
    parser.add_argument("what", help="a store of zsnas sweep, or a benchmark; or the word merge")
    parser.add_argument(
        "stores", nargs="*", metavar="STORE", help="with merge: the store to add to, and those to add"
    )
    parser.add_argument(
        "--keep-first",
        action="store_true",
        help="with merge: where scores differ, keep those of the first store",
    )
    parser.add_argument(
        "--mix",
        action="store_true",
        help="with merge: take scores made with another torch or number of threads",
    )
    add_load(parser)
    add_results(parser)


def _run(options: argparse.Namespace) -> int:
    if options.what == "merge":
        return _merge(options)
    if options.stores:
        raise ValueError(f"{options.stores[0]!r} is one too many; several stores go behind the word merge")
    refuse(options, ["keep_first", "mix"], "for stores behind the word merge")
    table = read(options.what)
    about = {str(key): value for key, value in table.attrs.items()}
    if not takes_the_place_of_tables(options):
        seeds = ", ".join(map(str, sorted(table["seed"].unique())))
        print(
            f"{about['benchmark']}: {table['arch'].nunique():,} architectures, seeds {seeds}; "
            f"{about['batch_source']}"
        )
        print_table(
            ("proxy", "scores", "no score", "lowest", "median", "highest"),
            [_summary(table, name) for name in proxies(table)],
        )
    if options.csv or options.json:
        write_results(options, list(records(table)), about, "scores")
    return 0


def _merge(options: argparse.Namespace) -> int:
    from zsnas.scores.merge import merge

    if len(options.stores) < 2:
        raise ValueError(
            "merge takes a store to add to, and one or more to add: zsnas scores merge A.sqlite B.sqlite"
        )
    into, *others = options.stores
    merged = merge(into, others, keep_first=options.keep_first, mix=options.mix)
    print(
        f"{merged.added:,} scores were added to {into}; {merged.known:,} were there already, {merged.words}"
    )
    return 0


def read(what: str) -> "pd.DataFrame":
    """Return the scores of a store, or the published ones of a benchmark."""
    from zsnas.scores.table import scores, stored

    if Path(what).is_file():
        return stored(what)
    if Path(what).suffix == ".sqlite":
        raise ValueError(f"there is no store {what!r}; `zsnas sweep` makes one")
    return scores(one_benchmark(what))


def proxies(table: "pd.DataFrame") -> list[str]:
    """Return the columns of a table that are scores."""
    return [
        name for name in table.columns if name not in ("arch", "seed", "batch_size", "seconds", "reasons")
    ]


def _summary(table: "pd.DataFrame", name: str) -> tuple[str, ...]:
    found = table[name].dropna()
    if found.empty:
        return name, "0", f"{len(table):,}", "", "", ""
    return (
        name,
        f"{len(found):,}",
        f"{len(table) - len(found):,}",
        *map(number, (found.min(), found.median(), found.max())),
    )

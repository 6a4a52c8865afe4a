"""`zsnas benchmarks`: list the benchmarks."""

import argparse

from ._output import print_table
from ._parser import Commands, add_command


def add(commands: Commands) -> None:
    """Add `zsnas benchmarks` to the commands."""
    parser = add_command(
        commands, "benchmarks", _run, "list the benchmarks", "zsnas benchmarks 'nb201/*' --details"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    parser.add_argument("--details", action="store_true", help="load each table and describe it")


def _run(options: argparse.Namespace) -> int:
    from zsnas.benchmarks import list_benchmarks

    names = list_benchmarks(options.pattern)
    if options.details:
        print_table(("name", "rows", "best", "space", "batch", "licence"), [_details(name) for name in names])
    else:
        print("\n".join(names))
    return 0


def _details(name: str) -> tuple[str, ...]:
    from zsnas.benchmarks import benchmark
    from zsnas.sources import SourceUnavailable

    try:
        bench = benchmark(name)
    except SourceUnavailable:
        return name, "", "unavailable: zsnas data fetch", "", "", ""
    best = f"{bench.table[bench.metric].max():.2f} {bench.unit}" if bench.metric else "–"
    return bench.name, str(len(bench.table)), best, bench.space or "–", bench.batch or "–", bench.licence

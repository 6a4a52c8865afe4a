"""`zsnas benchmarks`: list the benchmarks."""

import argparse

from zsnas.cli._output import nothing_matches, print_table
from zsnas.cli._parser import Commands, add_command, add_load


def add(commands: Commands) -> None:
    """Add `zsnas benchmarks` to the commands."""
    parser = add_command(
        commands, "benchmarks", _run, "list the benchmarks", "zsnas benchmarks 'nb201/*' --details"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    parser.add_argument("--details", action="store_true", help="load each table and describe it")
    add_load(parser)


def one_benchmark(name: str) -> str:
    """Return the name of a benchmark; a ValueError names those that a family or a wildcard stands for."""
    from zsnas.benchmarks import list_benchmarks

    found = [] if name in list_benchmarks() else list_benchmarks(f"{name}/*") or list_benchmarks(name)
    if found:
        raise ValueError(f"{name!r} stands for {', '.join(found)}; name one of them")
    return name


def _run(options: argparse.Namespace) -> int:
    from zsnas.benchmarks import list_benchmarks, listing

    names = list_benchmarks(options.pattern)
    if not names:
        raise nothing_matches("benchmark", options.pattern, "zsnas benchmarks")
    if options.details:
        print_table(("name", "rows", "best", "space", "batch", "licence"), [_details(name) for name in names])
    else:
        found = listing(options.pattern)["purpose"]
        print_table(("name", "what it is"), [*zip(found.index, found, strict=True)])
    return 0


def _details(name: str) -> tuple[str, ...]:
    from zsnas._extras import ExtraMissing
    from zsnas.benchmarks import benchmark
    from zsnas.sources import SourceUnavailable

    try:
        bench = benchmark(name)
    except SourceUnavailable:
        return name, "", "unavailable: zsnas data fetch", "", "", ""
    except ExtraMissing as missing:
        return name, "", f"unavailable: {missing.remedy}", "", "", ""
    best = f"{bench.table[bench.metric].max():.2f} {bench.unit}" if bench.metric else "–"
    return bench.name, str(len(bench.table)), best, bench.space or "–", bench.batch or "–", bench.licence

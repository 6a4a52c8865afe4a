"""`zsnas sweep`: score the architectures of a benchmark."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zsnas.cli._parser import (
    PROXIES,
    Commands,
    above_zero,
    add_command,
    add_load,
    numbers,
    positive,
    refuse,
    words,
)
from zsnas.cli.benchmarks import one_benchmark

if TYPE_CHECKING:
    import pandas as pd


def add(commands: Commands) -> None:
    """Add `zsnas sweep` to the commands."""
    parser = add_command(
        commands,
        "sweep",
        _run,
        "score the architectures of a benchmark; the same command resumes a stopped one",
        "zsnas sweep nb201/cifar100 --proxies params,synflow --seeds 0,1 --limit 1000 --top 0.05",
    )
    parser.add_argument("benchmark", help="such as nb201/cifar100; zsnas benchmarks lists them")
    parser.add_argument("--proxies", type=words, help=f"{PROXIES} (default: all)")
    parser.add_argument(
        "--seeds", type=numbers, default=[0], help="numbers, separated by commas (default: 0)"
    )
    parser.add_argument("--limit", type=positive, help="architectures to draw at random (default: all)")
    parser.add_argument(
        "--top", type=float, default=0.0, help="add the best fraction, such as 0.05 (default: 0)"
    )
    parser.add_argument(
        "--top-limit", type=positive, help="so many of the best fraction, at random (default: all)"
    )
    parser.add_argument(
        "--batch-size",
        type=positive,
        help="images in a batch (default: as of the published scores, which a sweep goes on with, or 64)",
    )
    parser.add_argument(
        "--store", help="file that keeps the scores (default: .zsnas/sweeps/BENCHMARK.sqlite)"
    )
    parser.add_argument("--workers", type=positive, help="processes; one that dies is replaced (default: 1)")
    parser.add_argument(
        "--threads",
        type=positive,
        default=1,
        help="threads of each process; the same in all of a store (default: 1)",
    )
    parser.add_argument(
        "--time-limit", type=above_zero, metavar="SECONDS", help="for one architecture (default: an hour)"
    )
    parser.add_argument(
        "--memory-limit", type=above_zero, metavar="GB", help="for the proxies of one network, on Linux"
    )
    parser.add_argument(
        "--dask",
        metavar="SCHEDULER",
        help="score on the workers of this Dask scheduler: tcp://HOST:8786, or "
        "the path of its scheduler file",
    )
    parser.add_argument(
        "--mix", action="store_true", help="go on with a store made with another torch or number of threads"
    )
    add_load(parser)
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on, or mps (default: cpu)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    parser.add_argument("--publish", action="store_true", help="then write data/scores/BENCHMARK.parquet")


def _run(options: argparse.Namespace) -> int:
    from zsnas.scores.table import check_writable, publish, stored

    one_benchmark(options.benchmark)
    if not options.top:
        refuse(options, ["top_limit"], "of the fraction that --top adds, which is not given")
    if options.dask:
        refuse(options, ["workers"], "of this machine, and --dask gives the workers of a scheduler")
    if options.publish:
        check_writable(options.benchmark)
    is_new = not Path(options.store or f".zsnas/sweeps/{options.benchmark}.sqlite").exists()
    store = _sweep(options)
    table = stored(store)
    _tell_unmeasured(table)
    if is_new:
        _tell_published(table)
    _tell_correlations(table, options.top, options.proxies)
    given = shlex.join([str(store), *(word for file in options.load for word in ("--load", file))])
    print(
        f"scores are in {store}\n"
        f"to read them: zsnas scores {given} --csv scores.csv\n"
        f"with intervals: zsnas correlate {given}\n"
        "the same command with more seeds or a higher --limit adds to them"
    )
    if options.publish:
        print(f"published as {publish(store, options.benchmark)}")
    return 0


def _sweep(options: argparse.Namespace) -> Path:
    from zsnas.scores.sweep import sweep

    settings = {
        "proxies": options.proxies,
        "seeds": options.seeds,
        "limit": options.limit,
        "top": options.top,
        "top_limit": options.top_limit,
        "batch_size": options.batch_size or _published_size(options.benchmark),
        "store": options.store,
        "workers": options.workers or 1,
        "progress": not options.no_progress,
        "device": options.device,
        "threads": options.threads,
        "time_limit": options.time_limit,
        "memory_limit_gb": options.memory_limit,
        "mix": options.mix,
    }
    if not options.dask:
        return sweep(options.benchmark, **settings)
    from zsnas.scores.cluster import PATIENCE, dask

    print(f"waiting up to {PATIENCE} s for the scheduler at {options.dask}", file=sys.stderr)
    with dask(options.dask) as (executor, workers):
        print(f"{workers} workers of {options.dask} score", file=sys.stderr)
        return sweep(options.benchmark, **settings | {"executor": executor, "workers": workers})


def _published_size(benchmark_name: str) -> int:
    from zsnas.scores.table import published_path, scores

    if not published_path(benchmark_name).exists():
        return 64
    return int(scores(benchmark_name)["batch_size"].iloc[0])


def _tell_unmeasured(table: "pd.DataFrame") -> None:
    """Say how many networks lack scores for what happened here, and why the first does."""
    from zsnas.proxies import NOT_MEASURED

    reasons = [json.loads(text) for text in table["reasons"].dropna()]
    lacking = [found for found in reasons if any(why.startswith(NOT_MEASURED) for why in found.values())]
    if lacking:
        name, why = next((n, w) for n, w in lacking[0].items() if w.startswith(NOT_MEASURED))
        what = f"{len(lacking):,} networks lack scores, which the same command tries again"
        print(f"{what}; of the first, {name} is {why}")


def _tell_published(table: "pd.DataFrame") -> None:
    """Say how many scores of a new store were read and not computed."""
    from zsnas.scores.table import published_path, read

    path = published_path(table.attrs["benchmark"])
    if not path.exists():
        return
    published = read(path)
    if published.attrs.get("batch_source") == table.attrs["batch_source"]:
        print(f"{len(published):,} networks were read from the published scores ({path}), not computed here")


def _tell_correlations(table: "pd.DataFrame", top: float, asked: list[str] | None) -> None:
    from zsnas.cli.correlate import correlated, print_correlations
    from zsnas.proxies import choose_proxies

    try:
        found = correlated(table, top or 0.05, choose_proxies(asked))
    except ValueError as reason:
        print(f"no correlations: {reason}")
        return
    print_correlations(found, top or 0.05)

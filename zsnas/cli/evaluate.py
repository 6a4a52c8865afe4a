"""`zsnas evaluate`: correlate the proxies of your own file with accuracy."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zsnas.cli._output import print_table
from zsnas.cli._parser import Commands, add_command, add_load, numbers, positive, words

if TYPE_CHECKING:
    from zsnas.evaluate import Evaluation, Result

MOST_WORKERS = 4
"""Processes that are started unasked: each needs a gigabyte or two."""


def add(commands: Commands) -> None:
    """Add `zsnas evaluate` to the commands."""
    parser = add_command(
        commands,
        "evaluate",
        _run,
        "correlate the proxies of your own file with accuracy, beside the published ones",
        "zsnas evaluate my_proxy.py --benchmarks nb201 --profile quick\n"
        "  zsnas evaluate my_proxy.py --benchmarks nb201/cifar100 --profile full --output report.html",
    )
    parser.add_argument("file", help="a Python file with proxies under @zsnas.register(…)")
    parser.add_argument(
        "--benchmarks",
        type=words,
        metavar="NAMES",
        help="names with wildcards or their first part, separated by commas (default: nb201)",
    )
    parser.add_argument(
        "--profile",
        default="quick",
        help="quick: at most 40 architectures a benchmark, for nb201 three to four CPU minutes with a proxy "
        "that costs a gradient, which two cores share; "
        "full: all that have published scores, an hour or more (default: quick)",
    )
    parser.add_argument(
        "--networks",
        type=positive,
        metavar="N",
        help="so many architectures in place of those 40, half of them of the top 5 %%",
    )
    parser.add_argument(
        "--output",
        metavar="PAGE",
        help="where the HTML page goes or, with the ending .json, what the leaderboard of the book reads "
        "(default: FILE.html, here)",
    )
    parser.add_argument(
        "--seeds", type=numbers, help="numbers, separated by commas (default: those of the profile)"
    )
    parser.add_argument(
        "--batch-size", type=positive, help="images in a batch (default: that of the published scores)"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on, or mps (default: cpu)")
    parser.add_argument(
        "--workers",
        type=positive,
        help=f"processes of one thread (default: one a core up to {MOST_WORKERS}, and 1 on another device)",
    )
    parser.add_argument("--recompute", action="store_true", help="score again what .zsnas/evaluate holds")
    add_load(parser)
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas._files import checked_file
    from zsnas.evaluate import DEFAULT, evaluate
    from zsnas.evaluate.page import page
    from zsnas.evaluate.record import record

    given = options.output or f"{Path(options.file).stem}.html"
    output = checked_file("the page or the result", given, ".html", ".htm", ".json")
    evaluation = evaluate(
        options.file,
        options.benchmarks or DEFAULT,
        options.profile,
        networks=options.networks,
        seeds=options.seeds,
        batch_size=options.batch_size,
        device=options.device,
        workers=options.workers or _workers(options.device),
        recompute=options.recompute,
        progress=not options.no_progress,
    )
    is_record = output.suffix == ".json"
    output.write_text(record(evaluation) if is_record else page(evaluation), encoding="utf-8")
    for note in evaluation.notes:
        print(f"note: {note}")
    for result in evaluation.results:
        _print_result(evaluation, result)
    what = (
        "result, which the leaderboard of the book reads,"
        if is_record
        else "page with figure, table and how it was made"
    )
    print(f"the {what} is {output}")
    return 0


def _workers(device: str | None) -> int:
    return min(os.cpu_count() or 1, MOST_WORKERS) if device in (None, "cpu") else 1


def _print_result(evaluation: "Evaluation", result: "Result") -> None:
    from zsnas.evaluate.page import TITLES, cells, reasons, verdicts

    seeds = "seed" if len(result.seeds) == 1 else "seeds"
    print(
        f"{result.bench.name}: {len(result.scores):,} networks, {seeds} {', '.join(map(str, result.seeds))}, "
        f"batches of {result.batch_size}: {result.batch_source}"
    )
    rows = [(f"{'→' if row[0] in result.yours else ' '} {row[0]}", *row[1:]) for row in cells(result)]
    titles = (f"  {TITLES[0]}", *TITLES[1:])
    for columns in _fitting(titles, rows):
        print_table([titles[k] for k in columns], [[row[k] for k in columns] for row in rows])
    print(f"→ from {evaluation.file.name}; KT Kendall's τ, SPR Spearman's ρ, with 95 % intervals")
    for sentence in (*verdicts(result), *reasons(result), *result.notes):
        print(f"- {sentence}")
    print()


def _fitting(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[tuple[int, ...], ...]:
    """Choose columns: one table, or where the terminal is too narrow for it one table a statistic."""
    import shutil

    width = sum(max(map(len, column)) + 2 for column in zip(titles, *rows, strict=True))
    if not sys.stdout.isatty() or width <= shutil.get_terminal_size().columns:
        return (tuple(range(len(titles))),)
    return (0, 1, 2, 5, 6), (0, 3, 4, 5, 6)

"""`zsnas train-benchmark`: train a share of a benchmark of our own."""

import argparse

from zsnas.cli._parser import Commands, add_command, numbers, positive


def add(commands: Commands) -> None:
    """Add `zsnas train-benchmark` to the commands."""
    parser = add_command(
        commands,
        "train-benchmark",
        _run,
        "train cells of NB201-Digits from scratch; the same command resumes a stopped one",
        "zsnas train-benchmark digits --limit 200 --seeds 0,1,2 --output digits.parquet\n"
        "  zsnas train-benchmark digits --share 2/5 --output second.parquet\n"
        "  zsnas train-benchmark digits --merge first.parquet second.parquet --output all.parquet",
    )
    parser.add_argument("benchmark", choices=["digits"], help="what to train on")
    parser.add_argument("--limit", type=positive, help="cells, of a fixed random order (default: all 6,466)")
    parser.add_argument(
        "--seeds", type=numbers, default=[0, 1, 2], help="numbers, separated by commas (default: 0,1,2)"
    )
    parser.add_argument(
        "--share", type=_share, default=(1, 1), metavar="PART/PARTS", help="one of several equal parts"
    )
    parser.add_argument(
        "--output",
        default=".zsnas/training/digits.parquet",
        metavar="FILE",
        help="keeps what was trained (default: .zsnas/training/digits.parquet)",
    )
    parser.add_argument(
        "--merge", nargs="+", metavar="FILE", help="train nothing: join these files into the output"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas.training import merge, train_share

    if options.merge:
        table = merge(options.merge, options.output)
    else:
        table = train_share(
            options.output,
            seeds=options.seeds,
            limit=options.limit,
            share=options.share,
            progress=not options.no_progress,
        )
    seeds = table["seed"].to_pylist()
    counts = ", ".join(f"{seeds.count(seed):,} with seed {seed}" for seed in sorted(set(seeds)))
    print(f"{len(table):,} trained networks are in {options.output}: {counts}")
    return 0


def _share(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 2/5 for the second of five")
    return int(part), int(parts)

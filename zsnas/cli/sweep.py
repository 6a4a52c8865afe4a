"""`zsnas sweep`: score the architectures of a benchmark."""

import argparse

from ._parser import Commands, add_command, words


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
    parser.add_argument("--proxies", type=words, help="names, separated by commas (default: all)")
    parser.add_argument(
        "--seeds", type=_numbers, default=[0], help="numbers, separated by commas (default: 0)"
    )
    parser.add_argument("--limit", type=int, help="architectures to draw at random (default: all)")
    parser.add_argument(
        "--top", type=float, default=0.0, help="add the best fraction, such as 0.05 (default: 0)"
    )
    parser.add_argument("--batch-size", type=int, default=64, help="images in a batch (default: 64)")
    parser.add_argument(
        "--store", help="file that keeps the scores (default: .zsnas/sweeps/BENCHMARK.sqlite)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on, or mps (default: cpu)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    parser.add_argument("--publish", action="store_true", help="then write data/scores/BENCHMARK.parquet")


def _run(options: argparse.Namespace) -> int:
    from zsnas.score_table import publish
    from zsnas.sweep import sweep

    store = sweep(
        options.benchmark,
        proxies=options.proxies,
        seeds=options.seeds,
        limit=options.limit,
        top=options.top,
        batch_size=options.batch_size,
        store=options.store,
        workers=options.workers,
        progress=not options.no_progress,
        device=options.device,
    )
    print(f"scores are in {store}")
    if options.publish:
        print(f"published as {publish(store, options.benchmark)}")
    return 0


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of whole numbers; write them like 0,1,2"
        ) from None

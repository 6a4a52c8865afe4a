"""`zsnas search`: look for the architecture that proxies rank highest."""

import argparse

from zsnas.cli._output import print_table
from zsnas.cli._parser import BATCH, Commands, above_zero, add_command, add_load, positive, words


def add(commands: Commands) -> None:
    """Add `zsnas search` to the commands."""
    parser = add_command(
        commands,
        "search",
        _run,
        "look for the architecture of a space that proxies rank highest, under a budget",
        "zsnas search proxyless --proxies synflow --macs 600 --image-size 224 --checkpoint synflow.jsonl\n"
        "  zsnas search nb201 --batch cifar100 --proxies zen_score,params --algorithm local --steps 200",
    )
    parser.add_argument("space", help="such as proxyless or nb201")
    parser.add_argument(
        "--proxies", type=words, required=True, help="names, separated by commas; ranks of several add up"
    )
    parser.add_argument("--algorithm", default="evolution", help="evolution, local or random")
    parser.add_argument(
        "--steps", type=positive, default=10_000, help="architectures to propose (default: 10000)"
    )
    parser.add_argument(
        "--population", type=positive, default=100, help="of evolution, drawn at random (default: 100)"
    )
    parser.add_argument(
        "--macs",
        type=above_zero,
        default=float("inf"),
        metavar="MILLIONS",
        help="budget of multiply-accumulates an image (default: none)",
    )
    parser.add_argument(
        "--image-size",
        type=positive,
        metavar="PIXELS",
        help="side of the images that the budget is for (default: that of the batch)",
    )
    parser.add_argument("--batch", default="imagenet1k", help=f"{BATCH} (default: imagenet1k)")
    parser.add_argument("--batch-size", type=positive, default=16, help="images in the batch (default: 16)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on, or mps (default: cpu)")
    parser.add_argument("--seed", type=int, default=0, help="draws all that is random (default: 0)")
    add_load(parser)
    parser.add_argument("--checkpoint", metavar="FILE", help="keeps every score; a killed search resumes")
    parser.add_argument(
        "--time-limit",
        type=above_zero,
        metavar="SECONDS",
        help="for one architecture, which is scored in a process of its own (default: an hour with --load)",
    )
    parser.add_argument("--output", metavar="FILE", help="write every step, to NAME.csv or NAME.parquet")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas._files import checked_file
    from zsnas._processes import HOUR
    from zsnas.search import search

    output = options.output and checked_file("the history of a search", options.output, ".csv", ".parquet")
    found = search(
        options.space,
        proxies=options.proxies,
        algorithm=options.algorithm,
        steps=options.steps,
        macs=options.macs * 1e6,
        batch_name=options.batch,
        batch_size=options.batch_size,
        image_size=options.image_size,
        seed=options.seed,
        device=options.device,
        population=options.population,
        checkpoint=options.checkpoint,
        # A proxy of one's own may end the process.
        time_limit=options.time_limit or (HOUR if options.load else None),
        progress=not options.no_progress,
    )
    best = found.history[found.history["arch"] == found.arch].iloc[0]
    print(f"{found.arch}  (best of {found.history['arch'].nunique():,} architectures)")
    rows = [(name, f"{best[name]:.6g}") for name in ("parameters", "macs", *options.proxies)]
    print_table(("of it", "value"), rows)
    if best["reasons"]:
        print(f"- {best['reasons']}")
    seconds = found.history["seconds"].sum()
    print(
        f"scoring took {seconds:.1f} seconds" if seconds < 60 else f"scoring took {seconds / 60:.1f} minutes"
    )
    if output:
        write = found.history.to_parquet if output.suffix == ".parquet" else found.history.to_csv
        write(output, index=False)
        print(f"every step is in {output}")
    return 0

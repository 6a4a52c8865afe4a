"""`zsnas latency`: time networks on this machine."""

import argparse
from typing import TYPE_CHECKING, TypeAlias

from ._parser import Commands, add_command, positive

if TYPE_CHECKING:
    from torch import nn

    from zsnas.hardware.measure import Build

Work: TypeAlias = "tuple[list[str], Build, str]"
"""Names of networks, what builds them, and the name of the table of their latencies."""


def add(commands: Commands) -> None:
    """Add `zsnas latency` to the commands."""
    parser = add_command(
        commands,
        "latency",
        _run,
        "time networks on this machine, which should do nothing else; the same command resumes a stopped one",
        "zsnas latency nats-sss/imagenet16-120 --scored\n  zsnas latency kernels",
    )
    parser.add_argument("what", help="a benchmark, such as nb201/cifar10, or kernels")
    parser.add_argument("--limit", type=positive, help="networks to draw at random (default: all)")
    parser.add_argument("--scored", action="store_true", help="only architectures with published scores")
    parser.add_argument("--table", help="file that keeps the latencies (default: data/latency/SPACE.parquet)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas.hardware.measure import measure_all, published_path

    names, build, table = _kernels(options) if options.what == "kernels" else _architectures(options)
    path = options.table or published_path(table)
    column = "kernel" if table == "kernels" else "arch"
    found = measure_all(names, build, path, column=column, progress=not options.no_progress)
    print(f"{len(found):,} latencies are in {path}")
    return 0


def _kernels(options: argparse.Namespace) -> Work:
    from zsnas.hardware import kernels

    return kernels.sampled()[: options.limit], kernels.build, "kernels"


def _architectures(options: argparse.Namespace) -> Work:
    from zsnas.batches import batch
    from zsnas.benchmarks import benchmark
    from zsnas.score_table import scores
    from zsnas.spaces import space
    from zsnas.sweep import visited

    bench = benchmark(options.what)
    bench.check_trained()
    images = batch(bench.batch, size=1)
    names = visited(bench, options.limit)
    if options.scored:
        scored = set(scores(bench.name)["arch"])
        names = [arch for arch in names if arch in scored]

    def build(arch: str) -> "tuple[nn.Module, tuple[int, ...]]":
        return space(bench.space).build_for(arch, images, 0), tuple(images.images.shape[1:])

    return names, build, bench.space

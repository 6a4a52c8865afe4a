"""`zsnas latency`: time networks on this machine."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zsnas.cli._parser import BATCH, Commands, add_command, add_load, positive, refuse
from zsnas.cli.benchmarks import one_benchmark

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
        "zsnas latency timm:resnet18 --batch 1 --device cpu\n"
        "  zsnas latency my_networks:reader --batch texts.npz --size 8\n"
        "  zsnas latency nats-sss/imagenet16-120 --scored\n  zsnas latency kernels",
    )
    parser.add_argument(
        "what",
        help="a network (timm:NAME, torchvision:NAME, MODULE:FUNCTION or FILE.py:FUNCTION), a benchmark "
        "such as nb201/cifar10, or kernels",
    )
    parser.add_argument(
        "--batch",
        type=_batch,
        metavar="NUMBER|BATCH",
        help=f"of a network: how many images at once (default: 1), or {BATCH}",
    )
    parser.add_argument("--size", type=positive, help="of a batch: inputs at once (default: 1)")
    parser.add_argument("--device", help="of a network: cpu, cuda or mps (default: cpu)")
    parser.add_argument(
        "--input-size",
        type=positive,
        metavar="PIXELS",
        help="of a network (default: what it is made for, or 32)",
    )
    parser.add_argument("--limit", type=positive, help="networks to draw at random (default: all)")
    parser.add_argument("--scored", action="store_true", help="only architectures with published scores")
    add_load(parser)
    parser.add_argument(
        "--table", help="file that keeps the latencies (default: .zsnas/latency/SPACE.parquet)"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _batch(text: str) -> int | str:
    """Read a number of images, or what names a batch."""
    return positive(text) if text.isdecimal() else text


def _run(options: argparse.Namespace) -> int:
    from zsnas._files import checked_file
    from zsnas.hardware.measure import measure_all

    if ":" in options.what:
        refuse(options, ["limit", "scored", "table"], "for a benchmark or kernels, not for a network")
        return _network(options)
    refuse(options, ["batch", "size", "device", "input_size"], f"for a network, not for {options.what!r}")
    if options.what == "kernels":
        refuse(options, ["scored"], "for a benchmark, not for kernels")
    if options.table:
        checked_file("a table of latencies", options.table, ".parquet", makes_folder=True)
    names, build, table = _kernels(options) if options.what == "kernels" else _architectures(options)
    path = options.table or Path(".zsnas", "latency", f"{table}.parquet")
    _check_readable(Path(path))
    column = "kernel" if table == "kernels" else "arch"
    found = measure_all(names, build, path, column=column, progress=not options.no_progress)
    print(f"{len(found):,} latencies are in {path}")
    return 0


def _check_readable(path: Path) -> None:
    import pyarrow.parquet as pq

    if not path.exists():
        return
    try:
        pq.read_schema(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} holds no table of latencies, which would be added to; name another, or remove it"
        ) from error


def _network(options: argparse.Namespace) -> int:
    import torch

    from zsnas.batches import batch
    from zsnas.hardware.measure import machine, measure
    from zsnas.models import default_side, fit, model
    from zsnas.proxies import check_placement

    device = options.device or "cpu"
    check_placement(device, None)
    if not isinstance(options.batch, str):
        refuse(options, ["size"], "of a batch that --batch names; --batch 8 times 8 images at once")
    if isinstance(options.batch, str):
        drawn = batch(options.batch, options.size or 1, 0)
        network = model(options.what, drawn.num_classes, 0)
        inputs = fit(drawn, network, options.what, options.input_size, device).images
    else:
        network = model(options.what, 1000, 0)
        side = options.input_size or default_side(options.what) or 32
        inputs = torch.rand(options.batch or 1, 3, side, side, generator=torch.Generator().manual_seed(0))
    shape = " × ".join(map(str, inputs.shape))
    try:
        found = measure(network, inputs, device=device)
    except Exception as error:
        raise ValueError(
            f"{options.what} does not take {shape}: {type(error).__name__}: {error}; "
            "choose another --input-size or --batch, which may be an .npz file of tokens or series"
        ) from error
    print(
        f"{options.what}, {shape}, {device}: "
        f"{found.latency_ms:.2f} ms, spread of the rounds {found.spread_ms:.2f} ms"
    )
    about = machine()
    print(f"{about['machine']}; threads: {about['threads']}; torch {about['torch']}")
    return 0


def _kernels(options: argparse.Namespace) -> Work:
    from zsnas.hardware import kernels

    return kernels.sampled()[: options.limit], kernels.build, "kernels"


def _architectures(options: argparse.Namespace) -> Work:
    from zsnas.batches import batch
    from zsnas.benchmarks import benchmark
    from zsnas.scores.sweep import visited
    from zsnas.scores.table import scores
    from zsnas.spaces import space

    bench = benchmark(one_benchmark(options.what))
    bench.check_trained()
    images = batch(bench.batch, size=1)
    names = visited(bench, options.limit)
    if options.scored:
        scored = set(scores(bench.name)["arch"])
        names = [arch for arch in names if arch in scored]

    def build(arch: str) -> "tuple[nn.Module, tuple[int, ...]]":
        return space(bench.space).build_for(arch, images, 0), tuple(images.images.shape[1:])

    return names, build, bench.space

"""`zsnas score`: score one network at random initialisation."""

import argparse
import math
import sys
from typing import TYPE_CHECKING

from zsnas.cli._output import add_results, in_columns, number, takes_the_place_of_tables, write_results
from zsnas.cli._parser import (
    BATCH,
    PROXIES,
    Commands,
    add_command,
    add_load,
    add_placement,
    positive,
    proxies_and_own,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zsnas.batches import Batch
    from zsnas.proxies import Measurement


def add(commands: Commands) -> None:
    """Add `zsnas score` to the commands."""
    parser = add_command(
        commands,
        "score",
        _run,
        "score one network at random initialisation",
        "zsnas score timm:resnet18\n"
        "  zsnas score torchvision:resnet50 --batch imagenet1k --size 16 --proxies all\n"
        "  zsnas score my_networks:build_small_cnn    (a function in my_networks.py, here)\n"
        "  zsnas score timm:resnet18 --batch photos/ --proxies '*flow*' --csv scores.csv\n"
        "  zsnas score timm:resnet18 --proxy-file my_proxy.py    (your proxies too)",
    )
    parser.add_argument(
        "model",
        help="timm:NAME, torchvision:NAME, MODULE:FUNCTION or FILE.py:FUNCTION; zsnas models lists names",
    )
    parser.add_argument("--batch", default="cifar100", help=f"{BATCH} (default: cifar100)")
    parser.add_argument("--size", type=int, default=64, help="images in the batch (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="draws weights, images and probes (default: 0)")
    parser.add_argument("--proxies", type=words, default=["default"], help=f"{PROXIES} (default: default)")
    parser.add_argument(
        "--proxy-file",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file whose proxies (under @zsnas.register) are scored too; may be given several times",
    )
    parser.add_argument(
        "--input-size",
        type=positive,
        metavar="PIXELS",
        help="resize the images to this height and width (default: their own size, "
        "or the model's default input size when the model does not take that)",
    )
    add_placement(parser)
    add_load(parser)
    add_results(parser)


def _run(options: argparse.Namespace) -> int:
    from zsnas import memory
    from zsnas.batches import batch
    from zsnas.models import fit, model
    from zsnas.proxies import check_placement, choose_proxies, proxy, where
    from zsnas.scores.sweep import batches_for

    check_placement(options.device, options.dtype)
    names = choose_proxies(proxies_and_own(options))
    classes = batch(options.batch, options.size, options.seed).num_classes
    network = model(options.model, classes, options.seed)
    told = [f"{options.model}, {classes} classes, random weights of seed {options.seed}"]
    drawn: list[tuple[tuple[str, ...], Batch | str]] = []
    for alike, found in batches_for(names, options.batch, options.size, options.seed):
        images = found
        if not isinstance(images, str):
            images = fit(images, network, options.model, options.input_size, options.device)
            which = "batch" if proxy(alike[0]).images_per_class == 1 else f"batch of {', '.join(alike)}"
            told.append(f"{which} {'×'.join(map(str, images.images.shape))}: {images.source}")
        drawn.append((alike, images))
    output = sys.stderr if takes_the_place_of_tables(options) else sys.stdout
    print("\n".join(told), file=output, flush=True)

    def scored() -> "Iterator[tuple[str, Measurement]]":
        from zsnas.proxies import Measurement, measurements

        for alike, images in drawn:
            if isinstance(images, str):
                yield from ((name, Measurement(math.nan, images, 0.0)) for name in alike)
            else:
                yield from measurements(network, images, alike, options.seed, options.device, options.dtype)

    with memory.peak(options.device or where(network)) as peak:
        measured = _streamed(options, names, scored())
    if not math.isnan(peak.bytes):
        print(f"peak memory: {peak.bytes / 1e6:,.0f} MB", file=output)
    rows = [
        {"proxy": name, **measured[name]._asdict(), "reason": measured[name].reason or ""} for name in names
    ]
    about = {
        "model": options.model,
        "seed": options.seed,
        "classes": classes,
        "batch": told[1:],
        "peak_memory_bytes": None if math.isnan(peak.bytes) else int(peak.bytes),
    }
    write_results(options, rows, about, "scores")
    return 0


def _streamed(
    options: argparse.Namespace, names: tuple[str, ...], scored: "Iterable[tuple[str, Measurement]]"
) -> "dict[str, Measurement]":
    """Print each row as soon as it is known, above the progress; return the measurements."""
    from zsnas._progress_bar import progress_bar

    widths = max(5, *map(len, names)), 12, 7, 0
    output = sys.stderr if takes_the_place_of_tables(options) else sys.stdout
    print("\n" + in_columns(("proxy", "value", "seconds", "reason"), widths), file=output, flush=True)
    measured = {}
    with progress_bar(options.model, len(names), unit="proxy", shown=sys.stderr.isatty(), leave=False) as bar:
        for name, found in scored:
            cells = name, number(found.value), f"{found.seconds:.3f}", found.reason or ""
            with bar.external_write_mode(file=output):
                print(in_columns(cells, widths), file=output, flush=True)
            measured[name] = found
            bar.update()
    if "flops" in measured:
        print("\nflops are multiply-accumulates: one for each product that is added up", file=output)
    return measured

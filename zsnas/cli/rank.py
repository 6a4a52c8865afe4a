"""`zsnas rank`: score several networks and put them in order."""

import argparse
import math
from typing import TYPE_CHECKING

from zsnas.cli._output import (
    add_results,
    number,
    print_table,
    takes_the_place_of_tables,
    write_results,
)
from zsnas.cli._parser import (
    BATCH,
    PROXIES,
    Commands,
    add_command,
    add_load,
    add_placement,
    numbers,
    positive,
    proxies_and_own,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsnas.ranking import Ranking

SHOWN_SIDE_BY_SIDE = 5
"""How many networks have their scores beside each other in the table; of more, only the ranks are shown."""


def add(commands: Commands) -> None:
    """Add `zsnas rank` to the commands."""
    parser = add_command(
        commands,
        "rank",
        _run,
        "score several networks and put them in order",
        "zsnas rank timm:resnet18 timm:resnet34 my_networks:small --batch my_batch.npz --seeds 0,1,2\n"
        "  zsnas rank timm:mobilenetv3_small_100 timm:efficientnet_b0 --input-size 64 --plot ranks.svg",
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="timm:NAME, torchvision:NAME, MODULE:FUNCTION or FILE.py:FUNCTION",
    )
    parser.add_argument("--batch", default="cifar100", help=f"{BATCH} (default: cifar100)")
    parser.add_argument("--size", type=int, default=64, help="images in the batch (default: 64)")
    parser.add_argument(
        "--seeds", type=numbers, default=[0], help="numbers, separated by commas (default: 0)"
    )
    parser.add_argument("--proxies", type=words, default=["default"], help=f"{PROXIES} (default: default)")
    parser.add_argument(
        "--input-size", type=positive, metavar="PIXELS", help="resize the images to this height and width"
    )
    parser.add_argument(
        "--proxy-file",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file whose proxies (under @zsnas.register) rank them too, or those of them that "
        "--proxies names; may be given several times",
    )
    add_placement(parser)
    parser.add_argument("--store", help="file that keeps the scores, so that a stopped command goes on")
    parser.add_argument("--workers", type=positive, default=1, help="processes (default: 1)")
    parser.add_argument("--plot", metavar="FILE", help="draw the ranks, as .svg, .png or .pdf")
    add_load(parser)
    add_results(parser)
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace) -> int:
    from zsnas._files import checked_file
    from zsnas.ranking import rank

    if options.plot:
        checked_file("a figure", options.plot, ".svg", ".png", ".pdf")
    ranking = rank(
        options.models,
        options.batch,
        proxies_and_own(options),
        options.seeds,
        size=options.size,
        side=options.input_size,
        store=options.store,
        workers=options.workers,
        device=options.device,
        dtype=options.dtype,
        progress=not options.no_progress,
    )
    about = {key: ranking.attrs[key] for key in ("batch_source", "seeds", "size", "reasons")}
    if not takes_the_place_of_tables(options):
        _print(ranking)
    write_results(options, list(_rows(ranking)), about, "ranking")
    if options.plot:
        ranking.plot().savefig(options.plot)
        print(f"the ranks are drawn in {options.plot}")
    return 0


def _proxies(ranking: "Ranking") -> list[str]:
    return list(dict.fromkeys(str(name) for name in ranking.columns.get_level_values(0) if name != "all"))


def _rows(ranking: "Ranking") -> "Iterator[dict[str, object]]":
    for model, row in ranking.iterrows():
        fields: dict[str, object] = {"model": model, "rank": float(row["all", "rank"])}
        for name in _proxies(ranking):
            fields |= {
                name: float(row[name, "score"]),
                f"{name}_deviation": float(row[name, "deviation"]),
                f"{name}_rank": float(row[name, "rank"]),
            }
        yield fields


def _print(ranking: "Ranking") -> None:
    attrs, proxies = ranking.attrs, _proxies(ranking)
    seeds = ", ".join(map(str, attrs["seeds"]))
    print(f"seeds {seeds}; batches of {attrs['size']}: {attrs['batch_source']}\n")
    ranks = ranking.xs("rank", axis=1, level=1)
    rows = [
        (str(model), *(f"{value:g}" for value in row))
        for model, row in zip(ranks.index, ranks.to_numpy(), strict=True)
    ]
    print_table(("model", "mean rank", *proxies), rows)
    if len(ranking) <= SHOWN_SIDE_BY_SIDE:
        print()
        several = len(attrs["seeds"]) > 1
        print_table(
            ("score" + " ± deviation of the seeds" * several, *map(str, ranking.index)),
            [
                (
                    name,
                    *(
                        _score(row[name, "score"], row[name, "deviation"], several)
                        for _, row in ranking.iterrows()
                    ),
                )
                for name in proxies
            ],
        )
    else:
        print("\n--csv FILE.csv writes the scores")
    for model, reasons in attrs["reasons"].items():
        for name, reason in reasons.items():
            print(f"- {model}, {name}: {reason}")


def _score(mean: float, deviation: float, several: bool) -> str:
    return number(mean) + (f" ± {deviation:.2g}" if several and not math.isnan(mean) else "")

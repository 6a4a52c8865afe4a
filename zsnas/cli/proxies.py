"""`zsnas proxies`: list the proxies."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zsnas.cli._output import nothing_matches, print_table
from zsnas.cli._parser import Commands, add_command, add_load

if TYPE_CHECKING:
    from zsnas.proxies import Proxy


def add(commands: Commands) -> None:
    """Add `zsnas proxies` to the commands."""
    parser = add_command(
        commands,
        "proxies",
        _run,
        "list the proxies, variants below their original",
        "zsnas proxies\n"
        "  zsnas proxies '*grad*' --target trainability\n"
        "  zsnas proxies --kind gradient-free    (what needs no backward pass)",
    )
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        help="names with wildcards, or default, the set of zsnas score (default: all)",
    )
    parser.add_argument("--kind", help="naive, gradient-based or gradient-free")
    parser.add_argument("--target", help="expressivity, generalization or trainability")
    add_load(parser)


def _run(options: argparse.Namespace) -> int:
    from zsnas.proxies import DEFAULT, list_proxies, proxy

    names = list_proxies(
        "*" if options.pattern == "default" else options.pattern, kind=options.kind, target=options.target
    )
    if options.pattern == "default":
        names = [name for name in names if name in DEFAULT]
    if not names:
        raise nothing_matches("proxy", options.pattern, "zsnas proxies")
    found = [proxy(name) for name in names]
    print_table(
        ("name", "label", "better", "kind", "target", "source"),
        [
            (
                f"{indent}{p.name}",
                p.label,
                _better(p.higher_is_better),
                p.kind,
                ", ".join(p.target) or "–",
                p.reference or "–",
            )
            for indent, p in _with_variants(found)
        ],
    )
    return 0


def _with_variants(proxies: "Sequence[Proxy]") -> "Iterator[tuple[str, Proxy]]":
    """Yield proxies with their indentation: a variant below its original, if that is among them."""
    names = {p.name for p in proxies}
    for original in proxies:
        if original.variant_of not in names:
            yield "", original
            yield from (("  ", p) for p in proxies if p.variant_of == original.name)


def _better(higher: bool) -> str:
    return "higher" if higher else "lower"

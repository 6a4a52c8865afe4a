"""`zsnas proxies`: list the proxies."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ._output import print_table
from ._parser import Commands, add_command

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
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    parser.add_argument("--kind", help="naive, gradient-based or gradient-free")
    parser.add_argument("--target", help="expressivity, generalization or trainability")


def _run(options: argparse.Namespace) -> int:
    from zsnas.proxies import list_proxies, proxy

    found = [proxy(name) for name in list_proxies(options.pattern, kind=options.kind, target=options.target)]
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

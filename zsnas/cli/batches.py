"""`zsnas batches`: list the images that networks can be scored on."""

import argparse

from zsnas.cli._output import nothing_matches
from zsnas.cli._parser import Commands, add_command, add_load


def add(commands: Commands) -> None:
    """Add `zsnas batches` to the commands."""
    parser = add_command(
        commands, "batches", _run, "list the images to score on, besides your own", "zsnas batches 'cifar*'"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    add_load(parser)


def _run(options: argparse.Namespace) -> int:
    from zsnas._names import matching
    from zsnas.batches import list_batches

    names = matching(list_batches(), options.pattern)
    if not names:
        raise nothing_matches("batch", options.pattern, "zsnas batches")
    print("\n".join(names))
    return 0

"""`zsnas spaces`: list the search spaces."""

import argparse

from zsnas.cli._output import nothing_matches
from zsnas.cli._parser import Commands, add_command, add_load


def add(commands: Commands) -> None:
    """Add `zsnas spaces` to the commands."""
    parser = add_command(commands, "spaces", _run, "list the search spaces", "zsnas spaces 'transnas*'")
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    add_load(parser)


def _run(options: argparse.Namespace) -> int:
    from zsnas._names import matching
    from zsnas.spaces import list_spaces

    names = matching(list_spaces(), options.pattern)
    if not names:
        raise nothing_matches("search space", options.pattern, "zsnas spaces")
    print("\n".join(names))
    return 0

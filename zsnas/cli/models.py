"""`zsnas models`: list the networks of timm and torchvision that can be scored by name."""

import argparse

from zsnas.cli._output import nothing_matches
from zsnas.cli._parser import Commands, add_command


def add(commands: Commands) -> None:
    """Add `zsnas models` to the commands."""
    parser = add_command(
        commands, "models", _run, "list the networks that have a name", "zsnas models 'timm:resnet*'"
    )
    parser.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")


def _run(options: argparse.Namespace) -> int:
    from zsnas._names import matching
    from zsnas.models import list_models

    names = matching(list_models(), options.pattern)
    if not names:
        raise nothing_matches("model", options.pattern, "zsnas models")
    print("\n".join(names))
    return 0

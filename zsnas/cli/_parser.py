"""The parser of one command, and the arguments that several commands take."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "_SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """Complains in one line with the next step, as the commands do."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments, and end with the status 2."""
        self.exit(2, f"zsnas: {message}; `{self.prog} --help` says what it takes\n")


def add_command(
    commands: Commands, name: str, run: Command, purpose: str, example: str
) -> argparse.ArgumentParser:
    """Add a command with its purpose and an example in its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_load(parser: argparse.ArgumentParser) -> None:
    """Let a command know what a user's file registers, which `zsnas.cli.main` loads."""
    parser.add_argument(
        "--load",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file that registers spaces, batches, benchmarks or proxies of your own; may be given "
        "several times",
    )


def words(text: str) -> list[str]:
    """Read names that are separated by commas."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is empty; give names, separated by commas")
    return found


def positive(text: str) -> int:
    """Read a whole number from 1."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


def numbers(text: str) -> list[int]:
    """Read whole numbers that are separated by commas."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of whole numbers; write them like 0,1,2"
        ) from None


def add_placement(parser: argparse.ArgumentParser) -> None:
    """Let a command choose where, and how precisely, networks are scored."""
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1 and so on, or mps (default: where the model is, mostly the cpu)"
    )
    parser.add_argument(
        "--dtype", help="float32 or float64 (default: that of the model, float32 for half precision)"
    )


PROXIES = "names and wildcards such as '*flow*', separated by commas; default (cheap ones) or all"
"""What the option --proxies takes, for its help."""
BATCH = (
    "images: a name (zsnas batches), a folder with a sub-folder for each class, or an .npz file with x "
    "(which may be tokens) and y"
)
"""What the option --batch takes, for its help."""

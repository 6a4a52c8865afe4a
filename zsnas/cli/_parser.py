"""The parser of one command, and the arguments that several commands take."""

import argparse
import math
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "_SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """Complains in one line with the next step, as the commands do."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments, and end with the status 2."""
        for kind, words in (("int", "whole number"), ("float", "number")):
            message = re.sub(rf"invalid {kind} value: (.*)", rf"\1 is no {words}", message)
        ending = " " if message.endswith("?") else "; "
        self.exit(2, f"zsnas: {message}{ending}`{self.prog} --help` says what it takes\n")

    def parse_known_args(  # type: ignore[override] # of several forms, the one that parse_args calls
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments; a command says by its own name which of them it does not know."""
        known, others = super().parse_known_args(args, namespace)
        if others and self.get_default("run"):
            option = others[0].partition("=")[0]
            self.error(
                f"unrecognized arguments: {' '.join(others)}{_hint(option, self._option_string_actions)}"
            )
        return known, others

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - as in argparse
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(
                action, f"{value!r} is none of {', '.join(names)}{_hint(str(value), names)}"
            )


def _hint(given: str, names: Iterable[str]) -> str:
    close = get_close_matches(given, list(names), n=1)
    return f"; did you mean {close[0]}?" if close else ""


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


def proxies_and_own(options: argparse.Namespace) -> list[str]:
    """Load the files of `--proxy-file`; return the proxies that are asked for, by default theirs too."""
    from zsnas.proxies import load_proxies

    own = [name for file in options.proxy_file for name in load_proxies(file)]
    return [*options.proxies, *(own if options.proxies == ["default"] else [])]


def from_zero(text: str) -> int:
    """Read a whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def above_zero(text: str) -> float:
    """Read a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def refuse(options: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Say that an option which was given has no effect, before the work that it was given for.

    Parameters
    ----------
    options
        As they were parsed.
    names
        Of options that are None or False where they are not given.
    why
        What they are for, to follow "is".

    Raises
    ------
    ValueError
        For the first that was given.
    """
    for name in names:
        if getattr(options, name) not in (None, False):
            raise ValueError(f"--{name.replace('_', '-')} is {why}; leave it out")


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

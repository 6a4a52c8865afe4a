"""`zsnas notebooks`: list, run and check the notebooks of the book."""

import argparse
import sys

from zsnas._extras import needing
from zsnas.cli._output import nothing_matches, print_table
from zsnas.cli._parser import Commands, add_command


def add(commands: Commands) -> None:
    """Add `zsnas notebooks` to the commands."""
    parser = commands.add_parser("notebooks", help="the book's notebooks: list, run, check")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = add_command(actions, "list", _list, "list the notebooks", "zsnas notebooks list")
    listing.add_argument("pattern", nargs="?", default="*", help="names with wildcards (default: all)")
    _add_run(actions)
    add_command(
        actions,
        "check",
        _check,
        "fail when an executed page is stale or too large",
        "zsnas notebooks check",
    )


@needing("book", "zsnas notebooks list")
def _list(options: argparse.Namespace) -> int:
    from zsnas.book.pages import list_notebooks, page

    names = list_notebooks(options.pattern)
    if not names:
        raise nothing_matches("notebook", options.pattern, "zsnas notebooks list")
    print_table(("name", "question"), [(name, page(name).title) for name in names])
    return 0


def _add_run(actions: Commands) -> None:
    parser = add_command(
        actions,
        "run",
        _run,
        "execute a notebook, with other parameters if you like",
        "zsnas notebooks run fig06 -p seeds=7,8 -p recompute=true -p limit=100",
    )
    parser.add_argument("name", help="such as fig06; zsnas notebooks list names them")
    parser.add_argument(
        "-p",
        dest="parameters",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="a parameter of the notebook; may be given several times",
    )
    parser.add_argument("--profile", default="full", help="full or quick (default: full)")
    parser.add_argument("--output", help="where the result goes (default: its place under _build/notebooks)")


def _assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise argparse.ArgumentTypeError(f"{text!r} is no assignment; write it like seeds=7,8")
    return key, value


@needing("book", "zsnas notebooks run")
def _run(options: argparse.Namespace) -> int:
    import nbconvert  # noqa: F401 - missed before the page runs, not after

    from zsnas.book.pages import NotebookError, run, write_html

    try:
        result = run(options.name, dict(options.parameters), options.profile, options.output)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "stopped; what recompute=true has scored is kept, and the same command goes on with it"
        ) from None
    print(f"executed as {result}\nto read: {write_html(options.name, result)}")
    return 0


@needing("book", "zsnas notebooks check")
def _check(_: argparse.Namespace) -> int:
    from zsnas.book.pages import StaleNotebooks, check

    try:
        check()
    except StaleNotebooks as error:
        print(error, file=sys.stderr)
        return 1
    print("every executed page follows from its source and its inputs")
    return 0

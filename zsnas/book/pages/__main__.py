"""Chores of the book: ``python -m zsnas.book.pages refresh``, ``quick [PATTERN]`` and ``rotating TURN``."""

import argparse
import logging
import os
import sys
from collections.abc import Callable

from zsnas.book.pages import NotebookError, quick, refresh, rotating


def main() -> int:
    """Run one chore; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m zsnas.book.pages", description="Chores of the book.")
    chores = parser.add_subparsers(dest="chore", required=True)
    chores.add_parser("refresh", help="execute stale notebooks whose data is here")
    quick_parser = chores.add_parser("quick", help="try notebooks in their quick profile with another seed")
    quick_parser.add_argument("pattern", nargs="?", default="*", help="which notebooks, such as 'fig*'")
    rotating_parser = chores.add_parser("rotating", help="try a part of them with other seeds and limits")
    rotating_parser.add_argument("turn", type=int, help="which part; a number that counts up")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("zsnas").setLevel(logging.INFO)
    workers = os.cpu_count() or 1
    chores_by_name: dict[str, Callable[[], object]] = {
        "refresh": refresh,
        "quick": lambda: quick(arguments.pattern, workers),
        "rotating": lambda: rotating(arguments.turn, workers),
    }
    try:
        chores_by_name[arguments.chore]()
    except (NotebookError, OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the command line
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

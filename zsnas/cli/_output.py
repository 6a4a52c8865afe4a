"""What the commands print: tables on the standard output, complaints on the standard error."""

import sys
from collections.abc import Sequence


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, each as wide as its widest cell; the last one is not padded."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def complain(message: str, status: int) -> int:
    """Print a message in one line and return the exit status."""
    print(f"zsnas: {' '.join(message.split())}", file=sys.stderr)
    return status

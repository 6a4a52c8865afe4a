"""What the commands print and write: tables and results on standard output, complaints on standard error."""

import argparse
import contextlib
import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zsnas._files import checked_file

_COMMANDS = {
    "zsnas.list_proxies()": "`zsnas proxies`",
    "zsnas.list_benchmarks()": "`zsnas benchmarks`",
    "zsnas.list_batches()": "`zsnas batches`",
    "zsnas.list_spaces()": "`zsnas spaces`",
    "zsnas.sources.list_sources()": "`zsnas data list`",
    "torchvision.models.list_models()": "`zsnas models 'torchvision:*'`",
    "timm.list_models()": "`zsnas models 'timm:*'`",
    "zsnas.load_proxies": "--load",
}
"""What lists or loads something in Python, and on the command line."""


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, each as wide as its widest cell; the last one is not padded."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        print(in_columns(row, widths))


def in_columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of cells that are padded to widths."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def number(value: float) -> str:
    """Return a score as tables show it: counts in full, other numbers with six digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def complain(message: str, status: int, options: Iterable[str] = ()) -> int:
    """Print a message in one line and return the exit status.

    Parameters
    ----------
    message
        A sentence for Python, which is put into the words of the command line.
    status
        To exit with.
    options
        Of the command, by the names that they have in Python.
    """
    for listing, command in _COMMANDS.items():
        message = message.replace(listing, command)
    taken = set(options)
    if "size" not in taken and "batch_size" in taken:
        message = re.sub(r"\bsize=(\d+)", r"batch_size=\1", message)
    if message.startswith("unknown batch ") and "batch" in taken:
        message += "; a folder with a sub-folder for each class, or an .npz file, is one, too"
    for name in taken:
        value = r"('[^']*'|\([\d, ]*\)|[\w.:-]*\w)"
        message = re.sub(rf"\b({name})={value}", _as_option, message)
        if "_" in name:
            message = re.sub(rf"(?<![\w'\"/.=-]){name}(?![\w'\"/.=-])", _as_option_alone(name), message)
        else:
            message = re.sub(rf"^{name} is ", f"--{name} is ", message)
    with contextlib.suppress(OSError, ValueError, AttributeError):  # the standard error may be closed
        print(f"zsnas: {' '.join(message.split())}", file=sys.stderr)
    return status


def _as_option(given: re.Match[str]) -> str:
    option, value = f"--{given[1].replace('_', '-')}", given[2].strip("'(),")
    return option if value == "True" else f"{option} {value}"


def _as_option_alone(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def nothing_matches(kind: str, pattern: str, listing: str) -> ValueError:
    """Return the error for a wildcard that no name matches, the same for every list."""
    return ValueError(f"no {kind} matches {pattern!r}; `{listing}` names them all")


def add_results(parser: argparse.ArgumentParser) -> None:
    """Let a command write its results for other programs."""
    for kind in ("csv", "json"):
        parser.add_argument(
            f"--{kind}",
            nargs="?",
            const="-",
            type=_file(f".{kind}"),
            metavar="FILE",
            help=f"write the results as {kind.upper()}; without FILE, in place of the table",
        )


def _file(suffix: str) -> Any:  # noqa: ANN401 - what argparse takes as a type
    def checked(text: str) -> str:
        if text != "-" and Path(text).suffix != suffix:
            raise argparse.ArgumentTypeError(
                f"{text!r} does not end in {suffix}; write {suffix.replace('.', '--')}=NAME{suffix}, or the "
                "option last"
            )
        if text != "-":
            try:
                checked_file("a result", text, suffix)
            except ValueError as error:
                raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return checked


def check_results(options: argparse.Namespace) -> None:
    """Raise a ValueError when two kinds of results would be mixed on the standard output."""
    if getattr(options, "csv", None) == getattr(options, "json", None) == "-":
        raise ValueError("--csv and --json cannot both take the place of the table; name a file for one")


def takes_the_place_of_tables(options: argparse.Namespace) -> bool:
    """Tell whether the standard output belongs to results for another program."""
    return "-" in (options.csv, options.json)


def write_results(
    options: argparse.Namespace, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], key: str
) -> None:
    """Write rows where `add_results` says; in JSON they are below `key`, beside what is said of them."""
    if options.csv:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        _write(options.csv, text.getvalue())
    if options.json:
        records = [{name: _of_json(value) for name, value in row.items()} for row in rows]
        _write(options.json, json.dumps({**about, key: records}, ensure_ascii=False, indent=1) + "\n")


def _of_json(value: Any) -> Any:  # noqa: ANN401 - whatever a row holds
    return None if isinstance(value, float) and math.isnan(value) else value


def _write(where: str, text: str) -> None:
    if where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text, encoding="utf-8")
        print(f"results are in {where}", file=sys.stderr)


def records(frame: Any) -> Iterable[dict[str, Any]]:  # noqa: ANN401 - pandas is not loaded here
    """Return the rows of a DataFrame with numbers of Python."""
    rows: Iterable[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=15))
    return rows

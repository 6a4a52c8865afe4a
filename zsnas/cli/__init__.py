"""The `zsnas` command: scores, rankings, sweeps, benchmarks, data and notebooks from the shell.

Each command has the file of its name: its parser, and the small function over the library that it runs.
Libraries load inside the command that needs them.
Exit status: 0 done, 1 a check failed, 2 bad input (one sentence on the standard error), 130 interrupted.
"""

import argparse
import os
import sys
import sysconfig
import traceback
import zlib
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import TextIO
from zipfile import BadZipFile

from zsnas._own import load
from zsnas._version import __version__
from zsnas.cli import (
    batches,
    benchmarks,
    correlate,
    course,
    data,
    evaluate,
    latency,
    leaderboard,
    models,
    notebooks,
    proxies,
    rank,
    score,
    scores,
    search,
    spaces,
    sweep,
    train_benchmark,
)
from zsnas.cli._notices import notices_in_one_line
from zsnas.cli._output import check_results, complain
from zsnas.cli._parser import Command, Parser

_OF_FILES = (UnpicklingError, BadZipFile, zlib.error, StructError, EOFError)
"""What the standard library raises for files that are damaged, beside ValueErrors and OSErrors."""

COMMANDS = (
    *(score, rank, evaluate, leaderboard, course, sweep, scores, correlate, search),
    *(latency, train_benchmark),
    *(proxies, benchmarks, spaces, batches, models, data, notebooks),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    _open_streams()
    whole = parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(whole)
    options = whole.parse_args(arguments)
    run: Command = options.run
    with notices_in_one_line():
        try:
            check_results(options)
            for file in getattr(options, "load", ()):
                load(file)
            status = run(options)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of a pipe has left; without this, the interpreter complains when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt as interrupt:
            return complain(str(interrupt) or "interrupted", 130)
        except (ValueError, OSError, ImportError, *_OF_FILES) as error:
            return complain(_said(error), 2, vars(options))
        except SystemExit as end:  # no command ends like this, but what a user brings along may
            return complain(_ended(end), 2)
        except MemoryError:
            return complain("there is not enough memory; score fewer images, proxies or workers at a time", 2)
    return status


def _said(error: Exception) -> str:
    """Return what an error says, without the number that the system has for it."""
    if isinstance(error, OSError) and error.strerror and str(error).startswith("[Errno"):
        name = "the output" if error.filename is None else repr(error.filename)
        return f"{name} cannot be read or written: {error.strerror}; choose another place, or make room"
    return str(error) or type(error).__name__


def _ended(end: SystemExit) -> str:
    """Say which line of a user's file ended the program."""
    libraries = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(__file__).parents[1]))
    frames = traceback.extract_tb(end.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*libraries, "<"))]
    where = f"{own[-1].filename}, line {own[-1].lineno}, " if own else "something that was called "
    return (
        f"{where}ended the program (SystemExit: {end.code}); take that out, or keep what runs as a script "
        'under if __name__ == "__main__"'
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what it parses has the function to `run`."""
    whole = Parser(
        prog="zsnas", description="Zero-shot neural architecture search: rank networks before training them."
    )
    whole.add_argument("--version", action="version", version=f"zsnas {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return whole


def _open_streams() -> None:
    """Let a closed standard stream be one that nobody reads: what is told is lost, and the work goes on.

    And what a terminal's encoding lacks, such as the letter τ in ASCII, is told by its number.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None or stream.closed:
            setattr(sys, name, _nowhere(number))
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere(number: int) -> TextIO:
    try:
        os.fstat(number)
    except OSError:  # so that no file that is opened later takes its place
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return Path(os.devnull).open("w", encoding="utf-8")

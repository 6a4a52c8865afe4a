"""The `zsnas` command: scores, rankings, sweeps, benchmarks, data and notebooks from the shell.

Each command has the file of its name: its parser, and the small function over the library that it runs.
Libraries load inside the command that needs them.
Exit status: 0 done, 1 a check failed, 2 bad input (one sentence on the standard error), 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence

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
from zsnas.cli._output import complain
from zsnas.cli._parser import Command, Parser

COMMANDS = (
    *(score, rank, evaluate, leaderboard, course, sweep, scores, correlate, search),
    *(latency, train_benchmark),
    *(proxies, benchmarks, spaces, batches, models, data, notebooks),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    whole = parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(whole)
    options = whole.parse_args(arguments)
    run: Command = options.run
    with notices_in_one_line():
        try:
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
        except (ValueError, OSError, ImportError) as error:
            return complain(str(error), 2)
    return status


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

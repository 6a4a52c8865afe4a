"""The progress bar of work that takes hours, in a terminal or in a log file."""

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(
    name: str, total: int, *, unit: str, done: int = 0, shown: bool = True, leave: bool = True
) -> "tqdm[Any]":
    """Return a bar on standard error: redrawn in a terminal, a line every half minute in a log file.

    Parameters
    ----------
    name : str
        Stands before the bar.
    total, done : int
        Steps of the whole work, and those of an earlier run; the estimate of the time left is without them.
    unit : str
        Of a step, such as ``"arch"``.
    shown : bool
        False draws nothing.
    leave : bool
        Whether it stays when the work is done.
    """
    interval = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        desc=name,
        total=total,
        initial=done,
        unit=unit,
        disable=not shown,
        leave=leave,
        dynamic_ncols=True,
        mininterval=interval,
        maxinterval=max(interval, 10.0),
    )

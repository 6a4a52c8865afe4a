"""The book's chores: make stale pages again, and try every notebook quickly."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING

from zsnas.book.pages.execution import NotebookError, export_again, run
from zsnas.book.pages.page import list_notebooks
from zsnas.book.pages.provenance import OUTDATED_TEXT, missing, stale

if TYPE_CHECKING:
    from pathlib import Path

QUICK_SEED = 7  # no page's default, and in no published score table: what is missing is scored live
QUICK_SECONDS = 60

logger = logging.getLogger("zsnas.book.pages")


def refresh() -> None:
    """Execute every stale notebook, but keep one as committed, and say so, when its inputs cannot be had.

    Raises
    ------
    NotebookError
        When a notebook that has never been executed, or has new inputs, cannot be executed.
    """
    for name in list_notebooks():
        reasons = stale(name)
        if not reasons:
            logger.info("%s: up to date", name)
        elif reasons == [OUTDATED_TEXT]:
            logger.info("%s: writing its text anew", name)
            export_again(name)
        elif absent := missing(name):
            logger.warning("%s: NOTE: stale, but kept as committed, because %s", name, "; ".join(absent))
        else:
            logger.info("%s: executing, because %s", name, " and ".join(reasons))
            _make(name)


def _make(name: str) -> None:
    run(name)
    for reason in stale(name):
        logger.warning("%s: NOTE: stale again, because %s", name, reason)


def quick(pattern: str = "*", workers: int = 1) -> list[Path]:
    """Execute notebooks in their quick profile with a seed that no page shows; return the results' paths.

    Parameters
    ----------
    pattern : str
        Which notebooks, with wildcards.
    workers : int
        So many at a time, in processes of their own.

    Raises
    ------
    NotebookError
        When some cannot be executed, with the reason for each; the others are executed all the same.
    """
    names = list_notebooks(pattern)
    if workers == 1:
        return [_told(name, *_quick(name)) for name in names]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        attempts = {pool.submit(_quick, name): name for name in names}
        results = {}
        failures = []
        for attempt in as_completed(attempts):
            name = attempts[attempt]
            if error := attempt.exception():
                failures.append(str(error))
            else:
                results[name] = _told(name, *attempt.result())
    if failures:
        raise NotebookError("\n\n".join(failures))
    return [results[name] for name in names]


def _quick(name: str) -> tuple[Path, float]:
    start = time.perf_counter()
    result = run(name, {"seeds": [QUICK_SEED]}, profile="quick", progress=False)
    return result, time.perf_counter() - start


def _told(name: str, result: Path, seconds: float) -> Path:
    limit = f", more than the {QUICK_SECONDS} s that the quick profile may take"
    logger.info("%s: %.0f s%s: %s", name, seconds, limit if seconds > QUICK_SECONDS else "", result)
    return result

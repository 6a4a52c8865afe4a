"""The book's chores: make stale pages again, and try every notebook quickly."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from zsnas.book.pages.execution import NotebookError, export_again, run
from zsnas.book.pages.page import list_notebooks, page
from zsnas.book.pages.parameters import defaults
from zsnas.book.pages.provenance import OUTDATED_TEXT, in_order, missing, stale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SEEDS = [7]
"""No page's default, and in no published score table: what is missing is scored live."""
LARGEST_BATCH = 16
OTHER_SETTINGS = ({"limit": 4}, {"limit": 40}, {"seeds": [1]}, {"seeds": [0, 1, 2]})
"""Few networks, a small sample, one seed that some tables have and others have not, and several."""
TURNS = 48
QUICK_SECONDS = 60

logger = logging.getLogger("zsnas.book.pages")


def refresh() -> None:
    """Execute every stale notebook, but keep one as committed, and say so, when its inputs are unavailable.

    Raises
    ------
    NotebookError
        When a notebook that has never been executed, or has new inputs, cannot be executed.
    """
    for name in in_order(list_notebooks()):
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

    What a page scores live it scores on a small batch.

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
    return _try_all([(name, _setting(name)) for name in list_notebooks(pattern)], workers)


def _setting(name: str) -> dict[str, Any]:
    here = page(name)
    default = {**defaults(here.read(), name), **here.parameters}
    return {"seeds": SEEDS, "batch_size": min(default["batch_size"], LARGEST_BATCH)}


def rotating(turn: int, workers: int = 1) -> list[Path]:
    """Execute a part of the notebooks, each with one of `OTHER_SETTINGS`; return the results' paths.

    After `TURNS` turns every notebook has run with every setting.

    Parameters
    ----------
    turn : int
        Which part: any number that counts up, such as that of the commits.
    workers : int
        So many at a time, in processes of their own.

    Raises
    ------
    NotebookError
        As `quick` does.
    """
    runs = [(name, setting) for setting in OTHER_SETTINGS for name in list_notebooks()]
    return _try_all(runs[turn % TURNS :: TURNS], workers)


def _try_all(runs: Sequence[tuple[str, Mapping[str, Any]]], workers: int) -> list[Path]:
    if workers == 1:
        return [_told(*run, *_quick(*run)) for run in runs]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        attempts = {pool.submit(_quick, *run): run for run in runs}
        results = []
        failures = []
        for attempt in as_completed(attempts):
            name, setting = attempts[attempt]
            if error := attempt.exception():
                failures.append(f"with {_words(setting)}: {error}")
            else:
                results.append(_told(name, setting, *attempt.result()))
    if failures:
        raise NotebookError("\n\n".join(failures))
    return results


def _quick(name: str, setting: Mapping[str, Any]) -> tuple[Path, float]:
    start = time.perf_counter()
    result = run(name, setting, profile="quick", progress=False, warm=True)
    return result, time.perf_counter() - start


def _words(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in setting.items())


def _told(name: str, setting: Mapping[str, Any], result: Path, seconds: float) -> Path:
    limit = f", more than the {QUICK_SECONDS} s that the quick profile may take"
    tail = limit if seconds > QUICK_SECONDS else ""
    logger.info("%s with %s: %.0f s%s: %s", name, _words(setting), seconds, tail, result)
    return result

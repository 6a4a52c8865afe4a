"""Clusters: the workers of a Dask scheduler, as an executor for a sweep.

Dask keeps the workers, on this machine or through SLURM, PBS and others (``dask-jobqueue``); one that dies is
started again, and its chunk goes to another. A sweep is the only writer of its store.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from zsnas._extras import needing

PATIENCE = 15
"""Seconds in which a scheduler has to answer."""

_WORKERS_COME = 60


@contextmanager
def dask(scheduler: str) -> Iterator[tuple[Executor, int]]:
    """Yield the workers of a scheduler as an executor, and how many there are.

    Parameters
    ----------
    scheduler : str
        An address such as ``"tcp://host:8786"``, or the path of a scheduler file.

    Raises
    ------
    ExtraMissing
        When Dask is not installed.
    OSError
        When no scheduler answers within a quarter of a minute, or none of its workers comes within one.
    """
    with needing("dask", "a sweep on a cluster"):
        from distributed import Client
        from distributed.utils import silence_logging_cmgr
    if "://" not in scheduler and not Path(scheduler).is_file():
        raise FileNotFoundError(
            f"there is no scheduler file {scheduler!r}; give the file that `dask scheduler --scheduler-file` "
            "writes, or an address such as tcp://host:8786"
        )
    where = {"address": scheduler} if "://" in scheduler else {"scheduler_file": scheduler}
    try:
        client = Client(**where, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(
            f"no Dask scheduler answers at {scheduler} within {PATIENCE} s ({error}); `dask scheduler` "
            "starts one"
        ) from error
    # A scheduler that is lost is a sentence of the sweep, and pages of Dask's own log before it.
    with silence_logging_cmgr(logging.CRITICAL):
        try:
            client.wait_for_workers(1, timeout=_WORKERS_COME)
            yield client.get_executor(pure=False), len(client.nthreads())
        except TimeoutError as error:
            raise OSError(
                f"the scheduler at {scheduler} has no workers; `dask worker` starts some"
            ) from error
        finally:
            client.close(timeout=5)

"""A sweep on a real Dask scheduler with worker processes, over loopback."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import import_module

import pytest

from zsnas._extras import ExtraMissing
from zsnas.scores.store import ScoreStore
from zsnas.scores.sweep import sweep

cluster = import_module("zsnas.scores.cluster")
dask = cluster.dask

BENCHMARK = "nb201-analog/cifar10"
SETTINGS = {"proxies": ["params", "naswot", "zen_score"], "limit": 6, "batch_size": 4, "progress": False}


def dask_process(*arguments):
    command = [sys.executable, "-m", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)


@contextmanager
def started(file):
    """Start a scheduler with two workers; yield its file, and their processes."""
    known = ("--scheduler-file", str(file), "--no-dashboard")
    where = ("--host", "127.0.0.1", "--port", "0")
    processes = [dask_process("distributed.cli.dask_scheduler", *known, *where)]
    bare = ("--no-nanny", "--nthreads", "1")  # a nanny waits long for a scheduler that is lost
    processes += [dask_process("distributed.cli.dask_worker", *known, *bare) for _ in range(2)]
    while not file.exists():
        time.sleep(0.1)
    try:
        yield file, processes
    finally:
        for process in processes:
            process.kill()
            process.wait(60)


@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler with two workers; return its file."""
    with started(tmp_path / "scheduler.json") as (file, _):
        yield file


def scores(path):
    with ScoreStore(path) as store:
        return {(row, s.proxy): s.value for row, s in store.each()}


def test_the_workers_of_a_scheduler_give_what_one_process_gives(scheduler, tmp_path):
    with dask(str(scheduler)) as (executor, workers):
        assert workers in (1, 2)  # the second may still be starting
        there = sweep(BENCHMARK, **SETTINGS, store=tmp_path / "there.sqlite", executor=executor, workers=2)
    here = sweep(BENCHMARK, **SETTINGS, store=tmp_path / "here.sqlite")
    assert len(scores(there)) == 18
    assert scores(there) == scores(here)


def test_a_scheduler_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no scheduler file .*or an address such as"):
        dask(str(tmp_path / "none.json")).__enter__()
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(OSError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 within 1 s"):
        dask("tcp://127.0.0.1:9").__enter__()


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraMissing, match=r"needs the package distributed.*pip install 'zsnas\[dask\]'"):
        dask("tcp://127.0.0.1:9").__enter__()


def test_a_scheduler_that_is_lost_ends_the_sweep_with_a_sentence_and_the_next_one_resumes(tmp_path):
    store, many = tmp_path / "there.sqlite", SETTINGS | {"limit": 40}
    script = (
        "import sys; from zsnas.cli import main; "
        f"sys.exit(main(['sweep', {BENCHMARK!r}, '--proxies', 'params,naswot,zen_score', '--limit', '40', "
        f"'--batch-size', '4', '--store', {str(store)!r}, '--no-progress', '--dask', sys.argv[1]]))"
    )
    with started(tmp_path / "first.json") as (file, processes):
        sweeping = subprocess.Popen(
            [sys.executable, "-c", script, str(file)], stderr=subprocess.PIPE, text=True, env=os.environ
        )
        while sweeping.poll() is None and not (store.exists() and scores(store)):
            time.sleep(0.05)
        processes[0].kill()
        _, errors = sweeping.communicate()
    assert "Traceback" not in errors
    assert sweeping.returncode == 0 or "resumes" in errors
    with started(tmp_path / "second.json") as (file, _), dask(str(file)) as (executor, _):
        there = sweep(BENCHMARK, **many, store=store, executor=executor, workers=2)
    assert scores(there) == scores(sweep(BENCHMARK, **many, store=tmp_path / "here.sqlite"))

"""Processes that die, hang, freeze or fail, each in one process that is replaced."""

import threading
import time

import psutil
import pytest
import worker_tasks

from zsnas._processes import Processes, TimedOut, WorkerDied, WorkerUnfit


@pytest.fixture(scope="module")
def patient():
    pool = Processes(1)
    yield pool
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def hasty():
    """A process that is replaced after a second."""
    pool = Processes(1, time_limit=1)
    yield pool
    pool.shutdown(cancel_futures=True)


def test_a_notice_of_a_process_is_one_line_and_one_of_the_main_process_is_not_repeated(capfd):
    pool = Processes(1)
    pool.submit(worker_tasks.warn).result()
    pool.shutdown()
    assert capfd.readouterr().err == "zsnas: note: careful: hot\n"


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (worker_tasks.kill_myself, "ended by SIGKILL, for want of memory or by hand"),
        (worker_tasks.fault, "ended by SIGSEGV"),
        (worker_tasks.leave, "ended with exit status 7"),
    ],
)
def test_a_process_that_dies_costs_its_task_and_is_replaced(patient, task, message):
    with pytest.raises(WorkerDied, match=message):
        patient.submit(task).result()
    assert patient.submit(worker_tasks.double, 4).result() == 8


@pytest.mark.parametrize("task", [worker_tasks.freeze, worker_tasks.loop])
def test_a_process_that_hangs_is_replaced_after_the_limit(hasty, task):
    with pytest.raises(TimedOut, match="longer than the limit of 1 s"):
        hasty.submit(task).result()
    assert hasty.submit(worker_tasks.double, 4).result() == 8


def test_the_limit_is_that_of_each_part_of_a_task():
    pool = Processes(1, time_limit=2)
    assert pool.submit(worker_tasks.take_three_seconds_in_parts).result() == "done"
    pool.shutdown()


def test_an_exception_is_raised_here_and_the_process_goes_on(patient):
    before = patient.submit(worker_tasks.process_id).result()
    with pytest.raises(KeyError, match="a key"):
        patient.submit(worker_tasks.fail).result()
    with pytest.raises(WorkerUnfit, match="Unpackable: a b"):
        patient.submit(worker_tasks.fail_unpackably).result()
    with pytest.raises(WorkerUnfit, match="a function cannot be sent"):
        patient.submit(worker_tasks.give_what_cannot_be_sent).result()
    with pytest.raises(Exception, match=r"pickle|local object"):  # by Python's version
        patient.submit(lambda: 1).result()
    assert patient.submit(worker_tasks.process_id).result() == before


@pytest.mark.parametrize("task", [worker_tasks.sleep, worker_tasks.freeze])
def test_a_process_at_work_is_ended_when_told_to(task):
    pool = Processes(1)
    process = psutil.Process(pool.submit(worker_tasks.process_id).result())
    running, waiting = pool.submit(task), pool.submit(worker_tasks.double, 1)
    while not running.running():
        time.sleep(0.01)
    pool.shutdown(cancel_futures=True)
    assert not process.is_running()
    assert waiting.cancelled()
    assert not any(thread.is_alive() for thread in pool._threads)
    with pytest.raises(RuntimeError, match="told to end"):
        pool.submit(worker_tasks.double, 1)


def test_a_process_that_cannot_start_says_why():
    pool = Processes(1, ("no_such_module_anywhere",))
    with pytest.raises(WorkerUnfit, match="cannot start: ModuleNotFoundError"):
        pool.submit(worker_tasks.double, 1).result()
    pool.shutdown()
    assert threading.active_count() < 50

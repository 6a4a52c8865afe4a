"""Processes that score: one that dies or hangs costs its task and is replaced, and all end when told to.

`concurrent.futures.ProcessPoolExecutor` breaks as a whole when one of its processes dies, waits for one that
hangs, and cannot be stopped while one computes. Here every process has a pipe of its own, no lock is shared,
and the thread of this process that keeps it ends it with SIGKILL.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import pickle
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TICK = 1.0
"""Seconds between two looks; time in which this process is stopped itself, too, counts as one."""

_START = 300.0
"""Seconds in which a process has to have imported its modules, on a machine that is busy."""

HOUR = 3600.0


class WorkerLost(RuntimeError):
    """A process ended or was ended while it had a task; the message says how, in words."""


class WorkerDied(WorkerLost):
    """The process ended by itself: killed from outside, for want of memory, or by a fault of its code."""


class TimedOut(WorkerLost):
    """The process was ended because its task took longer than the limit."""


class WorkerUnfit(ValueError):
    """A process cannot start, or its answer cannot be read."""


class Processes(Executor):
    """Processes of one thread each that import modules first, know nothing else, and end with this one.

    Parameters
    ----------
    workers : int
    modules : tuple of str
        What registers things from outside this package.
    time_limit : float
        Seconds for a task, or from one call of `goes_on` in it to the next.
    """

    def __init__(self, workers: int, modules: tuple[str, ...] = (), time_limit: float = HOUR) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._is_open = True
        self._keepers = [_Keeper(modules, time_limit) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=keeper.keep, args=(self._tasks,), daemon=True) for keeper in self._keepers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Hand a task to the next process that is free.

        Its future raises what the function raises, `WorkerDied`, `TimedOut` or `WorkerUnfit`.
        """
        if not self._is_open:
            raise RuntimeError("these processes have been told to end")
        future: Future[_T] = Future()
        self._tasks.put(_Task(future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: after their tasks, or at once with `cancel_futures`, which drops what waits."""
        self._is_open = False
        if cancel_futures:
            with suppress(queue.Empty):
                while True:
                    task = self._tasks.get_nowait()
                    if task is not None:
                        task.future.cancel()
        for keeper in self._keepers:
            self._tasks.put(None)
            if cancel_futures:
                keeper.kill()
        if wait:
            for thread in self._threads:
                thread.join()


@dataclass(frozen=True)
class _Task:
    future: Future[Any]
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass
class _Keeper:
    """Keeps one process: starts it for the first task, waits for its answers, replaces it."""

    modules: tuple[str, ...]
    time_limit: float
    process: multiprocessing.process.BaseProcess | None = None
    pipe: Connection | None = None
    is_ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, tasks: queue.SimpleQueue[_Task | None]) -> None:
        """Work on tasks until there is a None."""
        while (task := tasks.get()) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                answer, error = self._answer(task)
            except BaseException as reason:  # noqa: BLE001 - whatever it is, the future tells it
                answer, error = None, reason
            if error is None:
                task.future.set_result(answer)
            else:
                task.future.set_exception(error)
        self.kill()
        if self.pipe is not None:
            self.pipe.close()

    def kill(self) -> None:
        """End the process now and for good."""
        with self.lock:
            self.is_ended = True
            self._end()

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.join()

    def _answer(self, task: _Task) -> tuple[Any, BaseException | None]:
        message = pickle.dumps(task.call)  # what cannot be sent is the fault of the task, not of the process
        pipe = self._started()
        try:
            pipe.send_bytes(message)
            while True:
                if not self._waits(pipe, self.time_limit):
                    self._replace()
                    raise TimedOut(f"it took longer than the limit of {self.time_limit:g} s")
                if content := pipe.recv_bytes():
                    break
            answer: tuple[Any, BaseException | None] = _unpacked(content)
        except (EOFError, OSError):
            raise WorkerDied(self._how_it_died()) from None
        return answer

    def _started(self) -> Connection:
        """Return the pipe to a process that is ready."""
        if self.pipe is not None and self.process is not None:
            return self.pipe
        with self.lock:
            if self.is_ended:
                raise WorkerDied("the processes have been told to end")
            if self.pipe is not None:
                self.pipe.close()
            self.pipe, theirs = multiprocessing.Pipe()
            spawn = multiprocessing.get_context("spawn")
            process = spawn.Process(target=_serve, args=(theirs, self.modules), daemon=True)
            process.start()  # which a process that is still importing its script may not
            self.process = process
            theirs.close()  # so that its end shows when the process is gone
            pipe = self.pipe
        try:
            if not self._waits(pipe, _START):
                self._replace()
                raise WorkerUnfit(f"a process did not start within {_START:g} s; use fewer of them")
            _, error = _unpacked(pipe.recv_bytes())
        except (EOFError, OSError):
            how = self._how_it_died()
            raise WorkerUnfit(
                f"a process cannot start: {how}; a script needs `if __name__ == '__main__':` around what it "
                "runs, and memory for what it imports"
            ) from None
        if error is not None:
            self._replace()
            raise WorkerUnfit(f"a process cannot start: {type(error).__name__}: {error}")
        return pipe

    def _waits(self, pipe: Connection, seconds: float) -> bool:
        """Wait for an answer, at most so many seconds; tell whether there is one, or an end."""
        waited = 0.0
        while waited < seconds:
            step = min(_TICK, seconds - waited)
            if pipe.poll(step):
                return True
            waited += step
        return False

    def _replace(self) -> None:
        with self.lock:
            self._end()

    def _how_it_died(self) -> str:
        """Say how the process ended, in words."""
        with self.lock:
            process = self.process
            if process is not None:
                process.join(2)
            code = None if process is None else process.exitcode
            self._end()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            why = ", for want of memory or by hand" if -code == signal.SIGKILL else ""
            return f"its process was ended by {name}{why}"
        return f"its process ended with exit status {code}" if code is not None else "its process was ended"


def _unpacked(content: bytes) -> tuple[Any, BaseException | None]:
    try:
        answer: tuple[Any, BaseException | None] = pickle.loads(content)  # noqa: S301 - from our own process
    except Exception as error:
        raise WorkerUnfit(
            f"the answer of a process cannot be read: {type(error).__name__}: {error}"
        ) from error
    return answer


def _serve(pipe: Connection, modules: tuple[str, ...]) -> None:
    """Run in a process: answer every call that comes with (result, None) or (None, error)."""
    global _keeper  # noqa: PLW0603 - a process has one
    _keeper = pipe
    warnings.showwarning = _show
    try:
        start_worker(*modules)
    except BaseException as error:  # noqa: BLE001 - the other side says it
        pipe.send_bytes(_packed(None, error))
        return
    pipe.send_bytes(_packed(None, None))
    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            function, args, kwargs = pickle.loads(message)  # noqa: S301 - from the process that started this
            answer = _packed(function(*args, **kwargs), None)
        except BaseException as error:  # noqa: BLE001 - the other side raises it
            answer = _packed(None, error)
        pipe.send_bytes(answer)


_keeper: Connection | None = None
"""In a process that serves, the pipe to the thread that keeps it."""


def goes_on() -> None:
    """Say, in the middle of a task, that a part of it is done; its time limit starts anew."""
    if _keeper is not None:
        _keeper.send_bytes(b"")


def _show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Show a warning of a process in one line; what is said once a session, the main process has said."""
    if not getattr(category, "once_a_session", False):
        sys.stderr.write(f"zsnas: note: {' '.join(str(message).split())}\n")
        sys.stderr.flush()


def _packed(result: object, error: BaseException | None) -> bytes:
    try:
        packed = pickle.dumps((result, error))
        pickle.loads(packed)  # noqa: S301 - an exception may be packed and not unpacked
    except Exception:  # noqa: BLE001 - as above
        what = result if error is None else error
        words = f"{type(what).__name__}: {what}" if error else f"a {type(what).__name__} cannot be sent"
        packed = pickle.dumps((None, WorkerUnfit(words)))
    return packed


def start_worker(*modules: str) -> None:
    """Use one thread, leave Ctrl-C to the main process, end when that is gone, and know what it knows."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    for module in modules:
        import_module(module)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(1)

"""Kernels that are warm when they start: forked from a process that has loaded what pages load.

A short page spends half of its time on importing torch and pandas. Here a server imports them once. It must
not import this package, whose modules are recorded as a page loads them, so it runs this file as a script.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_client.connect import KernelConnectionInfo

LIBRARIES = (
    *("ipykernel.kernelapp", "torch", "torchvision", "pandas", "pyarrow.parquet"),
    *("scipy.stats", "seaborn", "jupytext"),
)


class WarmKernelManager(AsyncKernelManager):
    """Starts a kernel as Jupyter does, but by a fork of the server."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Jupyter's
        super().__init__(**settings)
        self.provisioner = _Forked(kernel_spec=self.kernel_spec, parent=self)


class _Forked(LocalProvisioner):
    process: Any  # a `_Process`, which is as much of a process as is asked for

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        # The command is `python -m ipykernel_launcher` and the arguments.
        self.process = _Process(cmd[3:], str(kwargs.get("cwd", Path.cwd())), kwargs["env"])
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Process:
    """What a provisioner asks of the process of its kernel."""

    stdin = stdout = stderr = None

    def __init__(self, *order: object) -> None:
        server: Any = _server()
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        self.pid = int(server.stdout.readline())

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    wait = poll  # only asked of one that has ended

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, "-P", __file__]  # beside this file are modules with names of Python's own
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    atexit.register(server.communicate)  # which ends it
    return server


def _serve() -> None:
    """Fork a kernel for every line of the input, until whoever asks has ended."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # without which a kernel ends, too
    for library in LIBRARIES:
        importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a kernel that has ended is gone, nobody waits for it
    for line in sys.stdin:
        if (kernel := os.fork()) == 0:
            _be_kernel(*json.loads(line))
            break
        sys.stdout.write(f"{kernel}\n")
        sys.stdout.flush()


def _be_kernel(arguments: list[str], folder: str, environment: Mapping[str, str]) -> None:
    from ipykernel.kernelapp import launch_new_instance

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what it prints is no answer of the server
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    launch_new_instance(arguments)


if __name__ == "__main__":
    _serve()

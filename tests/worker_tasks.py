"""What the processes of a test do; they import this module."""

import ctypes
import os
import signal
import time
import warnings

from zsnas._processes import goes_on


class Unpackable(Exception):
    """An exception that pickle packs and cannot unpack."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


def double(number):
    return 2 * number


def kill_myself():
    os.kill(os.getpid(), signal.SIGKILL)


def fault():
    ctypes.string_at(0)


def leave():
    os._exit(7)


def freeze():
    os.kill(os.getpid(), signal.SIGSTOP)


def loop():
    while True:
        pass


def take_three_seconds_in_parts():
    for _ in range(3):
        time.sleep(1)
        goes_on()
    return "done"


def sleep():
    time.sleep(1000)


def fail():
    raise KeyError("a key")


def fail_unpackably():
    raise Unpackable("a", "b")


def give_what_cannot_be_sent():
    return lambda: None


class SaidOnce(UserWarning):
    """A notice that the main process has shown already."""

    once_a_session = True


def warn():
    warnings.simplefilter("always")
    warnings.warn("once", SaidOnce, stacklevel=1)
    warnings.warn("careful:\n  hot", stacklevel=1)


def process_id():
    return os.getpid()

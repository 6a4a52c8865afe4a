"""Freed memory goes back to the system."""

import resource
import sys
from pathlib import Path

import pytest
from small_networks import noise, small

from zsnas.proxies import Passes, _memory, _passes


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux" or _memory._malloc_trim() is None, reason="needs GNU libc")
def test_pieces_between_used_ones_are_returned():
    pieces = [
        bytearray(100_000) for _ in range(2_000)
    ]  # each smaller than what the system hands out by itself
    del pieces[::2]
    before = resident_bytes()
    _memory.return_freed_memory()
    assert before - resident_bytes() > 50_000_000


def test_memory_is_returned_once_between_the_forward_and_the_backward_pass(monkeypatch):
    passes, made = Passes(small(), noise()), []
    monkeypatch.setattr(_passes, "return_freed_memory", lambda: made.append(len(passes.results)))
    _ = passes.gradients, passes.gradients
    assert made == [1]  # the training step


def test_without_gnu_libc_nothing_happens(monkeypatch):
    monkeypatch.setattr(_memory, "_malloc_trim", lambda: None)
    _memory.return_freed_memory()

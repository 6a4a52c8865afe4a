"""Memory: by hand, and what a process holds and may have."""

import os
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from zsnas import memory

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives back and limits")


def test_memory_is_three_times_what_autograd_saves_and_ten_times_the_weights():
    """A linear layer saves the image, 3 · 8 · 8 floats of 4 bytes, and has 192 · 10 weights and 10 biases."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 10))

    needed = memory.needed(network, torch.ones(4, 3, 8, 8))

    assert needed == 3 * 4 * 192 * 4 + 10 * (1920 + 10) * 4


@on_linux
def test_free_memory_goes_back():
    blocks = [bytes(100_000) for _ in range(2000)]  # below the size that glibc maps by itself
    kept = bytes(100_000)  # on top of the heap, so that it cannot shrink from there
    del blocks
    held = _resident()

    memory.give_back()

    assert kept
    assert _resident() < held - 100e6


@on_linux
def test_more_than_is_free_is_an_error_and_less_is_not(monkeypatch):
    kilobytes = memory._kilobytes
    monkeypatch.setattr(
        memory, "_kilobytes", lambda table, name: _FREE if name == "MemAvailable" else kilobytes(table, name)
    )

    with memory.limited():
        torch.empty(100_000_000, dtype=torch.uint8)
        with pytest.raises(RuntimeError, match="allocate memory"):
            torch.empty(400_000_000, dtype=torch.uint8)

    torch.empty(400_000_000, dtype=torch.uint8)


def _resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


_FREE = 300_000  # kilobytes

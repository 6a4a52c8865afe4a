"""Memory: by hand, and what a process holds and may have."""

import gc
import math
import os
import subprocess
import sys
import weakref
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


def test_to_estimate_keeps_nothing():
    """Batch norm saves what it is given and what it makes of its statistics; ReLU saves what it returns."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
    weight = weakref.ref(network[0].weight)

    memory.needed(network, torch.ones(4, 3, 8, 8))
    del network
    gc.collect()

    assert weight() is None


@on_linux
def test_free_memory_goes_back():
    blocks = [bytes(100_000) for _ in range(2000)]  # below the size that glibc maps by itself
    kept = bytes(100_000)  # on top of the heap, so that it cannot shrink from there
    del blocks
    held = _resident()

    memory.give_back()

    assert kept
    assert _resident() < held - 100e6


LARGE = """
from zsnas import memory

freed = b"x" * 30_000_000
del freed  # after which glibc keeps blocks up to this size
memory.give_back()
blocks = [b"x" * 20_000_000 for _ in range(10)]
kept = b"x" * 1_000_000
held = memory._kilobytes("/proc/self/status", "RssAnon")
del blocks
print(held - memory._kilobytes("/proc/self/status", "RssAnon"))
"""


@on_linux
def test_large_memory_goes_back_as_soon_as_it_is_free():
    """In a process of its own, for the setting stays."""
    run = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)

    assert int(run.stdout) > 190_000


@on_linux
def test_a_network_may_take_no_more_than_is_free(monkeypatch):
    monkeypatch.setattr(memory, "_kilobytes", lambda *_: 300_000)

    assert memory.budget() == pytest.approx(0.9 * 300_000 * 1024)


LIMITED = """
import torch
from zsnas import memory

kilobytes = memory._kilobytes
memory._kilobytes = lambda table, name: 300_000 if name == "MemAvailable" else kilobytes(table, name)
with memory.limited():
    torch.empty(100_000_000, dtype=torch.uint8)
    try:
        torch.empty(3_000_000_000, dtype=torch.uint8)
    except RuntimeError as error:
        print(error, memory.is_refusal(error))
torch.empty(3_000_000_000, dtype=torch.uint8)
print("as before")
"""


@on_linux
def test_more_than_is_free_is_an_error_and_less_is_not():
    """In a process of its own, for what the tests before it reserved would count."""
    run = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)

    assert "tried to allocate 3000000000 bytes" in run.stdout
    assert run.stdout.endswith("True\nas before\n")


@pytest.mark.parametrize(
    ("error", "is_refusal"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8.94 GB)"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for the convolution"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_refusals_are_told_from_other_errors(error, is_refusal):
    assert memory.is_refusal(error) == is_refusal


def _resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@on_linux
def test_peak_is_what_is_taken_at_once():
    with memory.peak() as found:
        taken = torch.ones(2**24)  # 64 MiB, and as much again while the sum is made
        (taken + 1).sum()
        del taken
    assert 2 * 2**26 * 0.9 < found.bytes < 2 * 2**26 * 1.5
    with memory.peak() as later:
        torch.ones(10)
    assert later.bytes < 2**24


def test_peak_is_unknown_where_nothing_tells(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with memory.peak() as found:
        pass
    assert math.isnan(found.bytes)

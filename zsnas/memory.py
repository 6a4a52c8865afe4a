"""Memory: what a network needs, what this machine has, and a limit that fails before the machine does."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, UntypedStorage, nn
from torch.autograd.graph import saved_tensors_hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the survey's proxies take at the most together, GraSP's second derivatives included: so many times what
# a forward pass saves for its backward pass, and so many copies of the weights, of which SynFlow alone keeps
# two in double precision. Least squares on ResNet-50 and -152, Wide-ResNet-50 and DeiT-B give 2.5 and 10.
_ACTIVATIONS = 3
_WEIGHTS = 10
_SHARE = 0.8  # of all memory for a network; the rest is for other programs
_FREE_SHARE = 0.9  # of what is free at the moment
_M_MMAP_THRESHOLD = -3  # its number in glibc's malloc.h
_LARGE = 8 * 2**20  # bytes: mapping less costs more time than it saves memory


def give_back() -> None:
    """Return memory that is free to the system, and from now on that of large tensors as soon as it is.

    By itself glibc keeps both: a process that scores one network after another holds what the largest of
    them took, in pieces in which the next does not find room.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.malloc_trim(0)


@dataclass
class Peak:
    """The most memory that was taken at once; filled in when the body of :func:`peak` has run."""

    bytes: float = nan


@contextmanager
def peak(device: str | torch.device = "cpu") -> Iterator[Peak]:
    """Find how much memory the body takes at its peak, beyond what is taken when it begins.

    On the device ``"cuda"`` it is that of torch's tensors, whose record of the highest value starts anew. On
    the processor it is how far the resident memory of this process grows, which includes what torch's
    libraries take, but neither what is swapped out nor what the body finds in memory that was free already.
    Unknown, NaN, on other devices and where the system does not tell, as outside Linux.

    Parameters
    ----------
    device
        Where the body works.
    """
    found, kind = Peak(), torch.device(device).type
    if kind == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield found
        found.bytes = torch.cuda.max_memory_allocated(device) - before
    elif kind == "cpu" and _restart_high_water():
        before = 1024 * _kilobytes("/proc/self/status", "VmRSS")
        yield found
        found.bytes = max(0, 1024 * _kilobytes("/proc/self/status", "VmHWM") - before)
    else:
        yield found


def _restart_high_water() -> bool:
    """Let Linux forget how much this process once had in memory; tell whether it does."""
    if sys.platform != "linux":
        return False
    if hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)  # else what is free but kept would hide what is taken
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:  # the system does not allow it
        return False
    return True


def needed(network: nn.Module, images: Tensor) -> float:
    """Estimate the bytes that the passes of the proxies take at the most, from one pass of a single image.

    Autograd tells what it saves of an image; the weights and what is derived from them are added. The network
    is in evaluation mode meanwhile, so that it is the same afterwards.
    """
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    saved: dict[int, UntypedStorage] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()  # which the views of a tensor share
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage
        return Tensor()  # a node that was given back its own output would never be freed

    was_training = network.training
    network.eval()
    with saved_tensors_hooks(note, lambda nothing: nothing):
        network(images[:1].clone())  # a view would have the storage of the whole batch
    network.train(was_training)
    own = sum(weight.nbytes for weight in network.parameters())
    return _ACTIVATIONS * len(images) * sum(kept.nbytes() for kept in saved.values()) + _WEIGHTS * own


def budget() -> float:
    """Return what a network may take of this machine's memory, in bytes; infinite where it is not known.

    On Linux it is no more than what is free now, for oneDNN does not always survive a refusal.
    """
    try:
        share = _SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return float("inf")
    return min(share, _free()) if sys.platform == "linux" else share


def is_refusal(error: Exception) -> bool:
    """Tell whether an error says that there is not enough memory, in main memory or on a device."""
    in_words = (
        "DefaultCPUAllocator: can't allocate",
        "out of memory",
        "DefaultCPUAllocator: not enough memory",
    )  # of torch's RuntimeErrors
    of_onednn = str(error) in ("could not create a primitive", "could not execute a primitive")
    return isinstance(error, MemoryError) or of_onednn or any(words in str(error) for words in in_words)


@contextmanager
def limited(most: float | None = None) -> Iterator[None]:
    """Give what runs inside nine tenths of the memory that is free now; on Linux, elsewhere all there is.

    What asks for more fails, which torch reports as a RuntimeError, where the system would kill the process.

    Parameters
    ----------
    most
        Bytes that it may take, if that is less.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    before, highest = resource.getrlimit(resource.RLIMIT_DATA)
    more = _free() if most is None else min(most, _free())
    limit = int(1024 * _kilobytes("/proc/self/status", "VmData") + more)
    ends = [end for end in (limit, before, highest) if end != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(ends), highest))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, highest))


def _free() -> float:
    return _FREE_SHARE * 1024 * _kilobytes("/proc/meminfo", "MemAvailable")


def _kilobytes(table: str, name: str) -> int:
    lines = Path(table).read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

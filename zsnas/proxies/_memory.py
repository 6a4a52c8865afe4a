"""What the allocator does with the memory that a pass has freed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def return_freed_memory() -> None:
    """Give freed memory back to the system.

    The allocator of GNU libc keeps it, in pieces too small for the activations to come. Elsewhere this does
    nothing. What is returned has to be had again, page by page: after a forward pass that is little.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no GNU libc; Windows takes no None
        return None

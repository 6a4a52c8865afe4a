"""Whole numbers that are given as arguments, seeds above all, and what to say about anything else."""

import operator
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from numbers import Real

import torch

_END = 2**63
"""Whole numbers end before it: torch, numpy and the stores of scores all take what is smaller."""


def as_whole(what: str, given: object, least: int, *, example: str) -> int:
    """Return a whole number as an integer of Python; those of numpy and torch are some, too.

    Raises
    ------
    ValueError
        For anything that is not a whole number from ``least`` on; it names the argument and an example.
    """
    try:
        number = least - 1 if isinstance(given, bool) else operator.index(given)  # type: ignore[arg-type] # may raise
    except TypeError:
        number = least - 1
    if not least <= number < _END:
        span = f"at least {least}" if number < least else "below 2⁶³"
        raise ValueError(f"{what} is {given!r}; it must be a whole number, {span}, for example {example}")
    return number


def check_limit(what: str, given: object) -> None:
    """Raise a ValueError for a limit that is neither a number above 0 nor None, which is no limit."""
    if given is not None and not (isinstance(given, Real) and float(given) > 0):
        raise ValueError(f"{what} is {given!r}; it is a number above 0, or None")


def as_seed(given: object) -> int:
    """Return a seed, a whole number from 0, as an integer of Python.

    ``None``, which would be another seed every time, is a ValueError as all the rest is.
    """
    return as_whole("the seed", given, 0, example="0")


def as_seeds(given: object) -> tuple[int, ...]:
    """Return one seed or several, each once; a ValueError for what :func:`as_seed` refuses."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0:
        return (as_seed(given),)
    return tuple(dict.fromkeys(map(as_seed, given)))


@contextmanager
def torch_seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Seed torch's global generators in the body of the ``with``; then put their states back.

    They are that of the processor and, if it is another, that of the device.
    """
    number, place = as_seed(seed), torch.device(device)
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[place] if place.type == "cuda" else []))
        torch.default_generator.manual_seed(number)
        if place.type == "cuda":
            stack.enter_context(torch.cuda.device(place))
            torch.cuda.manual_seed(number)
        elif place.type == "mps":
            stack.callback(torch.mps.set_rng_state, torch.mps.get_rng_state())
            torch.mps.manual_seed(number)
        yield

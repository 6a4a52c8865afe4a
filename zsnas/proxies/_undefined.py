"""A proxy without a value: its definition allows none, or the machine could not measure it."""

from __future__ import annotations

from zsnas import memory

NOT_MEASURED = "not measured: "
"""How the reason begins when the score is NaN for what the machine lacks, and not by definition."""

NOTE = "note: "
"""How the reason begins when the score is a number, of which there is something to know."""

UNSEEN = "an operation whose outputs are not seen, such as einsum, addmm or a recurrent layer"
"""Where a weight may be used without being seen, for the sentences that say so."""


class Undefined(ArithmeticError):
    """A proxy has no value for a network; the message says why, in words."""


def reason_of(error: Exception, failed: str) -> str:
    """Say that something failed and why: the first line of the error, with its type if that is but a word.

    What memory refuses was not measured.
    """
    if memory.is_refusal(error):
        return f"{NOT_MEASURED}{failed}: there is not enough memory"
    first = str(error).strip().partition("\n")[0]
    return f"{failed}: " + (first if " " in first else f"{type(error).__name__} {first}".strip())


def raised(error: BaseException, where: str = "") -> str:
    """Say in one line that a proxy raised an error; what memory refuses was not measured."""
    if isinstance(error, Exception) and memory.is_refusal(error):
        return f"{NOT_MEASURED}there is not enough memory"
    first = next(iter(str(error).strip().splitlines()), "")
    name = type(error).__name__.lstrip("_")  # torch.linalg.LinAlgError has an underscore in its own name
    return f"it raised {name}" + (f": {first}" if first else "") + where

"""Torch's graph of what a value was computed from: which operations use a weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

if TYPE_CHECKING:
    from torch.autograd.graph import Node


class Use(NamedTuple):
    """One place where an operation takes a weight as it is."""

    operation: Node
    argument: int
    """Which of the operation's inputs the weight is."""
    weight: int
    """Its id."""


def uses(values: Iterable[Tensor], end: Iterable[Node | None] = ()) -> set[Use]:
    """Return every use of a parameter that the values were computed from, no further back than ``end``."""
    waiting = [node for value in values if (node := value.grad_fn) is not None]
    known = {node for node in end if node is not None} - set(waiting)
    found: set[Use] = set()
    while waiting:
        node = waiting.pop()
        if node in known:
            continue
        known.add(node)
        for argument, (source, _) in enumerate(node.next_functions):
            variable = getattr(source, "variable", None)  # of the node that collects a parameter's gradient
            if variable is not None:
                found.add(Use(node, argument, id(variable)))
            elif source is not None:
                waiting.append(source)
    return found

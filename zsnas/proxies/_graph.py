"""Torch's graph of what a value was computed from: which operations use a weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def parameters_of(weight: Tensor) -> set[int]:
    """Return the ids of the parameters that a weight is, or is a part of, or was computed from."""
    return {id(weight)} if weight.is_leaf else {use.weight for use in uses([weight])}


def before(node: Node) -> list[Node]:
    """Return what a node was computed from."""
    return [source for source, _ in node.next_functions if source is not None]


def reached(starts: Iterable[Node | None], ends: set[Node]) -> Iterator[Node]:
    """Yield the ends at or behind the starts, each once; nothing behind an end is looked at."""
    waiting = [node for node in starts if node is not None]
    known: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in known:
            continue
        known.add(node)
        if node in ends:
            yield node
        else:
            waiting += before(node)


def everything(starts: Iterable[Node | None]) -> set[Node]:
    """Return every node at or behind the starts."""
    waiting = [node for node in starts if node is not None]
    known: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node not in known:
            known.add(node)
            waiting += before(node)
    return known

"""What every search space offers, and how one is found by name."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from functools import cache, cached_property
from typing import TYPE_CHECKING

from zsnas._names import unknown

if TYPE_CHECKING:
    from torch import nn

    from zsnas.batches import Batch

# Name of the space: module and class that hold it (loaded when the space is first used).
_SPACES = {
    "nb201": ("zsnas.spaces.nb201", "NB201"),
    "nats-sss": ("zsnas.spaces.nats_sss", "NATSSizes"),
    "transnas-micro": ("zsnas.spaces.transnas", "TransNASMicro"),
    "transnas-macro": ("zsnas.spaces.transnas", "TransNASMacro"),
}


class Space(ABC):
    """A finite set of architectures, each a string that names exactly one network."""

    name: str

    @cached_property
    @abstractmethod
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, in the benchmark's own index order."""

    @abstractmethod
    def canonical(self, arch: str) -> str:
        """Return the architecture that stands for all those that compute the same function as ``arch``."""

    @abstractmethod
    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the network of ``arch`` with weights drawn from ``seed``; no global generator is touched."""

    def build_for(self, arch: str, batch: Batch, seed: int) -> nn.Module:
        """Return the network of ``arch`` that does with the images of a batch what its task is.

        A space whose networks are classifiers builds one for the classes of the batch.
        """
        return self.build(arch, batch.num_classes, seed)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {arch: i for i, arch in enumerate(self.architectures)}

    def index(self, arch: str) -> int:
        """Return the position of ``arch`` in :attr:`architectures`; raise ``ValueError`` if it has none."""
        try:
            return self._index[arch]
        except KeyError:
            raise ValueError(f"{arch!r} is not an architecture of the search space {self.name!r}") from None


def list_spaces() -> list[str]:
    """Return the names of all search spaces."""
    return sorted(_SPACES)


@cache
def space(name: str) -> Space:
    """Return the search space called ``name``, for example ``"nb201"``.

    Raises
    ------
    UnknownNameError
        A ``ValueError`` with the closest valid name, when there is no such space.
    """
    if name not in _SPACES:
        raise unknown("search space", name, _SPACES, "zsnas.list_spaces()")
    module, cls = _SPACES[name]
    found: Space = getattr(importlib.import_module(module), cls)()
    return found

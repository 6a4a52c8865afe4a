"""Networks that a library builds by name: each has images of its own size, and the largest may not fit."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from torch import nn

from zsnas import memory
from zsnas._numbers import torch_seeded
from zsnas.batches import Batch, resized
from zsnas.spaces._base import NetworkUnavailable, Space

if TYPE_CHECKING:
    from collections.abc import Mapping


class Zoo(Space):
    """Architectures that a library knows by name."""

    @property
    @abstractmethod
    def resolutions(self) -> Mapping[str, int]:
        """Each architecture with the side of its images in pixels."""

    @abstractmethod
    def _create(self, arch: str, num_classes: int) -> nn.Module:
        """Return the network, its weights drawn from torch's global generator."""

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network, its weights drawn from ``seed`` as the library does; no download.

        Takes images of shape (batch, 3, side, side) to logits (batch, ``num_classes``).

        Raises
        ------
        NetworkUnavailable
            When the installed library has no such network.
        """
        self.index(arch)
        with torch_seeded(seed):
            return self._create(arch, num_classes)

    def images_for(self, arch: str, batch: Batch) -> Batch:
        """Return the batch, resized to what the network is made for."""
        self.index(arch)
        return resized(batch, self.resolutions[arch])

    def build_for(self, arch: str, batch: Batch, seed: int) -> nn.Module:
        """Return the network for the classes of the batch.

        Raises
        ------
        NetworkUnavailable
            When the library has no such network, or when the passes of the proxies would need more memory
            than a single one may take on this machine. Two at a time may still need more than there is.
        """
        memory.give_back()
        network = self.build(arch, batch.num_classes, seed)
        needed, budget = memory.needed(network, batch.images), memory.budget()
        if needed > budget:
            raise NetworkUnavailable(
                f"{arch} needs about {needed / 1e9:.1f} GB for a batch of {len(batch.images)}, more than the "
                f"{budget / 1e9:.1f} GB that this machine has for it now; take a smaller batch"
            )
        return network


class Design(Protocol):
    """What the architecture string of a grid says, among other things."""

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""


class Grid(Zoo):
    """Architectures that are the points of a grid, of which the resolution is one axis."""

    @property
    @abstractmethod
    def designs(self) -> Mapping[str, Design]:
        """Every architecture string with its design; the resolution changes fastest."""

    @abstractmethod
    def parse(self, arch: str) -> Design:
        """Return the design of ``arch``; raise ``ValueError`` that says what is valid."""

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string; the resolution changes fastest."""
        return tuple(self.designs)

    @cached_property
    def resolutions(self) -> Mapping[str, int]:
        """Each architecture with the side of its images in pixels."""
        return {arch: design.resolution for arch, design in self.designs.items()}

    def index(self, arch: str) -> int:
        """Return the position of ``arch`` in :attr:`architectures`; an error says what is valid."""
        self.parse(arch)
        return super().index(arch)

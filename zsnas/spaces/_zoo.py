"""Networks that a library builds by name: each has images of its own size, and the largest may not fit."""

from __future__ import annotations

import ctypes
import os
import sys
from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from zsnas.batches import Batch, resized
from zsnas.spaces._base import NetworkUnavailable, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the survey's proxies take at the most together, GraSP's second derivatives included: so many times what
# a forward pass saves for its backward pass, and so many copies of the weights, of which SynFlow alone keeps
# two in double precision. Least squares on ResNet-50 and -152, Wide-ResNet-50 and DeiT-B give 2.5 and 10.
_ACTIVATIONS = 3
_WEIGHTS = 10
# The rest is for other programs, and for networks that take more than estimated: RegNetZ-D8 with EvoNorm took
# half as much again.
_SHARE = 0.6


class Zoo(Space):
    """Architectures that a library knows by name."""

    @property
    @abstractmethod
    def resolutions(self) -> Mapping[str, int]:
        """Each architecture with the side of its images in pixels."""

    @abstractmethod
    def _create(self, arch: str, num_classes: int) -> nn.Module:
        """Return the network, its weights drawn from torch's global generator."""

    def canonical(self, arch: str) -> str:
        """Return ``arch``: each name is a network of its own."""
        self.index(arch)
        return arch

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network, its weights drawn from ``seed`` as the library does; no download.

        Takes images of shape (batch, 3, side, side) to logits (batch, ``num_classes``).

        Raises
        ------
        NetworkUnavailable
            When the installed library has no such network.
        """
        self.index(arch)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
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
        give_back()
        network = self.build(arch, batch.num_classes, seed)
        needed, budget = memory_needed(network, batch.images), memory_budget()
        if needed > budget:
            raise NetworkUnavailable(
                f"{arch} needs about {needed / 1e9:.1f} GB for a batch of {len(batch.images)}, more than the "
                f"{budget / 1e9:.1f} GB that this machine has for it; take a smaller batch"
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


def give_back() -> None:
    """Return memory that is free to the system, which glibc does not do by itself.

    Otherwise a process that scores one network after another holds what the largest of them took.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def memory_needed(network: nn.Module, images: Tensor) -> float:
    """Estimate the bytes that the passes of the proxies take at the most, from one pass of a single image.

    Autograd tells what it saves of an image; the weights and what is derived from them are added. The network
    is in evaluation mode meanwhile, so that it is the same afterwards.
    """
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()  # which the views of a tensor share
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    was_training = network.training
    network.eval()
    with saved_tensors_hooks(note, lambda tensor: tensor):
        network(images[:1].clone())  # a view would have the storage of the whole batch
    network.train(was_training)
    own = sum(weight.nbytes for weight in network.parameters())
    return _ACTIVATIONS * len(images) * sum(saved.values()) + _WEIGHTS * own


def memory_budget() -> float:
    """Return what a network may take of this machine's memory, in bytes; infinite where it is not known."""
    try:
        return _SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return float("inf")

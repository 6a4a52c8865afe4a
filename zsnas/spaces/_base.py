"""What every search space offers, and how one is found by name."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

from zsnas._names import unknown

if TYPE_CHECKING:
    import random

    from torch import nn

    from zsnas.batches import Batch

# Name of the space: module and class that hold it (loaded when the space is first used).
_SPACES = {
    "nb201": ("zsnas.spaces.nb201", "NB201"),
    "nats-sss": ("zsnas.spaces.nats_sss", "NATSSizes"),
    "mobilenet-v2": ("zsnas.spaces.mobilenet_v2", "MobileNetV2"),
    "resnets": ("zsnas.spaces.resnets", "ResNets"),
    "segmentation": ("zsnas.spaces.segmentation", "Segmentation"),
    "timm": ("zsnas.spaces.timm", "Timm"),
    "torchvision": ("zsnas.spaces.torchvision", "Torchvision"),
    "transnas-micro": ("zsnas.spaces.transnas", "TransNASMicro"),
    "transnas-macro": ("zsnas.spaces.transnas", "TransNASMacro"),
    "proxyless": ("zsnas.spaces.proxyless", "Proxyless"),
    "accel-nasbench": ("zsnas.spaces.accel_nasbench", "AccelNASBench"),
}


class NetworkUnavailable(Exception):
    """The network of an architecture cannot be had here; the message says why. A sweep goes on without it."""


class Counts(NamedTuple):
    """Trainable parameters of a network, and the multiply-accumulates of one image."""

    params: int
    macs: int


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

    def images_for(self, arch: str, batch: Batch) -> Batch:  # noqa: ARG002 (for other spaces)
        """Return the batch as the network of ``arch`` takes it.

        Here that is the batch itself; a space whose networks have images of their own size resizes it.
        """
        return batch

    def counts(self, arch: str, num_classes: int, image_size: int) -> Counts:
        """Return what the proxies #Params and #FLOPs measure of a classifier of square images.

        Here the network is built without memory for its weights and run on one image without pixels; a space
        that has a formula uses that.
        """
        import torch

        from zsnas.macs import MacCounter

        with torch.device("meta"), torch.no_grad(), MacCounter() as counter:
            network = self.build(arch, num_classes, seed=0).eval()
            network(torch.zeros(1, 3, image_size, image_size))
        params = sum(p.numel() for p in network.parameters() if p.requires_grad)
        return Counts(params, counter.total)

    def sample(self, rng: random.Random) -> str:
        """Draw one of the :attr:`architectures`, each with the same probability."""
        return rng.choice(self.architectures)

    def neighbours(self, arch: str) -> list[str]:
        """Return the architectures that are one step from ``arch``, the smallest that the space knows.

        Raises
        ------
        ValueError
            When the architecture is malformed, or the space knows no steps.
        """
        raise ValueError(
            f"the search space {self.name!r} has no steps from {arch!r} to others, so that only random "
            "search works there"
        )

    def mutate(self, arch: str, rng: random.Random) -> str:
        """Draw one of the :meth:`neighbours`, each with the same probability."""
        return rng.choice(self.neighbours(arch))

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

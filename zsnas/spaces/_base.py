"""What every search space offers, and how one is found by name."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

from zsnas._listed import card
from zsnas._names import as_known, as_name
from zsnas._own import Register
from zsnas.spaces._arguments import check_arguments, no_architecture

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from torch import Tensor, nn

    from zsnas.batches import Batch

# Name of the space: module and class that hold it (loaded when the space is first used).
_SPACES = {
    "nb201": ("zsnas.spaces.nb201", "NB201"),
    "nb201-digits": ("zsnas.spaces.nb201_digits", "NB201Digits"),
    "nb101": ("zsnas.spaces.nb101", "NB101"),
    "nas-bench-macro": ("zsnas.spaces.nas_bench_macro", "NASBenchMacro"),
    "nats-sss": ("zsnas.spaces.nats_sss", "NATSSizes"),
    "mobilenet-v2": ("zsnas.spaces.mobilenet_v2", "MobileNetV2"),
    "resnets": ("zsnas.spaces.resnets", "ResNets"),
    "segmentation": ("zsnas.spaces.segmentation", "Segmentation"),
    "timm": ("zsnas.spaces.timm", "Timm"),
    "torchvision": ("zsnas.spaces.torchvision", "Torchvision"),
    "vitbench-autoformer": ("zsnas.spaces.vitbench", "AutoFormers"),
    "vitbench-pit": ("zsnas.spaces.vitbench", "PiTs"),
    "flexibert": ("zsnas.spaces.flexibert", "FlexiBERT"),
    "flexibert-trained": ("zsnas.spaces.flexibert", "TrainedFlexiBERT"),
    "transnas-micro": ("zsnas.spaces.transnas", "TransNASMicro"),
    "transnas-macro": ("zsnas.spaces.transnas", "TransNASMacro"),
    "proxyless": ("zsnas.spaces.proxyless", "Proxyless"),
    "accel-nasbench": ("zsnas.spaces.accel_nasbench", "AccelNASBench"),
}

OWN: Register[Space] = Register("search space", lambda: _SPACES)
"""The spaces that users have registered."""


class NetworkUnavailable(Exception):
    """An architecture's network is unavailable here; the message says why. A sweep goes on without it."""


class Counts(NamedTuple):
    """Parameters of a network, and the multiply-accumulates of one image."""

    params: int
    macs: int


def counted(build: Callable[[], nn.Module], example: Tensor) -> Counts:
    """Count the network that a function builds, on one example, without memory for weights or values."""
    import torch

    from zsnas.macs import MacCounter

    with torch.device("meta"), torch.no_grad(), MacCounter() as counter:
        network = build().eval()
        network(example.to("meta"))
    return Counts(sum(parameter.numel() for parameter in network.parameters()), counter.total)


class Space(ABC):
    """A finite set of architectures, each a string that names exactly one network.

    A space of one's own needs a name, its architectures and :meth:`build`, and :meth:`neighbours` for
    searches that go from one architecture to the next, see :func:`register_space`.
    """

    name: str

    def __init_subclass__(cls) -> None:
        """Let every public method refuse what its arguments are not, see `zsnas.spaces._arguments`."""
        super().__init_subclass__()
        check_arguments(cls)

    @cached_property
    @abstractmethod
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, in the benchmark's own index order."""

    @property
    def example(self) -> str:
        """One of the :attr:`architectures`, which errors show."""
        return self.architectures[0]

    def _repr_html_(self) -> str:
        purpose = (type(self).__doc__ or "").partition("\n")[0]
        return card(self.name, purpose, (("architectures", self._size), ("one of them", self.example)))

    @property
    def _size(self) -> str:
        return f"{len(self.architectures):,}"

    def canonical(self, arch: str) -> str:
        """Return the architecture that stands for all those that compute the same function as ``arch``.

        Here each stands for itself alone.
        """
        return self.architectures[self.index(arch)]

    @abstractmethod
    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the network of ``arch`` with weights drawn from ``seed``; no global generator is touched.

        Parameters
        ----------
        arch
            One of the :attr:`architectures`.
        num_classes
            Outputs of the network, which takes images (batch, channels, height, width) to (batch, classes).
        seed
            Draws the weights.
        """

    def build_for(self, arch: str, batch: Batch, seed: int) -> nn.Module:
        """Return the network of ``arch`` that does with the images of a batch what its task is.

        A space whose networks are classifiers builds one for the classes of the batch. Torch's global
        generator is seeded while it does, and left as it was.

        Parameters
        ----------
        arch
            One of the :attr:`architectures`.
        batch
            Images, with their task and the number of their classes.
        seed
            Draws the weights.
        """
        from zsnas._numbers import torch_seeded

        with torch_seeded(seed):
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

        Parameters
        ----------
        arch
            One of the :attr:`architectures`.
        num_classes
            Outputs of the network.
        image_size
            Height and width of an image with three channels, in pixels.
        """
        import torch

        image = torch.zeros(1, 3, image_size, image_size)
        return counted(lambda: self.build(arch, num_classes, seed=0), image)

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
        if arch not in self._index:
            raise no_architecture(arch, self.name, self.example)
        return self._index[arch]


check_arguments(Space)


def list_spaces() -> list[str]:
    """Return the names of all search spaces."""
    return sorted([*_SPACES, *OWN])


def register_space(space: Space) -> None:
    """Let a search space of one's own be found by its name, as those of this package are.

    Registering again replaces it, if the same module or notebook does.

    Parameters
    ----------
    space
        An instance of a class derived from :class:`Space`.

    Raises
    ------
    ValueError
        When it is no space, or its name is taken.
    """
    if not isinstance(space, Space):
        raise ValueError(
            f"a search space is an instance of a class derived from zsnas.Space, not {space!r}; "
            "write register_space(MySpace())"
        )
    OWN.add(space.name, space)


def space(name: str) -> Space:
    """Return the search space called ``name``, for example ``"nb201"``.

    Raises
    ------
    UnknownNameError
        A ``ValueError`` with the closest valid name, when there is no such space.
    """
    return OWN[name] if name in OWN else _space(as_name("search space", name, "zsnas.list_spaces()"))


@cache
def _space(name: str) -> Space:
    module, cls = _SPACES[as_known("search space", name, list_spaces(), "zsnas.list_spaces()")]
    found: Space = getattr(importlib.import_module(module), cls)()
    return found

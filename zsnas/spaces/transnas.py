"""The two search spaces of TransNAS-Bench-101: 4,096 cells, and 3,256 stacks of residual blocks.

An architecture is ``64-<modules>-<cell>``: 64 channels after the stem, one digit for each module of two
cells, and the cell. The digit says what the first cell of the module does: 1 nothing special, 2 doubles the
channels, 3 halves the image, 4 does both.

Micro: the modules are ``41414`` and the cell ``a_bc_def`` is searched. Like in NAS-Bench-201, a cell is a
complete graph of four nodes: node 1 takes operation ``a`` of node 0; node 2 adds ``b`` of node 0 and ``c`` of
node 1; node 3 adds ``d``, ``e``, ``f``. Operations are 0 none, 1 skip connection, 2 1×1 convolution, 3 3×3
convolution. Macro: the cell is ``basic``, a residual block, and the modules are searched: four to six, of
which one to three double the channels and one to four halve the image.

A network is an encoder, which the architecture names, and the head of a task (:mod:`zsnas.batches.tasks`).

Source: Duan et al. 2021, TransNAS-Bench-101, and its code (github.com/yawen-d/TransNASBench).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

if TYPE_CHECKING:
    from torch import nn

    from zsnas.batches import Batch
    from zsnas.batches.tasks import Task

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (from node, to node), in the order of the string
OPERATIONS = ("none", "skip connection", "1×1 convolution", "3×3 convolution")
MICRO_MODULES = "41414"
MICRO_FORM = "64-41414-a_bc_def"
MACRO_FORM = "64-<modules>-basic"
MACRO_LENGTHS = (4, 5, 6)

_MICRO = re.compile(r"64-41414-([0-3])_([0-3]{2})_([0-3]{3})")
_MACRO = re.compile(r"64-([1-4]{4,6})-basic")


class Encoder(NamedTuple):
    """What an architecture string says.

    Attributes
    ----------
    modules
        A digit for each module, 1 to 4.
    cell
        An operation 0 to 3 for each of :data:`EDGES`; empty for residual blocks.
    """

    modules: tuple[int, ...]
    cell: tuple[int, ...] = ()


class TransNAS(Space):
    """What both spaces share: the networks."""

    @abstractmethod
    def encoder(self, arch: str) -> Encoder:
        """Return the modules and the cell of ``arch``; a malformed one is a ValueError that says why."""

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return a classifier of ``num_classes`` classes, as `build_for_task` does for a task."""
        from zsnas.batches.tasks import CLASSIFICATION

        return self.build_for_task(arch, CLASSIFICATION, num_classes, seed)

    def build_for(self, arch: str, batch: Batch, seed: int) -> nn.Module:
        """Return the network of ``arch`` for the task of a batch."""
        return self.build_for_task(arch, batch.task, batch.num_classes, seed)

    def build_for_task(self, arch: str, task: Task, outputs: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch`` with the head of a task.

        Weights are drawn from ``seed``: convolutions of the encoder as the benchmark does (He et al. 2015,
        normal, by the number of outputs), the head with torch's defaults. Takes images (batch, 3, height,
        width), for the task jigsaw nine tiles (batch, 27, height, width), to (batch, ``outputs``), or to
        (batch, ``outputs``, height, width) for a dense task, whose images must have sides that the encoder
        divides without rest (a multiple of 64 always does).

        Parameters
        ----------
        arch
            One of the :attr:`architectures`.
        task
            It decides the head, see :mod:`zsnas.batches.tasks`.
        outputs
            Classes, or channels of the output.
        seed
            Draws the weights.
        """
        encoder = self.encoder(arch)
        from zsnas.spaces._transnas_networks import network

        return network(encoder, task, outputs, seed)


class TransNASMicro(TransNAS):
    """The 4,096 cells, ``64-41414-a_bc_def``."""

    name = "transnas-micro"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, sorted: the last operation changes fastest."""
        return tuple(map(_micro, product(range(len(OPERATIONS)), repeat=len(EDGES))))

    def encoder(self, arch: str) -> Encoder:
        """Return the modules and the cell of ``arch``; a malformed one is a ValueError that says why."""
        matched = _MICRO.fullmatch(arch)
        if not matched:
            digits = ", ".join(f"{i} {name}" for i, name in enumerate(OPERATIONS))
            why = f"the form is {MICRO_FORM}, each letter an operation: {digits}"
            raise no_architecture(arch, self.name, "64-41414-3_12_013", why)
        return Encoder(tuple(map(int, MICRO_MODULES)), tuple(map(int, "".join(matched.groups()))))

    def canonical(self, arch: str) -> str:
        """Return ``arch`` without the operations that the output does not depend on.

        These are operations on nothing, which give nothing in an untrained network (batch norm makes zeros of
        zeros), and operations that lead to no output. There are 2,128 architectures without such operations.
        Other isomorphisms are left as they are: where a skip connection changes the shape it has weights.
        """
        return _micro(_without_dead_ends(self.encoder(arch).cell))


def _micro(cell: tuple[int, ...]) -> str:
    a, b, c, d, e, f = cell
    return f"64-{MICRO_MODULES}-{a}_{b}{c}_{d}{e}{f}"


def _without_dead_ends(cell: tuple[int, ...]) -> tuple[int, ...]:
    used = {edge for edge, operation in zip(EDGES, cell, strict=True) if operation}
    fed, leading = {0}, {3}
    for source, target in EDGES:  # sorted by target
        if (source, target) in used and source in fed:
            fed.add(target)
    for source, target in reversed(EDGES):
        if (source, target) in used and target in leading:
            leading.add(source)
    return tuple(
        operation if source in fed and target in leading else 0
        for (source, target), operation in zip(EDGES, cell, strict=True)
    )


class TransNASMacro(TransNAS):
    """The 3,256 stacks of residual blocks, ``64-<modules>-basic``."""

    name = "transnas-macro"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, short ones first and then sorted.

        The benchmark has an order of its own, which follows no rule that is known.
        """
        return tuple(
            f"64-{''.join(map(str, modules))}-basic"
            for length in MACRO_LENGTHS
            for modules in product((1, 2, 3, 4), repeat=length)
            if not _out_of_range(modules)
        )

    def encoder(self, arch: str) -> Encoder:
        """Return the modules of ``arch``; a malformed one is a ValueError that says why."""
        matched = _MACRO.fullmatch(arch)
        modules = tuple(map(int, matched[1])) if matched else ()
        why = _out_of_range(modules) if matched else f"the form is {MACRO_FORM}, four to six digits 1 to 4"
        if why:
            raise no_architecture(arch, self.name, "64-2341-basic", why)
        return Encoder(modules)

    def canonical(self, arch: str) -> str:
        """Return ``arch``: no two architectures compute the same function."""
        self.encoder(arch)
        return arch


def _out_of_range(modules: tuple[int, ...]) -> str:
    """Say which number of modules is outside the space, or nothing."""
    doubling, halving = sum(m in (2, 4) for m in modules), sum(m in (3, 4) for m in modules)
    if not 1 <= doubling <= 3:
        return f"{doubling} modules (2 or 4) double the channels; there must be one to three"
    if not 1 <= halving <= 4:
        return f"{halving} modules (3 or 4) halve the image; there must be one to four"
    return ""

"""The vision transformers of ViT-Bench-101: AutoFormer and PiT, in the shapes that were trained.

AutoFormer: ``192-m3.5h4-m4h4-…`` reads: 192 channels, then for each block the expansion of its MLP and the
number of its heads. All blocks work on patches of 16 × 16 pixels and a class token; the classifier takes the
mean of the patches. PiT: ``16-m6-d2.8.4-h2.4.4`` reads: 16 channels a head, MLPs that expand by 6, and for
each of three stages its blocks and its heads. It begins with patches of 16 pixels every 8; between stages a
depthwise convolution halves the sides and the class token goes through a linear layer; the classifier takes
the class token. Images have 224 × 224 pixels.

Both spaces are larger; listed are the 200 and 100 architectures of the benchmark.

Source: Wei et al. 2024, Auto-Prox, with Chen et al. 2021, AutoFormer, and Heo et al. 2021, PiT.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from zsnas.sources import fetch
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

if TYPE_CHECKING:
    from torch import nn

    from zsnas.batches import Batch

SIDE = 224
SOURCES = {"autoformer": ("auto-prox/autoformer", "auto-prox/autoformer-2"), "pit": ("auto-prox/pit",)}
"""The files of each space, in the order of its architectures."""

_NUMBER = r"\d+(?:\.\d+)?"


class Block(NamedTuple):
    """A transformer block: channels, expansion of the MLP, heads."""

    channels: int
    expansion: float
    heads: int


Plan = tuple[tuple[Block, ...], ...]
"""The blocks of each stage."""


class Transformers(Space):
    """What both spaces share."""

    rule: str

    @property
    def family(self) -> str:
        """Name of the space within the benchmark."""
        return self.name.removeprefix("vitbench-")

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture of the benchmark, in the order of its files."""
        return tuple(dict.fromkeys(self.write(record["arch"]) for record in records(self.family)))

    @abstractmethod
    def write(self, record: dict[str, Any]) -> str:
        """Return the string of an architecture that the benchmark writes as a record."""

    @abstractmethod
    def plan(self, arch: str) -> Plan:
        """Return the blocks of ``arch``; a malformed one is a ValueError."""

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, for images of 224 × 224 pixels.

        Weights are drawn from ``seed`` as the benchmark's code does: of AutoFormer's linear layers, and of
        tokens and positions, from a normal distribution with a deviation of 0.02; of PiT's layers with
        torch's defaults. There is no token for distillation.
        """
        plan = self.plan(arch)
        from zsnas.spaces._vitbench_networks import network

        return network(self.family, plan, num_classes, seed)

    def images_for(self, arch: str, batch: Batch) -> Batch:
        """Return the batch, resized to 224 × 224 pixels."""
        self.plan(arch)
        from zsnas.batches import resized

        return resized(batch, SIDE)

    def _malformed(self, arch: str) -> ValueError:
        return no_architecture(arch, self.name, self.example, self.rule)


class AutoFormers(Transformers):
    """The 200 AutoFormers of ViT-Bench-101."""

    name = "vitbench-autoformer"
    example = "192-m3.5h4-m4h4"
    rule = "blocks m<expansion>h<heads> follow the channels, which heads divide"

    def write(self, record: dict[str, Any]) -> str:
        """Return the string of an architecture that the benchmark writes as a record."""
        blocks = zip(record["mlp_ratio"], record["num_heads"], strict=True)
        return "-".join([str(record["hidden_dim"]), *(f"m{ratio:g}h{heads}" for ratio, heads in blocks)])

    def plan(self, arch: str) -> Plan:
        """Return the blocks, in one stage."""
        channels, *parts = arch.split("-")
        found = [re.fullmatch(rf"m({_NUMBER})h([1-9]\d*)", part) for part in parts]
        if not (re.fullmatch(r"[1-9]\d*", channels) and found and all(found)):
            raise self._malformed(arch)
        blocks = tuple(Block(int(channels), float(block[1]), int(block[2])) for block in found if block)
        if any(block.channels % block.heads for block in blocks):
            raise self._malformed(arch)
        return (blocks,)


class PiTs(Transformers):
    """The 100 PiTs of ViT-Bench-101."""

    name = "vitbench-pit"
    example = "16-m6-d2.8.4-h2.4.4"
    rule = "d has the blocks of three stages, and h heads, in each stage a multiple of those before"

    def write(self, record: dict[str, Any]) -> str:
        """Return the string of an architecture that the benchmark writes as a record."""
        depths, heads = (".".join(map(str, record[key])) for key in ("depth", "num_heads"))
        return f"{record['base_dim']}-m{record['mlp_ratio']:g}-d{depths}-h{heads}"

    def plan(self, arch: str) -> Plan:
        """Return the blocks of the three stages."""
        three = r"([1-9]\d*)\.([1-9]\d*)\.([1-9]\d*)"
        found = re.fullmatch(rf"([1-9]\d*)-m({_NUMBER})-d{three}-h{three}", arch)
        if not found:
            raise self._malformed(arch)
        base, depths, heads = int(found[1]), found.groups()[2:5], list(map(int, found.groups()[5:]))
        if heads[1] % heads[0] or heads[2] % heads[1]:
            raise self._malformed(arch)
        return tuple(
            (Block(base * count, float(found[2]), count),) * int(depth)
            for depth, count in zip(depths, heads, strict=True)
        )


@cache
def records(family: str) -> list[dict[str, Any]]:
    """Return what the benchmark says of each architecture, from all files of a space, see `SOURCES`."""
    import torch

    return [record for name in SOURCES[family] for record in torch.load(fetch(name), weights_only=True)]

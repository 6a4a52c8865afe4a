"""What the spaces of inverted residual blocks share: an architecture is a plan, a plan a network."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from zsnas.spaces._base import Counts, Space

if TYPE_CHECKING:
    from torch import nn

    from zsnas.batches import Batch
    from zsnas.spaces._inverted_residuals import Plan

SCORED_SIDE = 64
"""Pixels a side of the images that proxies see."""


class MobileSpace(Space):
    """A space whose architectures are plans of inverted residual blocks."""

    @abstractmethod
    def plan(self, arch: str) -> Plan:
        """Return the channels and blocks of ``arch``; raise ``ValueError`` when it is malformed."""

    def canonical(self, arch: str) -> str:
        """Return ``arch``: no two architectures are known to compute the same function."""
        self.plan(arch)
        return arch

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, see `zsnas.spaces._inverted_residuals.network`."""
        from zsnas.spaces._inverted_residuals import network

        return network(self.plan(arch), num_classes, seed)

    def images_for(self, arch: str, batch: Batch) -> Batch:
        """Return the batch at 64 × 64 pixels or as small as it is: a search cannot wait for 224 × 224."""
        self.plan(arch)
        from zsnas.batches import resized

        return resized(batch, min(SCORED_SIDE, batch.images.shape[-1]))

    def counts(self, arch: str, num_classes: int, image_size: int) -> Counts:
        """Return #Params and #FLOPs by formula, without building the network."""
        from zsnas.spaces._inverted_residuals import counts

        return counts(self.plan(arch), num_classes, image_size)

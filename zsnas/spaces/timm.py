"""timm's CNNs and vision transformers that were trained standalone on ImageNet-1K: names to networks.

The architectures are those of the benchmarks ``timm/imagenet-cnn`` and ``timm/imagenet-vit``, named as
``timm.create_model`` takes them, and the images have the resolution that their accuracy was measured at.

Attention is computed step by step, without the fused kernel of torch: the result is the same, and unlike the
kernel it has second derivatives, which GraSP needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.sources import DATA
from zsnas.spaces._base import NetworkUnavailable
from zsnas.spaces._zoo import Zoo

if TYPE_CHECKING:
    from torch import nn


class Timm(Zoo):
    """The architectures of ``data/timm_standalone.csv`` and the networks that the installed timm builds."""

    name = "timm"

    @cached_property
    def resolutions(self) -> dict[str, int]:
        """Each architecture with the side of its images in pixels, 106 to 288."""
        names = pd.read_csv(DATA / "timm_standalone.csv")
        return dict(zip(names["arch"], names["resolution"].tolist(), strict=True))

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every name, CNNs before vision transformers, each in the order of the alphabet."""
        return tuple(self.resolutions)

    def _create(self, arch: str, num_classes: int) -> nn.Module:
        import timm

        if not timm.is_model(arch):
            raise NetworkUnavailable(f"timm {timm.__version__} has no model {arch!r}")
        with _unfused_attention():
            network: nn.Module = timm.create_model(arch, pretrained=False, num_classes=num_classes)
        return network


@contextmanager
def _unfused_attention() -> Iterator[None]:
    """Let timm build attention without the fused kernel, and put its setting back."""
    from timm.layers import config

    enabled, experimental = config.use_fused_attn(), config.use_fused_attn(experimental=True)
    config.set_fused_attn(enable=False)
    try:
        yield
    finally:
        config.set_fused_attn(enable=enabled, experimental=experimental)

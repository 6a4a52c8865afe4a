"""torchvision's classifiers that have weights trained on ImageNet-1K alone: names to networks.

The architectures are those of the benchmarks ``torchvision/imagenet-cnn`` and ``torchvision/imagenet-vit``;
the images have the resolution that the accuracy of those weights was measured at.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from zsnas.spaces._zoo import Zoo

if TYPE_CHECKING:
    from torch import nn

# They warn when they are not told, and their library draws weights slowly unless it is asked for.
_TOLD_TO_DRAW_WEIGHTS = ("googlenet", "inception_v3")


class Torchvision(Zoo):
    """The architectures with weights ``IMAGENET1K_V1``."""

    name = "torchvision"

    @cached_property
    def resolutions(self) -> dict[str, int]:
        """Each architecture with the side of its images in pixels, 224 to 600."""
        from torchvision import models

        return {
            arch: int(weights.IMAGENET1K_V1.transforms.keywords["crop_size"])
            for arch in models.list_models(module=models)
            if hasattr(weights := models.get_model_weights(arch), "IMAGENET1K_V1")
        }

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every name, in the order of the alphabet."""
        return tuple(self.resolutions)

    def _create(self, arch: str, num_classes: int) -> nn.Module:
        from torchvision import models

        told = {"init_weights": True} if arch in _TOLD_TO_DRAW_WEIGHTS else {}
        network: nn.Module = models.get_model(arch, weights=None, num_classes=num_classes, **told)
        return network

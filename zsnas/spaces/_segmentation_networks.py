"""A backbone with a segmentation head, as one network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces._segmentation_backbones import BACKBONES, pyramid
from zsnas.spaces._segmentation_heads import head
from zsnas.spaces._segmentation_heads.layers import resized

if TYPE_CHECKING:
    from zsnas.spaces.segmentation import Backbone

LEVELS = 4
_RESNETS = ("resnet", "resnext", "resnest")


def network(backbone: Backbone, head_name: str, classes: int, seed: int) -> nn.Module:
    """Return the network of a backbone and a head, see `zsnas.spaces.segmentation.Segmentation.build`."""
    with torch_seeded(seed):
        body = _backbone(backbone)
        return SegmentationNetwork(body, head(head_name, _channels(body), classes))


class SegmentationNetwork(nn.Module):
    """Feature maps, a head that reads them, and its logits for every pixel of the image."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, images: Tensor) -> Tensor:
        """Map (batch, 3, height, width) to (batch, classes, height, width)."""
        return resized(self.head(self.backbone(images)[-LEVELS:]), images)


class HighResolution(nn.Module):
    """An HRNet, whose last level is all of its branches, enlarged to the first."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images to four levels, the finest one quarter of their sides."""
        levels: list[Tensor] = self.body(images)[-LEVELS:]
        joined = torch.cat([resized(level, levels[0]) for level in levels], dim=1)
        return [*levels[:-1], joined]


def _channels(body: nn.Module) -> list[int]:
    if isinstance(body, HighResolution):
        branches = _channels(body.body)
        return [*branches[:-1], sum(branches)]
    info: Any = body.feature_info
    channels: list[int] = info.channels()[-LEVELS:]
    return channels


def _backbone(backbone: Backbone) -> nn.Module:
    if backbone.model in BACKBONES:
        return pyramid(backbone.model)
    settings: dict[str, Any] = {"output_stride": backbone.stride} if backbone.stride else {}
    if backbone.model.startswith(_RESNETS):
        settings["zero_init_last"] = False
    if backbone.is_high_resolution:
        settings["feature_location"] = ""
    model = backbone.model
    if model == "resnet18s":  # the only one of its kind that timm has no name for
        model, settings["stem_type"], settings["stem_width"] = "resnet18", "deep", 64
    body: nn.Module = timm.create_model(model, pretrained=False, features_only=True, **settings)
    return HighResolution(body) if backbone.is_high_resolution else body

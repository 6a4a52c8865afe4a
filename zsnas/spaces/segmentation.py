"""Segmentation networks: a convolutional backbone, dilated or not, and a head.

An architecture is ``<backbone>+<head>``, such as ``resnet50c-d8+pspnet``. The backbone is a model of timm
without its classifier, or one of :mod:`zsnas.spaces._segmentation_backbones`; ``-d8`` or ``-d16`` says that
it divides the sides by 8 or 16 instead of 32, by dilation where it would halve. It gives four feature maps.
The last one of an HRNet is its four branches together, at the size of the finest. Heads are those of
:mod:`zsnas.spaces._segmentation_heads`.

The survey varies backbone and head of "PyTorch Segmentation", which it does not name further. This space has
what model zoos publish results of on ADE20K: every backbone with every head that its feature maps fit.
ResNets with the suffix ``c`` or ``s`` have three 3×3 convolutions at the start, with 32 or 64 channels.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

if TYPE_CHECKING:
    from torch import nn

_DILATED = (
    *("resnet18s", "resnet50c", "resnet101c", "resnet50s", "resnet101s"),
    *("resnext50_32x4d", "resnext101_32x8d"),
    *("resnest50d", "resnest101e", "resnest200e", "resnest269e", "xception65", "mobilenetv2_100"),
)
_PLAIN = (
    *("resnet18s", "resnet50c", "resnet101c", "resnet50s", "resnet101s"),
    *("resnext50_32x4d", "resnext101_32x8d"),
    *("convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "convnext_xlarge"),
    *("rdnet_tiny", "rdnet_small", "rdnet_base", "repvit_m1_1", "repvit_m1_5", "repvit_m2_3"),
    # written here, not timm's
    *("van_b0", "van_b1", "van_b2", "van_b3", "van_b4", "van_b5", "van_b6"),
    *("mscan_t", "mscan_s", "mscan_b", "mscan_l"),
    *("moganet_xt", "moganet_t", "moganet_s", "moganet_b", "moganet_l"),
    *("hornet_t", "hornet_s", "hornet_b", "hornet_l"),
    *("hornet_t_gf", "hornet_s_gf", "hornet_b_gf", "hornet_l_gf"),
    *("replknet_31b", "replknet_31l", "replknet_xl"),
    *("unireplknet_t", "unireplknet_s", "unireplknet_b", "unireplknet_l", "unireplknet_xl"),
)
_HIGH_RESOLUTION = ("hrnet_w18_small_v2", "hrnet_w18", "hrnet_w48")

_OF_DILATED = (
    *("fcn", "c1", "pspnet", "deeplabv3", "deeplabv3plus", "nonlocal", "dnl", "gcnet", "ccnet", "danet"),
    *("ann", "isanet", "psanet", "encnet", "apcnet", "dmnet", "deeplabv3-256", "deeplabv3plus-256"),
    *("knet-fcn", "knet-pspnet", "knet-deeplabv3"),
)
_OF_PLAIN = (
    *("upernet", "knet-upernet", "fpn", "jpu-deeplabv3", "jpu-pspnet", "jpu-encnet"),
    *("ham256", "ham512", "ham1024"),
)
_OF_HIGH_RESOLUTION = ("fcn1", "c1", "ocr")


class Backbone(NamedTuple):
    """A backbone.

    Attributes
    ----------
    model
        Name of the model in timm, ``resnet18s``, or one of `zsnas.spaces._segmentation_backbones`.
    stride
        How many times smaller than the image its last feature map is, if that is not timm's own choice.
    """

    model: str
    stride: int | None = None

    @property
    def is_high_resolution(self) -> bool:
        """Whether it keeps branches of all sizes to its end."""
        return self.model.startswith("hrnet")


class Segmentation(Space):
    """Every backbone with every head that fits it."""

    name = "segmentation"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, backbone by backbone."""
        families = (
            ([f"{model}-d8" for model in _DILATED], _OF_DILATED),
            (["mobilenetv3_large_100-d16"], ("lraspp",)),
            (_PLAIN, _OF_PLAIN),
            (_HIGH_RESOLUTION, _OF_HIGH_RESOLUTION),
        )
        return tuple(
            f"{backbone}+{head}" for backbones, heads in families for backbone in backbones for head in heads
        )

    def parts(self, arch: str) -> tuple[Backbone, str]:
        """Return the backbone and the head of ``arch``; one that is not in the space is a ValueError."""
        if arch not in self._index:
            nearest = get_close_matches(arch, self.architectures, n=1, cutoff=0)
            raise no_architecture(arch, self.name, nearest[0])
        backbone, _, head = arch.partition("+")
        model, _, stride = backbone.partition("-d")
        return Backbone(model, int(stride) if stride else None), head

    def canonical(self, arch: str) -> str:
        """Return ``arch``: no two architectures compute the same function."""
        self.parts(arch)
        return arch

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``; nothing is downloaded.

        Weights are drawn from ``seed``: those of a backbone of timm as timm does, except that the residual
        branches of a ResNet do not start at zero; others normal, by the number of outputs (He et al. 2015).
        Takes images (batch, 3, height, width) to logits (batch, ``num_classes``, height, width). Sides must
        be multiples of 32.
        """
        backbone, head = self.parts(arch)
        from zsnas.spaces._segmentation_networks import network

        return network(backbone, head, num_classes, seed)

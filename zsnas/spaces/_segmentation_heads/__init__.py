"""The heads of segmentation networks: from a backbone's feature maps to the logits of each class.

A head takes four feature maps, the finest first, and gives (batch, classes, height, width), the sides being
those of one of its inputs; whoever asks for pixels resizes. All are written from their papers:

==================  ===================================================================================
``fcn``             Long et al. 2015, two convolutions around which the input is carried
``fcn1``            the same with one 1×1 convolution, Sun et al. 2019 (HRNetV2)
``c1``              Zhou et al. 2018, one 3×3 convolution to a quarter of the channels
``pspnet``          Zhao et al. 2017, pyramid pooling
``upernet``         Xiao et al. 2018, pyramid pooling and a feature pyramid
``fpn``             Kirillov et al. 2019, a feature pyramid whose levels are brought to one size
``deeplabv3``       Chen et al. 2017, convolutions of several dilations
``deeplabv3plus``   Chen et al. 2018, the same from separable convolutions, and a fine feature map
``…-256``           these two with the widths of their papers; without, with those of mmsegmentation
``nonlocal``        Wang et al. 2018, every pixel attends to every other
``dnl``             Yin et al. 2020, pairs and single pixels attended to apart
``gcnet``           Cao et al. 2019, one attention map for all pixels
``ccnet``           Huang et al. 2019, attention along the row and the column, twice
``danet``           Fu et al. 2019, attention of positions beside attention of channels
``ann``             Zhu et al. 2019, attention to the pooled pixels of two feature maps
``isanet``          Huang et al. 2019, attention among far pixels, then among near ones
``psanet``          Zhao et al. 2018, attention by the offset of two pixels, taken and given
``encnet``          Zhang et al. 2018, a codebook of features that weighs the channels
``apcnet``          He et al. 2019, affinities between pixels and pooled regions
``dmnet``           He et al. 2019, filters that are computed from the image
``ocr``             Yuan et al. 2020, attention to the mean features of each class
``lraspp``          Howard et al. 2019, for mobile networks
``ham…``            Guo et al. 2022 (SegNeXt), a matrix factorisation, of 256, 512 or 1024 channels
``jpu-…``           Wu et al. 2019, a joint pyramid that stands in for dilation, before another head
``knet-…``          Zhang et al. 2021, the kernels of the classes refined, after another head
==================  ===================================================================================

They share `layers`; `pooling` has those that look at several scales, `levels` those that join feature maps of
several sizes, `attention` those in which pixels attend to each other, `context` those that first sum an image
up, `hamburger` and `kernels` one each.

Auxiliary classifiers, which training adds and throws away, and dropout are left out. Where a paper starts a
branch at zero (the scale of an attention, the last layer of a non-local block), it starts at one or at random
here: a proxy would see nothing of such a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from zsnas.spaces._segmentation_heads.attention import (
    Asymmetric,
    CrissCross,
    Disentangled,
    DualAttention,
    GlobalContext,
    Interlaced,
    NonLocal,
    PointWise,
)
from zsnas.spaces._segmentation_heads.context import Encoding, ObjectContext
from zsnas.spaces._segmentation_heads.hamburger import hamburger
from zsnas.spaces._segmentation_heads.kernels import KernelNet
from zsnas.spaces._segmentation_heads.layers import WIDTH, Around, Last, conv
from zsnas.spaces._segmentation_heads.levels import FeaturePyramid, JointPyramid, UPerNet
from zsnas.spaces._segmentation_heads.pooling import (
    NARROW,
    REGIONS,
    AdaptiveContext,
    DeepLabV3Plus,
    DynamicFilters,
    LiteAtrous,
    Pooled,
    atrous,
    dilated_conv,
    narrow_atrous,
    pyramid,
)

Builder = Callable[[Sequence[int], int], tuple[nn.Module, int]]
"""From the channels of the levels and the number of classes to layers and the channels that they give."""


def _last(
    module: Callable[[int, int], nn.Module], channels: Sequence[int], _classes: int
) -> tuple[nn.Module, int]:
    return Last(module(channels[-1], WIDTH)), WIDTH


def _all(
    module: Callable[[Sequence[int], int], nn.Module], channels: Sequence[int], _: int
) -> tuple[nn.Module, int]:
    return module(channels, WIDTH), WIDTH


def _around(context: Callable[[int], nn.Module], channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return Around(channels[-1], WIDTH, context(WIDTH)), WIDTH


def _plain(kernel: int, share: int, channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    width = channels[-1] // share
    return Last(conv(channels[-1], width, kernel)), width


def _narrow_atrous(channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return narrow_atrous(channels[-1]), NARROW


def _narrow_plus(channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return DeepLabV3Plus(channels, NARROW, kernel=1), NARROW


def _feature_pyramid(channels: Sequence[int], _: int) -> tuple[nn.Module, int]:
    return FeaturePyramid(channels), FeaturePyramid.NARROW


def _object_context(channels: Sequence[int], classes: int) -> tuple[nn.Module, int]:
    return Last(ObjectContext(channels[-1], WIDTH, classes)), WIDTH


_BODIES: dict[str, Builder] = {
    "fcn": partial(_around, lambda _: nn.Identity()),
    "fcn1": partial(_plain, 1, 1),
    "c1": partial(_plain, 3, 4),
    "pspnet": partial(_last, partial(pyramid, branch=Pooled, sizes=REGIONS)),
    "upernet": partial(_all, UPerNet),
    "fpn": _feature_pyramid,
    "deeplabv3": partial(_last, partial(atrous, dilated=dilated_conv)),
    "deeplabv3plus": partial(_all, DeepLabV3Plus),
    "deeplabv3-256": _narrow_atrous,
    "deeplabv3plus-256": _narrow_plus,
    "nonlocal": partial(_around, NonLocal),
    "dnl": partial(_around, Disentangled),
    "gcnet": partial(_around, GlobalContext),
    "ccnet": partial(_around, CrissCross),
    "danet": partial(_last, DualAttention),
    "ann": partial(_all, Asymmetric),
    "isanet": partial(_last, Interlaced),
    "psanet": partial(_last, PointWise),
    "encnet": partial(_last, Encoding),
    "apcnet": partial(_last, partial(pyramid, branch=AdaptiveContext, sizes=REGIONS)),
    "dmnet": partial(_last, partial(pyramid, branch=DynamicFilters, sizes=(1, 3, 5, 7))),
    "ocr": _object_context,
    **{f"ham{width}": partial(hamburger, width) for width in (256, 512, 1024)},
}
_JOINT, _KERNELS = "jpu-", "knet-"
AFTER_JOINT = ("deeplabv3", "pspnet", "encnet")
"""Heads that a joint pyramid is put before."""
BEFORE_KERNELS = ("fcn", "pspnet", "deeplabv3", "upernet")
"""Heads whose classifier is refined."""
HEADS = (
    *(*_BODIES, "lraspp"),
    *(f"{_JOINT}{name}" for name in AFTER_JOINT),
    *(f"{_KERNELS}{name}" for name in BEFORE_KERNELS),
)
"""Every head; which backbones it fits is up to the space."""


def head(name: str, channels: Sequence[int], classes: int) -> nn.Module:
    """Return one of `HEADS` for levels with these channels, with weights drawn from the global generator."""
    if name == "lraspp":
        return _initialised(LiteAtrous(channels, classes))
    if name.startswith(_JOINT):
        joint = JointPyramid(channels)
        after = head(name.removeprefix(_JOINT), [*channels[:-1], 4 * WIDTH], classes)
        return nn.Sequential(_initialised(joint), after)
    body, width = _BODIES[name.removeprefix(_KERNELS)](channels, classes)
    classifier = nn.Conv2d(width, classes, 1)
    together = KernelNet(body, classifier) if name.startswith(_KERNELS) else nn.Sequential(body, classifier)
    return _initialised(together)


def _initialised(module: nn.Module) -> nn.Module:
    """Draw the weights of convolutions as He et al. 2015 do, by the number of outputs; biases are zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module

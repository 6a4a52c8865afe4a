"""Convolutional backbones of segmentation networks that timm does not have, written from their papers.

===================  =================================================================================
``van_…``            Guo et al. 2022, Visual Attention Network: three small convolutions in place of a
                     large one, whose result the input is multiplied by
``mscan_…``          Guo et al. 2022, SegNeXt: the same with strips of several lengths
``moganet_…``        Li et al. 2022: gates and contexts of several orders
``hornet_…``         Rao et al. 2022: gates within gates, from 7×7 convolutions; with ``_gf``, from
                     filters of frequencies in the last two stages
``replknet_…``       Ding et al. 2022: convolutions of up to 31×31
``unireplknet_…``    Ding et al. 2024: 13×13 convolutions beside dilated ones
===================  =================================================================================

A backbone takes images (batch, 3, height, width) to four feature maps whose sides are 1/4, 1/8, 1/16 and 1/32
of them. It has every parameter of the paper's network except the classifier, and the layers as they are
trained, before parallel convolutions are merged into one. Stochastic depth is left out.

Every weight of a convolution is normal, by the number of outputs that an input reaches (He et al. 2015).
Scales that the papers start at 0.01 or below (of a branch, of what MogaNet takes away from a mean, of
UniRepLKNet's response normalisation) start at one: a proxy would see nothing of such a branch.
"""

from collections.abc import Callable
from functools import partial

from zsnas.spaces._segmentation_backbones import hornet, moganet, replknet, van
from zsnas.spaces._segmentation_backbones.layers import Pyramid, initialise

_WIDTHS = (64, 128, 320, 512)

BACKBONES: dict[str, Callable[[], Pyramid]] = {
    "van_b0": partial(van.van, (32, 64, 160, 256), (3, 3, 5, 2)),
    "van_b1": partial(van.van, _WIDTHS, (2, 2, 4, 2)),
    "van_b2": partial(van.van, _WIDTHS, (3, 3, 12, 3)),
    "van_b3": partial(van.van, _WIDTHS, (3, 5, 27, 3)),
    "van_b4": partial(van.van, _WIDTHS, (3, 6, 40, 3)),
    "van_b5": partial(van.van, (96, 192, 480, 768), (3, 3, 24, 3)),
    "van_b6": partial(van.van, (96, 192, 384, 768), (6, 6, 90, 6)),
    "mscan_t": partial(van.mscan, (32, 64, 160, 256), (3, 3, 5, 2)),
    "mscan_s": partial(van.mscan, _WIDTHS, (2, 2, 4, 2)),
    "mscan_b": partial(van.mscan, _WIDTHS, (3, 3, 12, 3)),
    "mscan_l": partial(van.mscan, _WIDTHS, (3, 5, 27, 3)),
    "moganet_xt": partial(moganet.moganet, (32, 64, 96, 192), (3, 3, 10, 2)),
    "moganet_t": partial(moganet.moganet, (32, 64, 128, 256), (3, 3, 12, 2)),
    "moganet_s": partial(moganet.moganet, _WIDTHS, (2, 3, 12, 2)),
    "moganet_b": partial(moganet.moganet, (64, 160, 320, 512), (4, 6, 22, 3)),
    "moganet_l": partial(moganet.moganet, (64, 160, 320, 640), (4, 6, 44, 4)),
    "hornet_t": partial(hornet.hornet, 64),
    "hornet_s": partial(hornet.hornet, 96),
    "hornet_b": partial(hornet.hornet, 128),
    "hornet_l": partial(hornet.hornet, 192),
    "hornet_t_gf": partial(hornet.hornet, 64, filters=True),
    "hornet_s_gf": partial(hornet.hornet, 96, filters=True),
    "hornet_b_gf": partial(hornet.hornet, 128, filters=True),
    "hornet_l_gf": partial(hornet.hornet, 192, filters=True),
    "replknet_31b": partial(replknet.replknet, 128),
    "replknet_31l": partial(replknet.replknet, 192),
    "replknet_xl": partial(replknet.replknet, 256, (27, 27, 27, 13), small=None, expansion=1.5),
    "unireplknet_t": partial(replknet.unireplknet, 80, 18),
    "unireplknet_s": partial(replknet.unireplknet, 96, 27),
    "unireplknet_b": partial(replknet.unireplknet, 128, 27),
    "unireplknet_l": partial(replknet.unireplknet, 192, 27),
    "unireplknet_xl": partial(replknet.unireplknet, 256, 27),
}
"""Each backbone, and what builds it."""


def pyramid(name: str) -> Pyramid:
    """Return one of `BACKBONES`, with weights drawn from the global generator."""
    body = BACKBONES[name]()
    initialise(body)
    return body

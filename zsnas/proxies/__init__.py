"""Zero-shot proxies: scores of untrained networks. One file per proxy; ``_passes`` holds what they share.

``zsnas.proxies()`` is a table of them all, and ``zsnas.proxies("*grad*")`` of some.
"""

import sys

from zsnas._listed import Listed
from zsnas.proxies._arguments import misfit
from zsnas.proxies._file import ProxyFileError, load_proxies
from zsnas.proxies._measure import measure
from zsnas.proxies._measurements import Measurement, Measurements
from zsnas.proxies._outputs import first_tensor
from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import check_placement, private_copy, where, with_network
from zsnas.proxies._registry import (
    DEFAULT,
    Proxy,
    choose_proxies,
    label_of,
    list_proxies,
    listing,
    measurements,
    proxy,
    register,
    register_variant,
    score,
)
from zsnas.proxies._undefined import NOT_MEASURED, NOTE, Undefined

__all__ = [
    "DEFAULT",
    "NOTE",
    "NOT_MEASURED",
    "Measurement",
    "Measurements",
    "Passes",
    "Proxy",
    "ProxyFileError",
    "Undefined",
    "check_placement",
    "choose_proxies",
    "first_tensor",
    "label_of",
    "list_proxies",
    "listing",
    "load_proxies",
    "measure",
    "measurements",
    "misfit",
    "private_copy",
    "proxy",
    "register",
    "register_variant",
    "score",
    "where",
    "with_network",
]

sys.modules[__name__].__class__ = Listed

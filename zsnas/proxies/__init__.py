"""Zero-shot proxies: scores of untrained networks. One file per proxy; ``_passes`` holds what they share."""

from zsnas.proxies._file import ProxyFileError, load_proxies
from zsnas.proxies._passes import Passes, first_tensor
from zsnas.proxies._placement import check_placement, private_copy, with_network
from zsnas.proxies._registry import (
    Measurement,
    Proxy,
    list_proxies,
    measure,
    proxy,
    register,
    register_variant,
    score,
)
from zsnas.proxies._undefined import NOT_MEASURED, Undefined

__all__ = [
    "NOT_MEASURED",
    "Measurement",
    "Passes",
    "Proxy",
    "ProxyFileError",
    "Undefined",
    "check_placement",
    "first_tensor",
    "list_proxies",
    "load_proxies",
    "measure",
    "private_copy",
    "proxy",
    "register",
    "register_variant",
    "score",
    "with_network",
]

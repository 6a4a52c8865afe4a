"""Cancellation: what is left of sums over a layer whose scale batch norm takes out of the loss.

By Euler's theorem the inner product of such a layer's weights with their gradient is zero, up to the small
constant in batch norm's denominator. The printed SNIP and Synflow add up these inner products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

import zsnas.proxies
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from zsnas.batches import Batch
    from zsnas.proxies import Passes

__all__ = ["deviations", "layers", "scientific"]


def layers(passes: Passes) -> pd.DataFrame:
    """Add up the products of weight and gradient in each layer of a network of NAS-Bench-201.

    Returns
    -------
    DataFrame
        One row a layer, by the name of its weight: ``left``, the absolute value of the sum; ``absolute``, the
        sum of absolute values; ``normalised``, whether a batch norm follows.
    """
    names = {id(weight): name for name, weight in passes.model.named_parameters()}
    rows = {}
    for weight, gradient in zip(passes.weights, passes.gradients.weights, strict=True):
        products, name = (weight * gradient).detach(), names[id(weight)]
        rows[name] = {
            "left": products.sum().abs().item(),
            "absolute": products.abs().sum().item(),
            "normalised": weight.dim() > 2 and "shortcut" not in name,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def deviations(
    networks: Mapping[str, nn.Module], batch: Batch, proxies: Sequence[str], seed: int
) -> pd.DataFrame:
    """Return how far scores in single precision are from those in double precision, relative to these.

    Parameters
    ----------
    networks : mapping of Module
        By the name of the column.
    batch : Batch
    proxies : sequence of str
    seed : int
    """
    columns = {}
    for words, network in networks.items():
        single, double = (
            pd.Series(zsnas.proxies.score(network, batch, proxies, seed, dtype=dtype))
            for dtype in (None, "float64")
        )
        columns[words] = (single / double - 1).abs()
    return pd.DataFrame(columns).rename(label_of).rename_axis("Proxy")


def scientific(value: float) -> str:
    """Write a small number: ``8.6e−07``, and 0 as it is.

    >>> scientific(0.00123)
    '1.2e−03'
    """
    return f"{value:.1e}".replace("-", "−") if value else "0"

"""Measuring a network: its scores, and the memory that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas import memory
from zsnas.proxies import _registry
from zsnas.proxies._arguments import check_model
from zsnas.proxies._placement import check_placement, where, whole_precision

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import nn

    from zsnas.batches import Batch
    from zsnas.proxies._measurements import Measurements


def measure(
    model: nn.Module,
    batch: Batch,
    proxies: Iterable[str] | str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> Measurements:
    """Score an untrained network with several proxies, which share their passes through it.

    A proxy without a value, and one that raises an error, is NaN with the reason; the others have their
    values all the same. One from outside this package has a copy of the network to itself, and is NaN when it
    changes it.

    Parameters
    ----------
    model
        Takes images (batch, channels, height, width), series or tokens to logits (batch, classes), or to what
        the task of the batch asks for. It is not changed.
    batch
        Images, series or tokens with their labels, or with the targets of another task, see
        :class:`zsnas.Batch`.
    proxies
        Names, or a single one, with wildcards; ``"default"`` means those that cost little; ``None``, every
        proxy.
    seed
        A whole number from 0, for the proxies that draw random numbers. The global generators are not
        touched. What is drawn is the same on every device.
    device
        ``"cpu"``, ``"cuda"`` (``"cuda:1"``) or ``"mps"``; by default where the network is. The network stays
        there: a copy of it moves, with the images.
    dtype
        ``"float32"`` or ``"float64"``; by default the network's own, but for half precision, which is scored
        in single.

    Raises
    ------
    ValueError
        In one sentence with the next step: a proxy is unknown, a device or precision is unavailable, or the
        model, the batch or the seed is none.

    Returns
    -------
    Measurements
        A dict with the :class:`Measurement` of each proxy by its name, in the order asked for. Its ``table``
        is a DataFrame with a row for each proxy, its ``peak_memory`` a number of bytes.
    """
    check_model(model)
    check_placement(device, dtype)
    with memory.peak(device or where(model)) as peak, whole_precision():
        measured = _registry.measure(model, batch, proxies, seed, device, dtype)
    measured.peak_memory = peak.bytes
    return measured

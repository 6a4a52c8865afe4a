"""A ReLU network of the plane, small enough to list its linear regions exactly (Figure 4)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.utils import skip_init

from zsnas._numbers import as_seed
from zsnas.batches import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    # A code, the corners of its region, and the slope and offset of what leaves the last layer there.
    _Piece = tuple[tuple[int, ...], Floats, Floats, Floats]

__all__ = ["NEURONS", "PlaneNetwork", "Region", "points", "region_of", "regions"]

NEURONS = (("A1", "A2", "A3"), ("B1", "B2", "B3"))
CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
CLASSES = 2


def _undrawn(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer without drawing its weights, which would advance the global generator."""
    layer: nn.Linear = skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    return layer


class PlaneNetwork(nn.Module):
    """Two numbers, three ReLU neurons, three more, two logits.

    Directions and weights are drawn from N(0, 1). The bias of each neuron is such that it switches at a point
    drawn from the square [-1, 1]²: otherwise many a neuron would be on, or off, all over the square.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(as_seed(seed))
        sizes = (2, *map(len, NEURONS))
        self.hidden = nn.ModuleList(_undrawn(*pair) for pair in itertools.pairwise(sizes))
        self.classifier = _undrawn(sizes[-1], CLASSES)
        for layer in (*self.hidden, self.classifier):
            self._draw(layer, generator)

    @torch.no_grad()
    def _draw(self, layer: nn.Module, generator: torch.Generator) -> None:
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        weight.copy_(torch.randn(weight.shape, generator=generator))
        switching = 2 * torch.rand(len(bias), 2, generator=generator) - 1
        bias.copy_(-(self._before(layer, switching) * weight).sum(1))

    def _before(self, layer: nn.Module, values: torch.Tensor) -> torch.Tensor:
        """Return what `layer` gets for points of the square (points, 2)."""
        for hidden in self.hidden:
            if hidden is layer:
                break
            values = hidden(values).relu()
        return values

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Take images of two channels and one pixel, (batch, 2, 1, 1), to logits (batch, 2)."""
        values = images.flatten(1)
        for layer in self.hidden:
            values = layer(values).relu()
        logits: torch.Tensor = self.classifier(values)
        return logits


class Region(NamedTuple):
    """A convex part of the square in which the same neurons are on."""

    code: tuple[int, ...]
    """One bit for each neuron, A1 to B3: 1 where it is on."""
    corners: Floats
    """(corners, 2), counter-clockwise."""

    @property
    def area(self) -> float:
        """Part of the square that the region covers."""
        x, y = self.corners.T
        doubled = float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        return doubled / 8

    @property
    def word(self) -> str:
        """The code as it is written: ``"101 011"``."""
        bits = "".join(map(str, self.code))
        return f"{bits[:3]} {bits[3:]}"


def points(size: int, seed: int) -> Batch:
    """Draw sample points from the square, as images of two channels and one pixel with labels 0 and 1.

    Parameters
    ----------
    size : int
    seed : int
    """
    drawn = np.random.default_rng(as_seed(seed)).uniform(-1, 1, (size, 2))
    images = torch.tensor(drawn, dtype=torch.float32).view(size, 2, 1, 1)
    return Batch(images, torch.arange(size) % CLASSES, CLASSES, "points of a square")


def regions(network: PlaneNetwork) -> list[Region]:
    """Return the linear regions of the square, from the one with the largest area to the smallest.

    Exact up to the rounding of float64: within a region of the first layers the next layer is a linear
    function, so that each of its neurons cuts the region along a straight line.
    """
    found: list[_Piece] = [((), np.array(CORNERS), np.eye(2), np.zeros(2))]
    for layer in network.hidden:
        weight, bias = (layer.get_parameter(role).detach().double().numpy() for role in ("weight", "bias"))
        found = [
            piece
            for code, corners, slope, offset in found
            for piece in _cut(code, corners, weight @ slope, weight @ offset + bias)
        ]
    cut = [Region(code, corners) for code, corners, _, _ in found]
    return sorted(cut, key=lambda region: region.area, reverse=True)


def region_of(network: PlaneNetwork, found: list[Region], batch: Batch) -> list[int]:
    """Say for each sample point which of the regions it is in, by the code that the network gives it.

    Parameters
    ----------
    network
        Whose regions they are.
    found
        All regions, see :func:`regions`.
    batch
        The sample points, see :func:`points`.
    """
    values, bits = batch.images.flatten(1), []
    with torch.no_grad():
        for layer in network.hidden:
            values = layer(values).relu()
            bits.append(values > 0)
    places = {region.code: place for place, region in enumerate(found)}
    return [places[tuple(map(int, code))] for code in torch.cat(bits, 1).tolist()]


def _cut(code: tuple[int, ...], corners: Floats, slope: Floats, offset: Floats) -> Iterator[_Piece]:
    """Cut a region by each neuron of a layer; yield the parts with the function that leaves the layer."""
    parts = [(code, corners)]
    for direction, shift in zip(slope, offset, strict=True):
        parts = [
            ((*earlier, on), part)
            for earlier, whole in parts
            for on in (0, 1)
            if len(part := _side(whole, whole @ direction + shift, on))
        ]
    for longer, part in parts:
        on = np.array(longer[len(code) :])
        yield longer, part, slope * on[:, None], offset * on


def _side(corners: Floats, heights: Floats, on: int) -> Floats:
    """Keep the part of a convex polygon where the height is positive (``on``) or not; empty when none is."""
    rises, falls = (heights > 0).any(), (heights < 0).any()
    if not (rises if on else falls or not rises):
        return np.empty((0, 2))
    signed = heights * (2 * on - 1)
    kept = []
    for here, there, height, next_height in zip(
        corners, np.roll(corners, -1, 0), signed, np.roll(signed, -1), strict=True
    ):
        if height >= 0:
            kept.append(here)
        if height * next_height < 0:
            kept.append(here + (there - here) * height / (height - next_height))
    return np.array(kept)

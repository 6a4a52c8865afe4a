"""The cells of a network: layers in a row, and the skip connections among them.

A cell is what the survey's footnote calls "a group of layers with the same width values or commonly used
blocks". It is found in what a forward pass computes, not by the names of classes:

- a *residual* cell ends in an addition of two feature maps. It is the row of layers between the fork of the
  two and their addition; the other way from the fork to the addition is the shortcut: no layer, or a single
  one where the shape changes (a projection). Basic, Bottleneck and inverted bottleneck blocks are such cells.
- an *inverted bottleneck* without a shortcut is a cell as well: a depthwise convolution, the pointwise one
  after it, and the expanding pointwise one before it if there is one.
- a *dense* cell is a group of feature maps that are concatenated with one another. Each of them but the
  first is made, by one or more layers that count as one, from a concatenation of earlier ones. A layer of
  the same width at the end of the group, whose output is not concatenated any more, belongs to it.

Layers in none of these (stem, transition, projection, gates, classifier) have no skip connections.

One skip connection is one channel. A chain of values 0, 1, …, each computed from the one before, can have a
skip connection from every channel of value ``j`` to every value ``i`` ≥ ``j`` + 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from zsnas.proxies._dataflow import Layer, Value, record
from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._undefined import Undefined

COVERED = "the cells that are covered are ResNet, Wide-ResNet, MobileNet-v2 and DenseNet-like blocks"


class Cell(NamedTuple):
    """The numbers of one cell that NN-Mass and NN-Degree are made of."""

    widths: tuple[int, ...]
    """One for each layer: of a residual cell or inverted bottleneck the channels that enter the layer, of a
    dense cell those that it makes, the first value of the group included."""
    skips: int
    """Skip connections, counted in channels."""
    possible: int
    """Skip connections that could be, counted alike."""
    inputs: int
    """All channels that enter a layer of the cell."""

    @property
    def depth(self) -> int:
        """How many layers."""
        return len(self.widths)

    @property
    def width(self) -> float:
        """Mean width of the layers."""
        return sum(self.widths) / len(self.widths)

    @property
    def density(self) -> float:
        """Skip connections that are, of those that could be."""
        return self.skips / self.possible


@shared_pass
def cells(passes: Passes) -> list[Cell]:
    """Return the cells of a network.

    Raises
    ------
    Undefined
        When the network has no skip connections, or some that do not make cells.
    """
    return find_cells(passes.model, passes.images[:1].clone())


def find_cells(model: nn.Module, images: Tensor) -> list[Cell]:
    """Return the cells of what ``model`` computes of ``images``, kind by kind in the order of computation."""
    values = record(model, images)
    found: list[Cell] = []
    inside: set[Value] = set()
    for join in values:
        if join.kind == "addition":
            row = _residual_row(join)
            inside.update(row)
            found.append(_row_cell(row, skips=_layer(row[0]).inputs))
    for group in _concatenated(values):
        cell, layers = _dense_cell(values, group)
        inside.update(layers)
        found.append(cell)
    if not found:
        raise Undefined(f"does not apply: the network has no skip connection around layers; {COVERED}")
    return found + [_row_cell(row, skips=0) for row in _inverted_bottlenecks(values, inside)]


def _layer(value: Value) -> Layer:
    if value.layer is None:
        raise Undefined(f"does not apply: a concatenation holds more than layers' outputs; {COVERED}")
    return value.layer


def _possible(widths: Sequence[int]) -> int:
    """Count the skip connections that could be among values of these widths, made one from another."""
    possible = sum(sum(widths[: i - 1]) for i in range(2, len(widths)))
    if not possible:
        raise Undefined(f"does not apply: a skip connection goes around fewer than two layers; {COVERED}")
    return possible


def _row_cell(row: Sequence[Value], skips: int) -> Cell:
    widths = tuple(_layer(value).inputs for value in row)
    return Cell(widths, skips, _possible([*widths, _layer(row[-1]).outputs]), sum(widths))


def _residual_row(join: Value) -> list[Value]:
    """Return the layers that an addition's shortcut goes around."""
    shortcut, row = sorted((_row_between(join.fork, source) for source in join.sources), key=len)
    if len(shortcut) > (join.fork.shape != join.shape) or len(row) < 2:
        raise Undefined(f"does not apply: an addition joins {len(shortcut)} and {len(row)} layers; {COVERED}")
    return row


def _row_between(fork: Value, value: Value) -> list[Value]:
    """Return the layers from a fork to a value, which must lie on one way."""
    row: list[Value] = []
    while value is not fork:
        if len(value.sources) != 1:
            raise Undefined(f"does not apply: an addition joins branches that branch again; {COVERED}")
        if value.layer:
            row.append(value)
        value = value.sources[0]
    return row[::-1]


def _concatenated(values: Iterable[Value]) -> list[list[int]]:
    """Return the groups of values, by index, that are concatenated with one another."""
    groups: list[set[int]] = []
    for value in values:
        if value.kind == "concatenation":
            joined = set(value.origins.tolist())
            joined = joined.union(*(group for group in groups if group & joined))
            groups = [group for group in groups if not group & joined] + [joined]
    return [sorted(group) for group in groups if len(group) > 1]


def _dense_cell(values: Sequence[Value], group: list[int]) -> tuple[Cell, list[Value]]:
    """Return the cell of a group of concatenated values, and its layers."""
    layers: list[Value] = []
    entering: list[Counter[int]] = []
    for index in group[1:]:
        row, channels = _made_from(values, group, values[index])
        layers += row
        entering.append(channels)
    for last in _last_layers(values, group, layers):
        layers.append(last)
        entering.append(_entering(last))
        group = [*group, last.index]
    if not all(channels[before] for before, channels in zip(group, entering, strict=False)):
        raise Undefined(f"does not apply: a concatenation joins parallel branches; {COVERED}")
    widths = [_channels(values[index]) for index in group]
    inputs = sum(channels.total() for channels in entering)
    regular = sum(channels[before] for before, channels in zip(group, entering, strict=False))
    return Cell(tuple(widths), inputs - regular, _possible(widths), inputs), layers


def _channels(value: Value) -> int:
    return len(value.origins)


def _entering(value: Value) -> Counter[int]:
    """Count the channels that enter a layer, by the values that made them."""
    return Counter(value.sources[0].origins.tolist())


def _made_from(values: Sequence[Value], group: list[int], value: Value) -> tuple[list[Value], Counter[int]]:
    """Return the layers that make a value of a group from others of it, last first, and what enters them."""
    row = [value]
    while True:
        _layer(row[-1])
        channels = _entering(row[-1])
        if channels.keys() <= set(group):
            return row, channels
        before = min(channels)
        if len(channels) > 1 or before < group[0]:
            raise Undefined(f"does not apply: a concatenation joins parallel branches; {COVERED}")
        row.append(values[before])


def _last_layers(values: Sequence[Value], group: list[int], layers: list[Value]) -> list[Value]:
    """Return the layer, if any, that ends a group: as wide as the others, and made from a concatenation."""
    return [
        value
        for value in values[group[-1] + 1 :]
        if value.layer
        and value not in layers
        and value.layer.outputs == _channels(values[group[-1]])
        and len(_entering(value)) > 1
        and _entering(value).keys() <= set(group)
    ][:1]


def _inverted_bottlenecks(values: Iterable[Value], inside: set[Value]) -> list[list[Value]]:
    """Return the rows of layers around depthwise convolutions that are inside no other cell."""
    rows: list[list[Value]] = []
    taken = set(inside)
    for last in values:
        if last.layer is None or last in taken or not last.layer.is_pointwise:
            continue
        middle = _free_layer_before(last, taken)
        if middle is not None and _layer(middle).is_depthwise:
            first = _free_layer_before(middle, taken)
            expands = first is not None and _is_expansion(_layer(first))
            rows.append([first, middle, last] if first is not None and expands else [middle, last])
            taken.update(rows[-1])
    return rows


def _is_expansion(layer: Layer) -> bool:
    return layer.is_pointwise and layer.outputs > layer.inputs


def _free_layer_before(value: Value, taken: set[Value]) -> Value | None:
    """Return the layer whose output alone enters this one, unless it is in another cell."""
    while len(value.sources) == 1:
        value = value.sources[0]
        if value.layer:
            return None if value in taken else value
    return None

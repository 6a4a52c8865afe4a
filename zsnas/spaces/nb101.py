"""NAS-Bench-101: all 423,624 cells of up to seven vertices, nine edges and three operations.

A cell is a directed acyclic graph from an input to an output. Each vertex between adds up what it takes from
others and applies its operation; the output concatenates. ``3x3~0+1x1~01+max~2+out~13`` reads: vertex 1 is a
3×3 convolution of vertex 0, the input; vertex 2 a 1×1 convolution of vertices 0 and 1; vertex 3 a 3×3 maximum
of vertex 2; and the output takes vertices 1 and 3. Convolutions come with batch norm and ReLU.

What the output concatenates shares its channels evenly, and of a remainder the earlier vertices get one
channel each; every other vertex has as many channels as the widest one that it feeds. What is taken from the
input goes through a 1×1 convolution to the channels needed. From one vertex to the next, surplus channels,
one at most, are dropped. The numbering of the vertices can thus decide who gets one channel more. Of cells
that differ in it only, the benchmark's generator kept the first, and so does the space.

A network is a stem of 128 channels and three stacks of three cells, with 128, 256 and 512 channels; between
stacks a maximum halves the image.

Source: Ying et al. 2019, NAS-Bench-101, and its code (github.com/google-research/nasbench).
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import permutations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zsnas.spaces import _nb101_cells as cells
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Counts, Space

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

CHANNELS = (128, 256, 512)
CELLS_PER_STACK = 3
SIDES = {"3x3": 3, "1x1": 1}
OUTPUT = "out"
EXAMPLE = "3x3~0+1x1~01+max~2+out~13"

_VERTEX = re.compile(rf"({'|'.join((*cells.OPERATIONS, OUTPUT))})~([0-{cells.MOST_VERTICES - 2}]+)")
_SQUARES = [SIDES.get(name, 0) ** 2 for name in cells.OPERATIONS]


class NB101(Space):
    """The 423,624 architectures of NAS-Bench-101 and their exact networks."""

    name = "nb101"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, in the order of the benchmark's hash."""
        codes = cells.written()
        strings = np.empty(len(codes), dtype=object)
        for size in range(2, cells.MOST_VERTICES + 1):
            of_size = cells.vertices(codes) == size
            strings[of_size] = _strings(codes[of_size], size)
        return tuple(strings)

    def canonical(self, arch: str) -> str:
        """Return the cell of the space that differs from ``arch`` in the numbering of its vertices only."""
        cell = parse(arch)
        if arch in self._index:
            return arch
        return next(name for name in map(string, _renumbered(cell)) if name in self._index)

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``.

        Weights are drawn from ``seed`` as the benchmark does: those of a convolution from a normal
        distribution, cut off at two standard deviations, whose variance is one over the inputs that an output
        sums; the classifier's uniformly (Glorot and Bengio 2010). Takes images of shape (batch, 3, height,
        width), sides of at least 4 pixels, to logits of shape (batch, ``num_classes``).
        """
        cell = parse(arch)
        from zsnas.spaces._nb101_networks import network

        return network(cell, num_classes, seed)

    def counts(self, arch: str, num_classes: int, image_size: int) -> Counts:
        """Return #Params and #FLOPs by formula, see :func:`counted`."""
        return Counts(
            *counted(np.array([_code(parse(arch))], np.uint32), num_classes, image_size)[0].tolist()
        )

    def neighbours(self, arch: str) -> list[str]:
        """Return the cells that have one edge more or less or one other operation, each once.

        A vertex that is cut off from the input or the output by that goes, too, as in the benchmark.
        """
        cell = parse(arch)
        found = {self.canonical(string(other)) for other in _changed(cell)}
        return sorted(found - {self.canonical(arch)})


class Cell(NamedTuple):
    """A graph with operations.

    Attributes
    ----------
    operations
        ``3x3``, ``1x1`` or ``max`` of each vertex between input and output.
    sources
        Of each vertex but the input: those that it takes from, ascending. The last one is the output.
    """

    operations: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]


def parse(arch: str) -> Cell:
    """Return the cell of an architecture string.

    Raises
    ------
    ValueError
        Saying which vertex is malformed, or which rule of the space the cell breaks.
    """
    vertices = [_VERTEX.fullmatch(part) for part in arch.split("+")]
    for at, (part, matched) in enumerate(zip(arch.split("+"), vertices, strict=True), start=1):
        is_last = at == len(vertices)
        if not matched or (matched[1] == OUTPUT) != is_last:
            valid = OUTPUT if is_last else ", ".join(cells.OPERATIONS)
            why = f"vertex {at} is {part!r}; write {valid}, ~ and the vertices it takes from"
            raise no_architecture(arch, "nb101", EXAMPLE, why)
    named = [(found[1], tuple(map(int, found[2]))) for found in vertices if found]
    cell = Cell(tuple(name for name, _ in named[:-1]), tuple(sources for _, sources in named))
    if broken := _broken_rule(cell):
        raise no_architecture(arch, "nb101", EXAMPLE, broken)
    return cell


def _broken_rule(cell: Cell) -> str:
    """Say which rule a cell breaks; empty when it breaks none."""
    if len(cell.sources) >= cells.MOST_VERTICES:
        return (
            f"it has {len(cell.sources) + 1} vertices with the input, at most {cells.MOST_VERTICES} are valid"
        )
    for vertex, sources in enumerate(cell.sources, start=1):
        if list(sources) != sorted(set(sources)) or sources[-1] >= vertex:
            return f"vertex {vertex} takes from {', '.join(map(str, sources))}; write earlier ones, ascending"
    edges = sum(map(len, cell.sources))
    if edges > cells.MOST_EDGES:
        return f"it has {edges} edges, at most {cells.MOST_EDGES} are valid"
    used = {source for sources in cell.sources for source in sources}
    unused = sorted(set(range(len(cell.sources))) - used)
    return f"nothing takes from vertex {unused[0]}" if unused else ""


def string(cell: Cell) -> str:
    """Write a cell as an architecture string."""
    names = (*cell.operations, OUTPUT)
    return "+".join(f"{name}~{_digits(sources)}" for name, sources in zip(names, cell.sources, strict=True))


def _code(cell: Cell) -> int:
    matrix = np.zeros((len(cell.sources) + 1,) * 2, dtype=np.uint8)
    for vertex, sources in enumerate(cell.sources, start=1):
        matrix[list(sources), vertex] = 1
    return cells.code(matrix, np.array([cells.OPERATIONS.index(name) for name in cell.operations], dtype=int))


def _digits(sources: tuple[int, ...]) -> str:
    return "".join(map(str, sources))


def _strings(codes: cells.Codes, size: int) -> NDArray[np.object_]:
    """Write cells of the same size, a vertex at a time."""
    adjacent, chosen = cells.matrices(codes, size), cells.operations(codes, size)
    written = np.full(len(codes), "", dtype=object)
    for vertex in range(1, size):
        sources = adjacent[:, :vertex, vertex] @ (1 << np.arange(vertex))
        named = [f"~{_digits(_members(bits))}" for bits in range(1 << vertex)]
        last = vertex == size - 1
        names = [OUTPUT] if last else list(cells.OPERATIONS)
        words = np.array([[name + rest + "+" * (not last) for rest in named] for name in names], dtype=object)
        written = written + words[0 if last else chosen[:, vertex - 1], sources]
    return written


def _members(bits: int) -> tuple[int, ...]:
    return tuple(i for i in range(bits.bit_length()) if bits >> i & 1)


def _renumbered(cell: Cell) -> list[Cell]:
    """Return the cell with its vertices in every order in which edges go forward."""
    inner = range(1, len(cell.sources))
    found = []
    for order in permutations(inner):
        place = {0: 0, len(cell.sources): len(cell.sources)} | {old: new for new, old in enumerate(order, 1)}
        moved = {
            place[vertex]: tuple(sorted(place[source] for source in sources))
            for vertex, sources in enumerate(cell.sources, start=1)
        }
        if all(sources[-1] < vertex for vertex, sources in moved.items()):
            operations = tuple(cell.operations[old - 1] for old in order)
            found.append(Cell(operations, tuple(moved[vertex] for vertex in sorted(moved))))
    return found


def _changed(cell: Cell) -> list[Cell]:
    """Return the valid cells that one edge or one operation less, more or other makes."""
    found: list[Cell] = []
    for at, operation in product(range(len(cell.operations)), cells.OPERATIONS):
        operations = (*cell.operations[:at], operation, *cell.operations[at + 1 :])
        found.append(cell._replace(operations=operations))
    for vertex, sources in enumerate(cell.sources):
        for source in range(vertex + 1):
            changed = tuple(sorted(set(sources) ^ {source}))
            pruned = _pruned(cell, (*cell.sources[:vertex], changed, *cell.sources[vertex + 1 :]))
            found += [pruned] if pruned else []
    return [other for other in found if not _broken_rule(other)]


def _pruned(cell: Cell, sources: tuple[tuple[int, ...], ...]) -> Cell | None:
    """Leave out what is not on a path from input to output; None when there is no such path."""
    last = len(sources)
    reached, needed = {0}, {last}
    for vertex in range(1, last + 1):
        if reached & set(sources[vertex - 1]):
            reached.add(vertex)
    for vertex in range(last, 0, -1):
        if vertex in needed:
            needed |= set(sources[vertex - 1])
    kept = sorted(reached & needed)
    if last not in kept:
        return None
    place = {old: new for new, old in enumerate(kept)}
    return Cell(
        tuple(cell.operations[vertex - 1] for vertex in kept[1:-1]),
        tuple(tuple(place[s] for s in sources[vertex - 1] if s in place) for vertex in kept[1:]),
    )


def widths(sources: tuple[tuple[int, ...], ...], channels: int) -> list[int]:
    """Return the channels of the vertices 1 to the output, in a cell whose output has ``channels``.

    Parameters
    ----------
    sources
        See :class:`Cell`.
    channels
        Of the output.
    """
    output = len(sources)
    ends = [vertex for vertex in sources[-1] if vertex]
    share, rest = divmod(channels, len(ends)) if ends else (0, 0)
    found = {output: channels} | {vertex: share + (at < rest) for at, vertex in enumerate(ends)}
    for vertex in range(output - 1, 0, -1):
        fed = [other for other in range(vertex + 1, output) if vertex in sources[other - 1]]
        found.setdefault(vertex, max((found[other] for other in fed), default=0))
    return [found[vertex] for vertex in range(1, output + 1)]


def counted(codes: cells.Codes, num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Return #Params and #FLOPs of the networks of many cells, by formula: shape (cells, 2).

    Parameters
    ----------
    codes
        See :mod:`zsnas.spaces._nb101_cells`.
    num_classes
        Outputs of the networks.
    image_size
        Height and width of an image in pixels.
    """
    found = np.empty((len(codes), 2), dtype=np.int64)
    for size in np.unique(cells.vertices(codes)).tolist():
        of_size = cells.vertices(codes) == size
        found[of_size] = _stacked(codes[of_size], size, num_classes, image_size)
    return found


def _stacked(codes: cells.Codes, size: int, num_classes: int, image_size: int) -> NDArray[np.int64]:
    """Add up stem, cells and classifier, for cells of the same size."""
    squares = np.pad(np.array(_SQUARES)[cells.operations(codes, size)], ((0, 0), (0, 1)))
    _, first, graph = np.unique(cells.edges(codes), return_index=True, return_inverse=True)
    adjacent = cells.matrices(codes[first], size)
    projected = adjacent[:, 0, 1:][graph]
    stem = 3 * CHANNELS[0] * 9
    params = np.full(len(codes), stem + 2 * CHANNELS[0] + (CHANNELS[-1] + 1) * num_classes)
    macs = np.full(len(codes), stem * image_size**2 + CHANNELS[-1] * num_classes)
    for stack, channels in enumerate(CHANNELS):
        width = np.array([widths(_sources(matrix), channels) for matrix in adjacent])[graph]
        norms = 2 * (width * ((squares > 0) + projected)).sum(axis=1)
        for cell in range(CELLS_PER_STACK):
            inputs = CHANNELS[max(stack - 1, 0)] if cell == 0 else channels
            kernels = (squares * width**2 + inputs * width * projected).sum(axis=1)
            params += kernels + norms
            macs += kernels * (image_size >> stack) ** 2
    return np.stack([params, macs], axis=1)


def _sources(matrix: cells.Matrices) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(np.flatnonzero(column).tolist()) for column in matrix.T[1:])

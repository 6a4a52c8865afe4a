"""The cells of NAS-Bench-101 as numbers: how one is written, all of them enumerated, and their order.

A cell with V vertices is one 32-bit code. From the highest bit: V (3 bits); its edges (21 bits, an edge from
vertex i to j is bit i + j(j-1)/2); its operations (8 bits, digits to base 3, that of vertex 1 first). Codes
in ascending order are thus the order in which the benchmark's generator meets the cells.

The generator keeps the first of the cells that differ in the numbering of their vertices only, and the
benchmark sorts what is kept by an MD5 hash of the graph. :func:`enumerated` and :func:`graph_hash` do both.
Together they take minutes, so ``data/nb101_cells.npy`` keeps the 423,624 codes in the order of the hashes;
``python -m zsnas.spaces._nb101_cells`` writes it.

Source: Ying et al. 2019, NAS-Bench-101, and its code (github.com/google-research/nasbench).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5
from itertools import product

import numpy as np
from numpy.typing import NDArray

from zsnas.sources import DATA

FILE = DATA / "nb101_cells.npy"
OPERATIONS = ("3x3", "1x1", "max")
MOST_VERTICES = 7
MOST_EDGES = 9

_OPERATION_BITS = 8
_EDGE_BITS = MOST_VERTICES * (MOST_VERTICES - 1) // 2
_INPUT, _OUTPUT = -1, -2  # what the hash has in place of an operation
_TOGETHER = 1000  # graphs that are hashed at a time, each with up to 243 choices of operations

Codes = NDArray[np.uint32]
Matrices = NDArray[np.uint8]


def written() -> Codes:
    """Return the codes of all cells, in the benchmark's order."""
    codes: Codes = np.load(FILE)
    return codes


def vertices(codes: Codes) -> NDArray[np.int64]:
    """Return how many vertices each cell has, with input and output."""
    return (codes >> (_EDGE_BITS + _OPERATION_BITS)).astype(np.int64)


def edges(codes: Codes) -> Codes:
    """Return the edges of each cell, as the bits above."""
    return np.asarray(codes >> _OPERATION_BITS & (1 << _EDGE_BITS) - 1, dtype=np.uint32)


def matrices(codes: Codes, size: int) -> Matrices:
    """Return the adjacency matrices of cells with ``size`` vertices: shape (cells, from, to)."""
    bits = edges(codes)
    found = np.zeros((len(codes), size, size), dtype=np.uint8)
    for i, j in _pairs(size):
        found[:, i, j] = bits >> _bit(i, j) & 1
    return found


def operations(codes: Codes, size: int) -> Matrices:
    """Return indices into :data:`OPERATIONS`, of the vertices between: shape (cells, size - 2)."""
    digits = codes & (1 << _OPERATION_BITS) - 1
    places = range(size - 3, -1, -1)
    columns = [digits // len(OPERATIONS) ** place % len(OPERATIONS) for place in places]
    return np.array(columns, dtype=np.uint8).T.reshape(len(codes), size - 2)


def code(matrix: Matrices, chosen: NDArray[np.integer]) -> int:
    """Return the number that stands for the cell with this adjacency matrix and these operations."""
    size, digits = len(matrix), 0
    bits = sum(1 << _bit(i, j) for i, j in _pairs(size) if matrix[i, j])
    for operation in chosen:
        digits = digits * len(OPERATIONS) + int(operation)
    return (size << _EDGE_BITS | bits) << _OPERATION_BITS | digits


def enumerated(most_vertices: int = MOST_VERTICES) -> Codes:
    """Return the first cell of each class of isomorphic ones, ascending.

    Cells are told apart by a 64-bit hash that does not depend on the numbering of vertices. In a full
    enumeration it finds as many classes as there are (423,624), so no two of them share one.
    """
    return np.concatenate([_enumerated(size) for size in range(2, most_vertices + 1)])


def _enumerated(size: int) -> Codes:
    choices = np.arange(len(OPERATIONS) ** (size - 2))
    some = []
    for graphs in _batches(_graphs(size)):
        codes = ((size << _EDGE_BITS | graphs.astype(np.int64)) << _OPERATION_BITS)[:, None] | choices
        some.append(_firsts(codes.ravel().astype(np.uint32), size))
    return _firsts(np.concatenate(some), size)


def _firsts(codes: Codes, size: int) -> Codes:
    """Keep the first of the codes, which ascend, in each class."""
    _, first = np.unique(_class_hashes(codes, size), return_index=True)
    return codes[np.sort(first)]


def _batches(graphs: Codes) -> Iterator[Codes]:
    for start in range(0, len(graphs), _TOGETHER):
        yield graphs[start : start + _TOGETHER]


def _graphs(size: int) -> Codes:
    """Return the edges of all graphs in which every vertex lies between input and output."""
    found = np.arange(2 ** (size * (size - 1) // 2), dtype=np.uint32)
    found = found[np.bitwise_count(found) <= MOST_EDGES]
    for vertex in range(size):
        into = sum(1 << _bit(i, vertex) for i in range(vertex))
        out = sum(1 << _bit(vertex, j) for j in range(vertex + 1, size))
        found = found[((found & into > 0) | (vertex == 0)) & ((found & out > 0) | (vertex == size - 1))]
    return found


def _class_hashes(codes: Codes, size: int) -> NDArray[np.uint64]:
    """Hash each cell by its vertices, and these by their neighbours, in as many rounds as there are."""
    adjacent = matrices(codes, size).transpose(1, 2, 0).astype(np.uint64)
    labels = np.full((size, len(codes)), len(OPERATIONS), dtype=np.uint64)
    labels[1:-1] = operations(codes, size).T
    labels[-1] += np.uint64(1)
    hashes = _mixed(labels + 8 * adjacent.sum(axis=0) + 64 * adjacent.sum(axis=1))
    for _ in range(size):
        passed_on, passed_back = _mixed(hashes + np.uint64(1)), _mixed(hashes + np.uint64(2))
        around = _mixed(hashes)
        for i, j in _pairs(size):
            around[j] += adjacent[i, j] * passed_on[i]
            around[i] += adjacent[i, j] * passed_back[j]
        hashes = _mixed(around)
    total: NDArray[np.uint64] = hashes.sum(axis=0, dtype=np.uint64)
    return total


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble the bits of each value, one to one (Steele et al. 2014, SplitMix)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ values >> np.uint64(shift)) * np.uint64(factor)
    return values ^ values >> np.uint64(31)


def graph_hash(matrix: Matrices, chosen: NDArray[np.integer]) -> str:
    """Return the benchmark's MD5 hash of a cell, which sorts the cells.

    A vertex starts as the hash of its numbers of outputs and inputs and its operation. As many times as there
    are vertices each is hashed together with those that it takes from and gives to.
    """
    size = len(matrix)
    into = [np.flatnonzero(matrix[:, v]).tolist() for v in range(size)]
    out = [np.flatnonzero(matrix[v]).tolist() for v in range(size)]
    labels = [_INPUT, *map(int, chosen), _OUTPUT]
    hashes = [_md5(str((len(out[v]), len(into[v]), labels[v]))) for v in range(size)]
    for _ in range(size):
        hashes = [
            _md5("|".join(["".join(sorted(hashes[w] for w in around[v])) for around in (into, out)] + [own]))
            for v, own in enumerate(hashes)
        ]
    return _md5(str(sorted(hashes)))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def in_order(codes: Codes) -> Codes:
    """Sort cells by their MD5 hashes."""
    hashes = {
        found: graph_hash(matrix, chosen)
        for size in np.unique(vertices(codes)).tolist()
        for found, matrix, chosen in zip(*_read(codes[vertices(codes) == size], size), strict=True)
    }
    return np.array(sorted(hashes, key=hashes.__getitem__), dtype=np.uint32)


def _read(codes: Codes, size: int) -> tuple[list[int], Matrices, Matrices]:
    return codes.tolist(), matrices(codes, size), operations(codes, size)


def _pairs(size: int) -> list[tuple[int, int]]:
    return [(i, j) for i, j in product(range(size), repeat=2) if i < j]


def _bit(i: int, j: int) -> int:
    return i + j * (j - 1) // 2


if __name__ == "__main__":
    np.save(FILE, in_order(enumerated()))

"""Graph features, GRAF: how often a cell has its operations, how long its paths are, what its ends touch.

A cell is a graph whose vertices are an input, some operations and an output. Where a space puts operations on
the edges, as NAS-Bench-201 does, an operation feeds every one that begins where it ends. A feature asks about
one set of operations, and there is one for each set: which paths exist when a path may use these alone?

They are features and no proxy: what they are worth has to be learned from trained networks.

Source: Kadlecová et al. 2024, Surprisingly Strong Performance Prediction with Neural Graph Features.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from zsnas.spaces import _nb101_cells, nb101, nb201, transnas
from zsnas.spaces._base import space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["graph_features"]


class Cells(NamedTuple):
    """Cells as graphs of as many vertices, the input first and the output last.

    Attributes
    ----------
    names
        The operations of the space.
    chosen
        Which of them each vertex between has, −1 for one that the cell lacks: shape (cells, vertices - 2).
    feeds
        Whether one vertex feeds another, a later one: shape (cells, from, to), or (1, from, to) for all.
    on_edges
        Whether the space puts operations on the edges.
    """

    names: tuple[str, ...]
    chosen: NDArray[np.int64]
    feeds: NDArray[np.bool_]
    on_edges: bool


def graph_features(name: str, architectures: Iterable[str] | str | None = None) -> pd.DataFrame:
    """Return the graph features of cells.

    ``count`` is how often each operation is there. For every set of operations, joined by ``+``:

    - ``shortest``, ``longest``: operations on the shortest and the longest path from input to output that
      uses no others. Without a path they are one more than a cell has vertices for operations, and −1.
    - ``input``, ``output``: how many of these operations take from the input, and feed the output.
    - ``mean in``, ``mean out``: how many of them a vertex takes from and feeds, a mean over the vertices of
      the cell. Where operations are on edges, both are counts, divided by the nodes, and left out.

    Parameters
    ----------
    name : str
        A search space of cells: ``nb201``, ``nb201-digits``, ``nb101`` or ``transnas-micro``.
    architectures : iterable of str, optional
        One or several; by default all of the space.

    Returns
    -------
    DataFrame
        By ``arch``; a column for each feature, such as ``longest nor_conv_1x1+nor_conv_3x3``.

    Raises
    ------
    ValueError
        When the architectures of the space differ in other things than a cell, or one is malformed.

    Examples
    --------
    >>> cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|none~1|none~2|"
    >>> features = graph_features("nb201", [cell]).loc[cell]
    >>> int(features["count nor_conv_3x3"]), int(features["longest nor_conv_3x3"])
    (2, 1)
    """
    given = space(name).architectures if architectures is None else architectures
    archs = [given] if isinstance(given, str) else list(given)
    if name not in _CELLS:
        raise ValueError(
            f"graph features describe a cell, and the search space {name!r} has none to choose; "
            f"choose one of {', '.join(_CELLS)}"
        )
    cells = _CELLS[name](archs)
    found = {f"count {one}": (cells.chosen == i).sum(1) for i, one in enumerate(cells.names)}
    for some in _sets(len(cells.names)):
        words = "+".join(cells.names[i] for i in some)
        found |= {f"{feature} {words}": values for feature, values in _of_set(cells, some).items()}
    return pd.DataFrame(found, index=pd.Index(archs, name="arch"))


def _sets(operations: int) -> list[tuple[int, ...]]:
    """Return every set of operations but the empty one, small ones first."""
    return [some for size in range(operations) for some in combinations(range(operations), size + 1)]


def _of_set(cells: Cells, some: tuple[int, ...]) -> dict[str, NDArray[np.generic]]:
    allowed = np.isin(cells.chosen, some)
    ends = np.ones((len(allowed), 1), dtype=bool)
    among = np.hstack([ends, allowed, ends])
    inner, last = slice(1, -1), -1
    found = {
        "shortest": _path(cells.feeds, among, np.inf, np.min, 1 + cells.chosen.shape[1]),
        "longest": _path(cells.feeds, among, -np.inf, np.max, -1),
        "input": (cells.feeds[:, 0, inner] & allowed).sum(1),
        "output": (cells.feeds[:, inner, last] & allowed).sum(1),
    }
    if not cells.on_edges:
        vertices = 2 + (cells.chosen >= 0).sum(1)
        found["mean in"] = (cells.feeds[:, inner, :].sum(2) * allowed).sum(1) / vertices
        found["mean out"] = (cells.feeds[:, :, inner].sum(1) * allowed).sum(1) / vertices
    return found


def _path(
    feeds: NDArray[np.bool_],
    among: NDArray[np.bool_],
    never: float,
    best: Callable[..., NDArray[np.float64]],
    without: int,
) -> NDArray[np.int64]:
    """Return how many vertices lie between input and output on the best path; ``without`` one, that."""
    lengths = np.full(among.shape, never)
    lengths[:, 0] = -1
    for vertex in range(1, among.shape[1]):
        before = np.where(feeds[:, :vertex, vertex] & among[:, :vertex], lengths[:, :vertex], never)
        lengths[:, vertex] = best(before, axis=1) + 1
    return np.where(np.isfinite(lengths[:, -1]), lengths[:, -1], without).astype(np.int64)


def _on_edges(
    names: tuple[str, ...], edges: Sequence[tuple[int, int]], chosen: Sequence[Sequence[int]]
) -> Cells:
    """Make a vertex of every edge; the first and the last stand for what enters and leaves the cell."""
    nodes = [(0, 0), *edges, (max(end for _, end in edges),) * 2]
    feeds = np.array([[a < b and u[1] == v[0] for b, v in enumerate(nodes)] for a, u in enumerate(nodes)])
    return Cells(names, np.array(chosen, dtype=np.int64).reshape(-1, len(edges)), feeds[None], on_edges=True)


def _of_nb201(architectures: Sequence[str]) -> Cells:
    chosen = [list(map(nb201.OPERATIONS.index, nb201.parse(arch))) for arch in architectures]
    return _on_edges(nb201.OPERATIONS, nb201.EDGES, chosen)


def _of_transnas(architectures: Sequence[str]) -> Cells:
    micro = transnas.TransNASMicro()
    chosen = [micro.encoder(arch).cell for arch in architectures]
    return _on_edges(transnas.OPERATIONS, transnas.EDGES, chosen)


def _of_nb101(architectures: Sequence[str]) -> Cells:
    most = _nb101_cells.MOST_VERTICES
    names = _nb101_cells.OPERATIONS
    chosen = np.full((len(architectures), most - 2), -1)
    feeds = np.zeros((len(architectures), most, most), dtype=bool)
    for i, cell in enumerate(map(nb101.parse, architectures)):
        chosen[i, : len(cell.operations)] = [names.index(one) for one in cell.operations]
        for vertex, sources in enumerate(cell.sources, start=1):
            place = vertex if vertex < len(cell.sources) else most - 1  # the output is the last of all
            feeds[i, list(sources), place] = True
    return Cells(names, chosen, feeds, on_edges=False)


_CELLS: dict[str, Callable[[Sequence[str]], Cells]] = {
    "nb201": _of_nb201,
    "nb201-digits": _of_nb201,
    "nb101": _of_nb101,
    "transnas-micro": _of_transnas,
}

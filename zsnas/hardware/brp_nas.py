"""BRP-NAS: a latency predictor for one device, a graph convolution network or a perceptron on whole cells.

Both know an architecture by its layers only: which operation is on which edge of the NAS-Bench-201 cell. The
latency is learned standardised, by least squares, with AdamW and a cosine schedule, for the same number of
steps however few the samples are.

Differences from the paper: 96 hidden units instead of 600, and no dropout, so that training takes seconds on
one core; a fixed number of steps instead of early stopping on a validation set.

Source: Dudziak et al. 2020, BRP-NAS: Prediction-based NAS using GCNs.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.hardware._predictor import Floats, Predictor
from zsnas.spaces.nb201 import EDGES, OPERATIONS, parse

WIDTH = 96
LAYERS = 4
STEPS = 1000
ADAPTATION_STEPS = 200
BATCH_SIZE = 64
LEARNING_RATE = 2e-3

INPUT, OUTPUT, READOUT = len(EDGES), len(EDGES) + 1, len(EDGES) + 2
"""Nodes of the cell's graph after those of its operations; all architectures have the same nodes."""

LABELS = (*OPERATIONS, "input", "output", "readout")


def one_hot(architectures: Sequence[str]) -> Float[Tensor, " n 6 5"]:
    """Return which operation each edge has."""
    chosen = [[OPERATIONS.index(name) for name in parse(arch)] for arch in architectures]
    return nn.functional.one_hot(torch.tensor(chosen), len(OPERATIONS)).float()


def node_features(architectures: Sequence[str]) -> Float[Tensor, " n 9 8"]:
    """Return the label of each node of the cell's graph."""
    features = torch.zeros(len(architectures), READOUT + 1, len(LABELS))
    features[:, : len(EDGES), : len(OPERATIONS)] = one_hot(architectures)
    for node in (INPUT, OUTPUT, READOUT):
        features[:, node, len(OPERATIONS) + node - INPUT] = 1
    return features


def propagation(both_ways: bool = True) -> Float[Tensor, "9 9"]:
    """Return the normalised adjacency of the cell's graph, as Kipf and Welling define it.

    An operation is a node, joined to the operations that begin where it ends. One node more, for the
    readout, is joined to all. Every node is joined to itself, and messages go both ways, or only from the
    input towards the output and the readout.
    """
    joined = torch.eye(READOUT + 1)
    for k, (source, target) in enumerate(EDGES):
        for j, (following, _) in enumerate(EDGES):
            joined[k, j] += target == following
        joined[INPUT, k] = source == EDGES[0][0]
        joined[k, OUTPUT] = target == EDGES[-1][1]
    joined[:, READOUT] = 1
    if both_ways:
        joined = torch.maximum(joined, joined.T)
    received, sent = joined.sum(dim=0), joined.sum(dim=1)
    return joined.T / torch.outer(received, sent).sqrt()


class GraphConvolutions(nn.Module):
    """Four graph convolutions; the state of the readout node stands for the cell."""

    propagation: Float[Tensor, "9 9"]

    def __init__(self, width: int = WIDTH, both_ways: bool = True) -> None:
        super().__init__()
        widths = [len(LABELS), *[width] * LAYERS]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        self.register_buffer("propagation", propagation(both_ways))

    def forward(self, nodes: Float[Tensor, " n 9 8"]) -> Float[Tensor, " n width"]:
        """Map node features to cells."""
        for layer in self.layers:
            nodes = torch.relu(layer(self.propagation @ nodes))
        return nodes[:, READOUT]


class _Regression(Predictor):
    """Trains a network on the standardised latencies of one device."""

    def _fit(self, architectures: list[str], latency: Floats) -> None:
        if latency.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} learns one device at a time, but the latencies have shape "
                f"{latency.shape}; give those of one device, shape (n,)"
            )
        with torch_seeded(self.seed):
            self._network = self._untrained()
        self._train(architectures, latency, STEPS, LEARNING_RATE)

    def _adapt(self, architectures: list[str], latency: Floats) -> None:
        """Train a little longer, on the new device only: the method has nothing else for this."""
        self._train(architectures, latency, ADAPTATION_STEPS, LEARNING_RATE / 4)

    def _predict(self, architectures: list[str]) -> Floats:
        with torch.no_grad():
            output = self._network(self._encode(architectures)).squeeze(1)
        prediction: Floats = self._mean + self._scale * output.double().numpy()
        return prediction

    def _train(self, architectures: list[str], latency: Floats, steps: int, rate: float) -> None:
        self._mean, self._scale = latency.mean(), latency.std() or 1.0
        inputs = self._encode(architectures)
        targets = torch.tensor((latency - self._mean) / self._scale).float().unsqueeze(1)
        optimizer = torch.optim.AdamW(self._network.parameters(), rate, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for chosen in _batches(len(latency), steps, self.seed):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(self._network(inputs[chosen]), targets[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()

    @abstractmethod
    def _untrained(self) -> nn.Module: ...

    @abstractmethod
    def _encode(self, architectures: list[str]) -> Float[Tensor, " n *features"]: ...


def _batches(samples: int, steps: int, seed: int) -> Iterator[Int[Tensor, " chosen"]]:
    """Yield positions: pass after pass over all samples, each in a new order."""
    generator = torch.Generator().manual_seed(seed)
    left: list[Tensor] = []
    for _ in range(steps):
        left = left or list(torch.split(torch.randperm(samples, generator=generator), BATCH_SIZE))
        yield left.pop(0)


class GCN(_Regression):
    """BRP-NAS with a graph convolution network on the cell of NAS-Bench-201.

    Learns one device; :meth:`adapt` trains the same network a little further on the new latencies, which may
    also move the mean and the scale. Methods and errors are those of :class:`Predictor`.

    Parameters
    ----------
    seed : int
    both_ways : bool
        Which way messages go, see :func:`propagation`; ``zsnas.book.studies.choices`` compares the two.

    References
    ----------
    Dudziak et al. 2020, BRP-NAS: Prediction-based NAS using GCNs.
    """

    def __init__(self, seed: int = 0, both_ways: bool = True) -> None:
        super().__init__(seed)
        self.both_ways = both_ways

    def _untrained(self) -> nn.Module:
        return nn.Sequential(GraphConvolutions(both_ways=self.both_ways), nn.Linear(WIDTH, 1))

    def _encode(self, architectures: list[str]) -> Float[Tensor, " n 9 8"]:
        return node_features(architectures)


class MLP(_Regression):
    """BRP-NAS with a multi-layer perceptron on the one-hot encoding of the six edges.

    Otherwise as :class:`GCN`.

    References
    ----------
    As for :class:`GCN`; the survey names it for networks of fixed depth.
    """

    def _untrained(self) -> nn.Module:
        inputs = len(EDGES) * len(OPERATIONS)
        hidden = [nn.Linear(inputs, WIDTH), nn.ReLU()]
        for _ in range(LAYERS - 2):
            hidden += [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(WIDTH, 1))

    def _encode(self, architectures: list[str]) -> Float[Tensor, " n 30"]:
        return one_hot(architectures).flatten(1)

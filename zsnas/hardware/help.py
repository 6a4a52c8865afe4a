"""HELP: a latency predictor that is meta-learned over devices and adapts to a new one with ten samples.

A device is known by the latencies of a few reference architectures: its *hardware embedding*. It enters the
predictor as an input, and it scales the weights from which adaptation starts. Adaptation takes a few
gradient steps on the measured samples, with a learned rate for each weight. Weights, scales and rates are
learned such that the adapted predictor is right on further architectures of the same device; the gradient
goes through the adaptation.

Latencies are standardised with mean and deviation of the reference architectures on the same device, so that
ten samples are enough to predict ms.

Differences from the paper: the perceptron on the one-hot encoding instead of the graph network (the survey
allows both), and the scales are a function of the embedding instead of being drawn around it.

Source: Lee et al. 2021, HELP: Hardware-adaptive Efficient Latency Prediction for NAS via Meta-Learning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from zsnas._numbers import torch_seeded
from zsnas.hardware._predictor import Floats, NotFittedError, Predictor
from zsnas.hardware.brp_nas import one_hot
from zsnas.spaces.nb201 import EDGES, OPERATIONS

Weights = dict[str, Tensor]

SEEN = (
    "1080ti_1",
    "1080ti_32",
    "1080ti_256",
    "silver_4114",
    "silver_4210r",
    "samsung_a50",
    "pixel3",
    "essential_ph_1",
    "samsung_s7",
)
VALIDATION = ("titanx_1", "titanx_32", "titanx_256", "gold_6240")
UNSEEN = ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")
"""Settings of ``help/nb201`` to learn from, to choose settings on, and to adapt to: the split of the authors'
README, section 1."""

REFERENCES = 10
WIDTH = 96
EPISODES = 500
QUERIES = 64
LEARNING_RATE = 2e-3
INNER_STEPS = 3
FIRST_INNER_RATE = 0.02


class _Network(nn.Module):
    """Predicts a standardised latency from an architecture and the embedding of a device."""

    def __init__(self, references: int) -> None:
        super().__init__()
        self.cell = nn.Linear(len(EDGES) * len(OPERATIONS), WIDTH)
        self.device = nn.Sequential(nn.Linear(references, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
        self.body = nn.Sequential(
            nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()
        )
        self.head = nn.Linear(WIDTH, 1)

    def forward(
        self, cells: Float[Tensor, " n 30"], embedding: Float[Tensor, " references"]
    ) -> Float[Tensor, " n"]:
        """Map cells and the embedding of one device to latencies."""
        device = self.device(embedding).expand(len(cells), -1)
        features: Tensor = self.head(self.body(torch.cat([self.cell(cells), device], dim=1)))
        return features.squeeze(1)


class _Meta(nn.Module):
    """What is learned over devices: where adaptation starts, and how far each weight moves in a step."""

    def __init__(self, references: int) -> None:
        super().__init__()
        self.network = _Network(references)
        self.sizes = {name: len(weight) for name, weight in self.network.named_parameters()}
        last = nn.Linear(WIDTH, sum(self.sizes.values()))
        nn.init.zeros_(last.weight)  # before it has learned, adaptation starts alike on every device
        nn.init.zeros_(last.bias)
        self.scales = nn.Sequential(nn.Linear(references, WIDTH), nn.ReLU(), last)
        self.rates = nn.ParameterList(
            torch.full_like(weight, FIRST_INNER_RATE) for weight in self.network.parameters()
        )

    def adapted(
        self,
        cells: Float[Tensor, " n 30"],
        latency: Float[Tensor, " n"],
        embedding: Float[Tensor, " references"],
    ) -> Weights:
        """Return the network's weights after adaptation to samples of one device."""
        scales = self.scales(embedding).split(list(self.sizes.values()))
        named = self.network.named_parameters()
        weights = {
            name: weight * (1 + scale.view(-1, *[1] * (weight.ndim - 1)))
            for (name, weight), scale in zip(named, scales, strict=True)
        }
        for _ in range(INNER_STEPS):
            slopes = grad(self.loss)(weights, cells, latency, embedding)
            weights = {
                name: weight - rate * slopes[name]
                for (name, weight), rate in zip(weights.items(), self.rates, strict=True)
            }
        return weights

    def loss(
        self,
        weights: Weights,
        cells: Float[Tensor, " n 30"],
        latency: Float[Tensor, " n"],
        embedding: Float[Tensor, " references"],
    ) -> Float[Tensor, ""]:
        """Return the mean squared error of the network with these weights."""
        return nn.functional.mse_loss(self.predict(weights, cells, embedding), latency)

    def predict(
        self, weights: Weights, cells: Float[Tensor, " n 30"], embedding: Float[Tensor, " references"]
    ) -> Float[Tensor, " n"]:
        """Return the latencies of cells by the network with these weights."""
        prediction: Tensor = functional_call(self.network, weights, (cells, embedding))
        return prediction


class HELP(Predictor):
    """The predictor of HELP; :meth:`fit` learns over devices, :meth:`adapt` makes it one for a new device.

    Parameters
    ----------
    seed : int
        Also of the choice of the reference architectures.
    references : sequence of str, optional
        The architectures that every device has to measure; by default ten at random of those of :meth:`fit`.
    episodes : int
        How long it learns; ``zsnas.book.studies.choices`` compares the default with others.

    Attributes
    ----------
    references : tuple of str
        Empty before :meth:`fit` when they were not given.

    References
    ----------
    Lee et al. 2021, HELP: Hardware-adaptive Efficient Latency Prediction for NAS via Meta-Learning.
    """

    def __init__(
        self, seed: int = 0, references: Sequence[str] | None = None, episodes: int | None = None
    ) -> None:
        super().__init__(seed)
        self.episodes = episodes or EPISODES
        self.references = tuple(references or ())
        self._weights: Weights | None = None

    def _fit(self, architectures: list[str], latency: Floats) -> None:
        if latency.ndim == 1 or latency.shape[1] == 1:
            raise ValueError(
                f"HELP learns over devices, but the latencies have shape {latency.shape}; "
                "give those of several devices, shape (n, devices)"
            )
        rng = np.random.default_rng(self.seed)
        if not self.references:
            chosen = rng.permutation(len(architectures))[:REFERENCES]
            self.references = tuple(architectures[k] for k in chosen)
        self._weights = None
        with torch_seeded(self.seed):
            self._meta = _Meta(len(self.references))
        self._learn(architectures, latency, rng)

    def _learn(self, architectures: list[str], latency: Floats, rng: np.random.Generator) -> None:
        at = self._positions(architectures)
        cells = one_hot(architectures).flatten(1)
        standardised = [_standardise(device, device[at]) for device in latency.T]
        latencies = torch.tensor(np.stack(standardised)).float()
        others = np.setdiff1d(np.arange(len(architectures)), at)
        if not len(others):
            raise ValueError("HELP has only the reference architectures to learn from; give further ones")
        optimizer = torch.optim.Adam(self._meta.parameters(), LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.episodes)
        for _ in range(self.episodes):
            queries = rng.choice(others, min(QUERIES, len(others)), replace=False)
            optimizer.zero_grad()
            self._episode(cells, latencies, at, queries).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._meta.parameters(), 1.0)
            optimizer.step()
            schedule.step()

    def _episode(
        self,
        cells: Float[Tensor, " n 30"],
        latencies: Float[Tensor, " devices n"],
        at: list[int],
        queries: Int[np.ndarray, " queries"],
    ) -> Float[Tensor, ""]:
        """Return the mean error on queries of all devices, each after its own adaptation."""
        meta = self._meta

        def error(latency: Tensor) -> Tensor:
            embedding = latency[at]
            weights = meta.adapted(cells[at], latency[at], embedding)
            return meta.loss(weights, cells[queries], latency[queries], embedding)

        return vmap(error)(latencies).mean()

    def _adapt(self, architectures: list[str], latency: Floats) -> None:
        at = self._positions(architectures)
        self._mean, self._scale = _moments(latency[at])
        measured = torch.tensor(_standardise(latency, latency[at])).float()
        self._embedding = measured[at]
        cells = one_hot(architectures).flatten(1)
        with torch.no_grad():
            self._weights = self._meta.adapted(cells, measured, self._embedding)

    def _predict(self, architectures: list[str]) -> Floats:
        if self._weights is None:
            raise NotFittedError(
                "this HELP cannot predict: it has learned over devices, but is not one for any of them; "
                "call adapt(help.references, latency) and ask what it returns"
            )
        cells = one_hot(architectures).flatten(1)
        with torch.no_grad():
            output = self._meta.predict(self._weights, cells, self._embedding)
        prediction: Floats = self._mean + self._scale * output.double().numpy()
        return prediction

    def _positions(self, architectures: list[str]) -> list[int]:
        """Return where the reference architectures are."""
        missing = [arch for arch in self.references if arch not in architectures]
        if missing:
            raise ValueError(
                f"{len(missing)} of the {len(self.references)} reference architectures have no latency, "
                f"the first {missing[0]!r}; measure all that are in references"
            )
        return [architectures.index(arch) for arch in self.references]


def _moments(references: Floats) -> tuple[float, float]:
    return float(references.mean()), float(references.std()) or 1.0


def _standardise(latency: Floats, references: Floats) -> Floats:
    mean, scale = _moments(references)
    return (latency - mean) / scale

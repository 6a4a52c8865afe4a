"""The recipe by which the networks of NB201-Digits are trained, and what is seen of them at every epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from zsnas.batches import digits

_AT_ONCE = 250
"""Test images that a stack looks at together."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with Nesterov's momentum, from a learning rate along a cosine to zero."""

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4


class Curves(NamedTuple):
    """Images that were classified rightly: (networks, epochs), whole numbers.

    Those of training are counted in the batches of the epoch, before the step that each of them makes; those
    of the test after the epoch, with the running statistics of batch norm.
    """

    train_correct: NDArray[np.int64]
    test_correct: NDArray[np.int64]


class Examples(NamedTuple):
    """Normalised images (n, 3, 8, 8) and their labels (n,)."""

    images: Tensor
    labels: Tensor


def examples() -> tuple[Examples, Examples]:
    """Return the digits to train with and those to test with, in torch's default type of numbers."""
    return _examples(digits.training()), _examples(digits.test())


def _examples(pictures: digits.Pictures) -> Examples:
    normalised = (pictures.pixels.astype(np.float64) - digits.MEAN) / digits.DEVIATION
    images = torch.from_numpy(normalised).permute(0, 3, 1, 2).to(torch.get_default_dtype())
    return Examples(images.contiguous(), torch.from_numpy(pictures.labels))


def train(networks: nn.Module, train: Examples, test: Examples, *, recipe: Recipe, seed: int) -> Curves:
    """Train networks in place, each as if it were alone.

    The loss is the sum of their cross-entropies, of which a network's weights see their own alone.

    Parameters
    ----------
    networks
        Takes images (batch, 3, height, width) to logits (networks, batch, classes).
    train, test
        Images.
    recipe
        Of the training.
    seed
        Orders the images of every epoch, in the same way for all networks.
    """
    optimiser = torch.optim.SGD(
        networks.parameters(),
        recipe.learning_rate,
        recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    order = torch.Generator().manual_seed(seed)
    curves = []
    for epoch in range(recipe.epochs):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
        networks.train()
        chosen = torch.split(torch.randperm(len(train.labels), generator=order), recipe.batch_size)
        seen = sum(_step(networks, Examples(train.images[i], train.labels[i]), optimiser) for i in chosen)
        curves.append((seen, _correct(networks, test)))
    train_correct, test_correct = (torch.stack(part, dim=1).numpy() for part in zip(*curves, strict=True))
    return Curves(train_correct, test_correct)


def _step(networks: nn.Module, batch: Examples, optimiser: torch.optim.Optimizer) -> Tensor:
    """Take a step and return how many images each network had right before it."""
    logits = networks(batch.images)
    labels = batch.labels.repeat(len(logits))
    loss = cross_entropy(logits.flatten(0, 1), labels, reduction="sum") / len(batch.labels)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return _right(logits, batch.labels)


@torch.no_grad()
def _correct(networks: nn.Module, test: Examples) -> Tensor:
    networks.eval()
    parts = zip(*(torch.split(part, _AT_ONCE) for part in test), strict=True)
    return torch.stack([_right(networks(images), labels) for images, labels in parts]).sum(0)


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(-1) == labels).sum(1)

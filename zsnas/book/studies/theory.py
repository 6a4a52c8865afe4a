"""Sentences about formulas, tried on networks so small that their derivatives are exact.

All in double precision. A difference counts as none when it is below `ROUNDING` of what is compared.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.func import jacrev, vmap
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

ROUNDING = 1e-9


class Layers(NamedTuple):
    """What a layer-wise sum is in each layer of one network.

    Attributes
    ----------
    name : str
    sums : tuple of float
        By layer, from input to output.
    """

    name: str
    sums: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The largest minus the smallest, divided by the largest."""
        return (max(self.sums) - min(self.sums)) / max(self.sums)


def conserved(seed: int, widths: Sequence[int] = (6, 8, 5, 7, 3), images: int = 10) -> list[Layers]:
    """Sum SynFlow and SNIP layer by layer in a linear network without biases.

    Parameters
    ----------
    seed : int
        Of weights, inputs and labels.
    widths : sequence of int
        From inputs to classes.
    images : int
    """
    generator = torch.Generator().manual_seed(seed)
    weights = [
        torch.randn(out, into, generator=generator, dtype=torch.float64) / into**0.5
        for into, out in pairwise(widths)
    ]
    inputs = torch.randn(images, widths[0], generator=generator, dtype=torch.float64)
    labels = torch.randint(widths[-1], (images,), generator=generator)
    positive = [weight.abs() for weight in weights]
    flow = _gradients(lambda them: _through(them, torch.ones_like(inputs[:1])).sum(), positive)
    loss = _gradients(lambda them: F.cross_entropy(_through(them, inputs), labels), weights)
    return [
        Layers("SynFlow", _sums(weight * gradient for weight, gradient in zip(positive, flow, strict=True))),
        Layers(
            "SNIP as printed",
            tuple(abs(float((w * g).sum())) for w, g in zip(weights, loss, strict=True)),
        ),
        Layers("SNIP of its authors", _sums((w * g).abs() for w, g in zip(weights, loss, strict=True))),
    ]


def _sums(layers: object) -> tuple[float, ...]:
    return tuple(float(layer.sum()) for layer in layers)  # type: ignore[attr-defined]


def _through(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    for weight in weights:
        inputs = inputs @ weight.T
    return inputs


def _gradients(function: Callable[[list[Tensor]], Tensor], weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
    leaves = [weight.clone().requires_grad_() for weight in weights]
    return torch.autograd.grad(function(leaves), leaves)


class Expansion(NamedTuple):
    """How far a function is from its first-order Taylor expansion, when all weights shrink a little.

    Attributes
    ----------
    name : str
    change, error : float
        Of the function when the weights shrink by `step`, and of the expansion there.
    halved : float
        The error when they shrink by half of it.
    """

    name: str
    change: float
    error: float
    halved: float

    @property
    def order(self) -> float:
        """The power of the step with which the error falls: two, or more, of a first-order expansion."""
        return float(torch.log2(torch.tensor(self.error / self.halved, dtype=torch.float64)))


def expansions(seed: int, step: float = 0.01) -> list[Expansion]:
    """Predict by SynFlow and by GraSP what changes when all weights of a small network shrink.

    SynFlow is set against the summed output of the network of absolute weights, GraSP against half of the
    squared norm of the gradient of the loss.

    Parameters
    ----------
    seed : int
    step : float
        By which part the weights shrink.
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = (6, 5), (4, 6), (3, 4)
    weights = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    inputs = torch.randn(12, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (12,), generator=generator)

    def flow(them: Sequence[Tensor]) -> Tensor:
        return _through([weight.abs() for weight in them], torch.ones(1, 5, dtype=torch.float64)).sum()

    def half_norm(them: Sequence[Tensor]) -> Tensor:
        loss = F.cross_entropy(_curved(them, inputs), labels)
        gradients = torch.autograd.grad(loss, list(them), create_graph=True)
        return sum((gradient.square().sum() for gradient in gradients), torch.zeros(())) / 2

    return [_expanded("SynFlow", flow, weights, step), _expanded("GraSP", half_norm, weights, step)]


def _curved(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    for weight in weights[:-1]:
        inputs = torch.tanh(inputs @ weight.T)
    return inputs @ weights[-1].T


def _expanded(
    name: str, function: Callable[[Sequence[Tensor]], Tensor], weights: Sequence[Tensor], step: float
) -> Expansion:
    leaves = [weight.clone().requires_grad_() for weight in weights]
    value = function(leaves)
    slope = sum(
        float((weight * gradient).sum())
        for weight, gradient in zip(weights, torch.autograd.grad(value, leaves), strict=True)
    )

    def change(by: float) -> float:
        shrunk = [(weight * (1 - by)).requires_grad_() for weight in weights]
        return function(shrunk).item() - value.item()

    errors = (abs(change(by) + by * slope) for by in (step, step / 2))
    return Expansion(name, change(step), *errors)


def fisher_and_curvature(seed: int) -> dict[str, float]:
    """Compare the Hessian of the loss with the Fisher information, for a softmax regression.

    Parameters
    ----------
    seed : int

    Returns
    -------
    dict
        The norm of the difference, divided by that of the Hessian: of the Fisher information with labels as
        the model itself predicts them ("own predictions"), and with the labels of the data ("labels").
    """
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    inputs = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (20,), generator=generator)
    classes = torch.eye(3, dtype=torch.float64)

    def loss(flat: Tensor, image: Tensor, label: Tensor) -> Tensor:
        return -(F.log_softmax(flat.view(3, 4) @ image, 0) * label).sum()

    flat = weight.flatten()
    curvature = vmap(jacrev(jacrev(loss)), (None, 0, 0))(flat, inputs, classes[labels]).mean(0)
    gradients = vmap(vmap(jacrev(loss), (None, None, 0)), (None, 0, None))(flat, inputs, classes)
    squares = torch.einsum("bcp,bcq->bcpq", gradients, gradients)
    predicted = F.softmax(inputs @ weight.T, 1)
    fisher = {
        "own predictions": (predicted[:, :, None, None] * squares).sum(1).mean(0),
        "labels": squares[torch.arange(20), labels].mean(0),
    }
    return {name: float((found - curvature).norm() / curvature.norm()) for name, found in fisher.items()}


def perturbed_and_differentiated(seed: int) -> tuple[float, float]:
    """Divide the first term of the Zen-score by the norm of the input gradient, for one ReLU network.

    The mean is over 20,000 random inputs, and the perturbation is a thousandth of a random one.

    Returns
    -------
    tuple of float
        The quotient of the means, as the survey's formula has them, and that of the root mean squares.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = [
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((6, 4), (6, 6), (5, 6))
    ]
    alpha = 1e-3
    inputs, noise = torch.randn(2, 20_000, 4, generator=generator, dtype=torch.float64)

    def features(image: Tensor) -> Tensor:
        for weight in weights:
            image = torch.relu(image @ weight.T)
        return image

    change = (features(inputs) - features(inputs + alpha * noise)).norm(dim=1) / alpha
    gradient = vmap(jacrev(features))(inputs).flatten(1).norm(dim=1)
    means = change.mean() / gradient.mean()
    return means.item(), (change.square().mean() / gradient.square().mean()).sqrt().item()


def regions_of_a_neuron(seed: int) -> int:
    """Return how many gradients one ReLU neuron has at 1,000 points of the plane: its linear pieces."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, generator=generator, dtype=torch.float64)
    points = torch.randn(1000, 2, generator=generator, dtype=torch.float64)
    gradients = vmap(jacrev(lambda point: torch.relu(point @ weight)))(points)
    return len(gradients.unique(dim=0))


def kernel_dynamics(seed: int, widths: Sequence[int] = (16, 4096), steps: int = 200) -> dict[str, float]:
    """Train on eight points and compare the outputs with what the kernel at the start predicts (Eq. 13).

    Parameters
    ----------
    seed : int
    widths : sequence of int
        Of networks with one hidden layer.
    steps : int
        Of gradient descent.

    Returns
    -------
    dict
        The largest norm of the difference of the outputs on the way, divided by that of the targets: for a
        linear model, and for each width.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    targets = torch.randn(8, generator=generator, dtype=torch.float64)

    def linear(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        return torch.cat([image, image**2]) @ weights["out"]

    def network(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        hidden = torch.relu(weights["in"] @ image)
        return (hidden @ weights["out"]).div(len(hidden) ** 0.5)

    start = {"out": torch.zeros(8, dtype=torch.float64)}
    found = {"a linear model": _off_kernel(linear, start, inputs, targets, steps)}
    for width in widths:
        start = {
            name: torch.randn(shape, generator=generator, dtype=torch.float64)
            for name, shape in {"in": (width, 4), "out": (width,)}.items()
        }
        found[f"{width:,} hidden units"] = _off_kernel(network, start, inputs, targets, steps)
    return found


def _off_kernel(
    model: Callable[[dict[str, Tensor], Tensor], Tensor],
    weights: dict[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    steps: int,
) -> float:
    jacobian = vmap(jacrev(model), (None, 0))(weights, inputs)
    kernel = sum(
        (part.flatten(1) @ part.flatten(1).T for part in jacobian.values()), torch.zeros(8, 8).double()
    )
    speeds, directions = torch.linalg.eigh(kernel)
    rate = 0.02 / float(speeds.max())
    first = vmap(model, (None, 0))(weights, inputs)
    off = 0.0
    for step in range(1, steps + 1):
        outputs = vmap(model, (None, 0))(weights, inputs)
        back = vmap(jacrev(model), (None, 0))(weights, inputs)
        residual = outputs - targets
        weights = {
            name: weight - rate * torch.tensordot(residual, back[name], 1) for name, weight in weights.items()
        }
        learned = 1 - torch.exp(-rate * step * speeds)
        expected = first + directions @ (learned * (directions.T @ (targets - first)))
        now = vmap(model, (None, 0))(weights, inputs)
        off = max(off, float((now - expected).norm() / targets.norm()))
    return off

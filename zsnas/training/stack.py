"""A stack: many networks computed at once, each as if it were alone.

All networks of a stack see the same images. Feature maps have the shape (networks, batch, positions ×
channels). On the few positions of a small picture a convolution is a small matrix, so that the convolutions
that leave a node, in whichever networks they are, are one batched product of matrices. An operation that a
network lacks costs nothing: a node picks the networks that have it, and what comes out is added to the nodes
it leads to.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu, unfold

from zsnas.spaces.nb201 import EDGES, parse
from zsnas.spaces.nb201_digits import STRIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from zsnas.spaces.nb201_digits import Network

_NODES = 4
_EPSILON, _MOMENTUM = 1e-5, 0.1  # of batch norm, as torch has them by default


class Stack(nn.Module):
    """Networks of the space ``nb201-digits``, with copies of their weights.

    Parameters
    ----------
    archs
        Of the networks.
    networks
        As the space builds them, at least one, all with as many classes.
    side
        Height and width of the images in pixels.
    """

    def __init__(self, archs: Sequence[str], networks: Sequence[Network], side: int = 8) -> None:
        super().__init__()
        uses, channels = list(_uses(archs, networks)), networks[0].classifier.in_features
        stems: list[Any] = [list(network.stem) for network in networks]  # convolution, batch norm
        norms: list[Any] = [network.norm[0] for network in networks]
        positions = (side - 1) // STRIDE + 1
        self.stem = _together(convolution.weight.flatten(1).T for convolution, _ in stems)
        self.stem_norm = Norm([norm for _, norm in stems], channels)
        self.nodes = nn.ModuleList(
            Node([use for use in uses if use.source == source], channels, positions)
            for source in range(_NODES - 1)
        )
        self.norm = Norm(norms, channels)
        self.weight = _together(network.classifier.weight.T for network in networks)
        self.bias = _together(network.classifier.bias[None] for network in networks)

    def __len__(self) -> int:
        """Return the number of networks."""
        return len(self.stem)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (batch, 3, side, side) to logits (networks, batch, classes)."""
        size, channels = len(images), self.stem.shape[2]
        patches = unfold(images, 3, padding=1, stride=STRIDE).transpose(1, 2).flatten(0, 1)
        first = self.stem_norm((patches @ self.stem).view(len(self), size, -1))
        sums = [first, *(torch.zeros_like(first) for _ in self.nodes)]
        for source, node in enumerate(self.nodes):
            for target, networks, outputs in node(sums[source]):
                sums[target].index_add_(0, networks, outputs)
        features = relu(self.norm(sums[-1])).view(len(self), size, -1, channels).mean(2)
        return torch.baddbmm(self.bias, features, self.weight)


class Use(NamedTuple):
    """An operation of a network: on which edge, under which name, as which module."""

    source: int
    target: int
    name: str
    network: int
    module: Any


def _uses(archs: Sequence[str], networks: Sequence[Network]) -> Iterator[Use]:
    for index, (arch, network) in enumerate(zip(archs, networks, strict=True)):
        for (source, target), name in zip(EDGES, parse(arch), strict=True):
            if name != "none":
                module = network.cell.operations[f"{source}to{target}"]
                yield Use(source, target, name, index, module)


class Node(nn.Module):
    """A node of the cells, with every operation that leaves it in any of the networks."""

    taps: Tensor
    pooling: Tensor

    def __init__(self, uses: Sequence[Use], channels: int, side: int) -> None:
        super().__init__()
        wide, narrow, pools, skips = (
            sorted((use for use in uses if use.name == name), key=lambda use: use.target)
            for name in ("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect")
        )
        layers = [use.module.op for use in (*wide, *narrow)]  # ReLU, convolution, batch norm
        kernels = [layer[1].weight.permute(2, 3, 1, 0) for layer in layers]
        self.wide = _together((kernel.reshape(9, -1) for kernel in kernels[: len(wide)]), 9, channels**2)
        self.narrow = _together((kernel[0, 0] for kernel in kernels[len(wide) :]), channels, channels)
        self.norm = Norm([layer[2] for layer in layers], channels)
        self.sizes = [len(wide), len(narrow), len(pools), len(skips)]
        self.networks = _networks([*wide, *narrow, *pools, *skips])
        self.arrivals = [
            (target, _networks(arriving))
            for target, arriving in groupby([*wide, *narrow, *pools, *skips], key=lambda use: use.target)
        ]
        taps = _taps(side)
        means = taps.sum(2) / taps.sum((0, 2))
        self.register_buffer("taps", taps, persistent=False)
        self.register_buffer("pooling", torch.kron(means, torch.eye(channels)), persistent=False)

    def forward(self, x: Tensor) -> list[tuple[int, Tensor, Tensor]]:
        """Map (networks, batch, positions × channels) to triples: a target, networks, what they add to it."""
        learned, plain = torch.split(self.networks, [sum(self.sizes[:2]), sum(self.sizes[2:])])
        wide, narrow = torch.split(relu(x).index_select(0, learned), self.sizes[:2])
        pools, skips = torch.split(x.index_select(0, plain), self.sizes[2:])
        by_position = (len(narrow), x.shape[1] * len(self.taps), self.narrow.shape[1])
        projected = (narrow.view(by_position) @ self.narrow).view(narrow.shape)
        learned_outputs = self.norm(torch.cat([wide @ self._matrices(), projected]))
        outputs = torch.cat([learned_outputs, pools @ self.pooling, skips])
        parts = torch.split(outputs, [len(networks) for _, networks in self.arrivals])
        return [(*arrival, part) for arrival, part in zip(self.arrivals, parts, strict=False)]

    def _matrices(self) -> Tensor:
        """Return the 3×3 convolutions as matrices (convolutions, features, features)."""
        positions, channels = len(self.taps), self.narrow.shape[1]
        blocks = self.taps.flatten(0, 1) @ self.wide
        blocks = blocks.view(len(blocks), positions, positions, channels, channels).transpose(2, 3)
        return blocks.reshape(len(blocks), positions * channels, positions * channels)


class Norm(nn.Module):
    """Batch norms of as many networks or edges, each with its own scales, shifts and running statistics."""

    mean: Tensor
    variance: Tensor

    def __init__(self, norms: Sequence[nn.BatchNorm2d], channels: int) -> None:
        super().__init__()
        self.weight = _together((norm.weight for norm in norms), channels)
        self.bias = _together((norm.bias for norm in norms), channels)
        self.register_buffer("mean", self.weight.new_zeros(len(norms), channels))
        self.register_buffer("variance", self.weight.new_ones(len(norms), channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (norms, batch, positions × channels) to the same shape."""
        if self.training:
            normalised, mean, variance = _Normalised.apply(x, self.weight, self.bias)
            count = x.shape[1:].numel() // mean.shape[-1]
            self.mean.lerp_(mean, _MOMENTUM)
            self.variance.lerp_(variance * count / (count - 1), _MOMENTUM)
            return cast("Tensor", normalised)
        scale = self.weight * torch.rsqrt(self.variance + _EPSILON)
        return torch.addcmul(_everywhere(self.bias - self.mean * scale, x), x, _everywhere(scale, x))


class _Normalised(torch.autograd.Function):
    """Batch norm of (norms, batch, positions × channels) by its own statistics, which it returns as well.

    Torch's own needs all norms side by side in one image, which takes longer to copy than to compute.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        mean = _over_positions(x.mean(1), weight).mean(1)
        centred = x - _everywhere(mean, x)
        variance = _over_positions(centred.square().mean(1), weight).mean(1)
        inverse = torch.rsqrt(variance + _EPSILON)
        ctx.save_for_backward(centred, weight, inverse)
        ctx.mark_non_differentiable(mean, variance)
        scaled = torch.addcmul(_everywhere(bias, x), centred, _everywhere(weight * inverse, x))
        return scaled, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        gradient = gradients[0]
        centred, weight, inverse = ctx.saved_tensors
        count = gradient.shape[1:].numel() // max(weight.shape[1], 1)
        of_bias = _over_positions(gradient.sum(1), weight).sum(1)
        of_weight = _over_positions((gradient * centred).sum(1), weight).sum(1) * inverse
        scale = weight * inverse
        shift = _everywhere(-scale * of_bias / count, gradient)
        slope = _everywhere(-scale * inverse * of_weight / count, gradient)
        of_x = torch.addcmul(shift, centred, slope).addcmul_(gradient, _everywhere(scale, gradient))
        return of_x, of_weight, of_bias


def _over_positions(features: Tensor, weight: Tensor) -> Tensor:
    """View (norms, positions × channels) as (norms, positions, channels)."""
    norms, channels = weight.shape
    return features.view(norms, features.shape[1] // channels, channels)


def _everywhere(channels: Tensor, like: Tensor) -> Tensor:
    """Repeat (norms, channels) over the positions of feature maps (norms, batch, positions × channels)."""
    return channels.repeat(1, like.shape[2] // channels.shape[1])[:, None]


def _together(weights: Iterable[Tensor], *shape: int) -> nn.Parameter:
    """Copy tensors of one shape into one parameter (tensors, *shape), of which there may be none."""
    copies = [weight.detach() for weight in weights]
    return nn.Parameter(torch.stack(copies) if copies else torch.zeros(0, *shape))


def _networks(uses: Iterable[Use]) -> Tensor:
    return torch.tensor([use.network for use in uses], dtype=torch.long)


def _taps(side: int) -> Tensor:
    """Return which tap of a padded 3×3 kernel leads from a position to another: (from, to, 9) of 0 and 1."""
    rows, columns = torch.arange(side).repeat_interleave(side), torch.arange(side).repeat(side)
    down, right = rows[:, None] - rows + 1, columns[:, None] - columns + 1  # from minus to
    tap = torch.where((down.abs() < 3) & (right.abs() < 3) & (down >= 0) & (right >= 0), 3 * down + right, 9)
    return one_hot(tap, 10)[..., :9].to(torch.get_default_dtype())

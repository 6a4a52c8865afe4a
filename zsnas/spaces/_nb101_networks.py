"""The networks of NAS-Bench-101: a stem, three stacks of three cells, and a classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsnas._numbers import torch_seeded
from zsnas.spaces.nb101 import CELLS_PER_STACK, CHANNELS, SIDES, Cell, widths

_KEPT = 0.87962566103423978  # standard deviation of a standard normal distribution that is cut off at ±2


def network(cell: Cell, num_classes: int, seed: int) -> nn.Module:
    """Return the untrained network of a cell, see `zsnas.spaces.nb101.NB101.build`."""
    with torch_seeded(seed):
        built = Network(cell, num_classes)
        built.apply(_drawn)
        return built


def conv_norm_relu(inputs: int, outputs: int, side: int) -> nn.Sequential:
    """Return a convolution that keeps height and width, batch norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=False))


class CellNetwork(nn.Module):
    """A cell: the vertices of a :class:`Cell`, with what projects the input to their channels."""

    def __init__(self, cell: Cell, inputs: int, channels: int) -> None:
        super().__init__()
        self.sources, self.widths = cell.sources, widths(cell.sources, channels)
        taken = list(zip(cell.sources, self.widths, strict=True))
        self.projections = nn.ModuleDict(
            {
                str(vertex): conv_norm_relu(inputs, width, 1)
                for vertex, (sources, width) in enumerate(taken, start=1)
                if 0 in sources
            }
        )
        self.operations = nn.ModuleList(
            conv_norm_relu(width, width, SIDES[name])
            if name in SIDES
            else nn.MaxPool2d(3, stride=1, padding=1)
            for name, width in zip(cell.operations, self.widths[:-1], strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, channels, height, width)."""
        nodes = [x]
        for vertex, operation in enumerate(self.operations, start=1):
            width = self.widths[vertex - 1]
            taken = [_first(nodes[source], width) for source in self.sources[vertex - 1] if source]
            taken += self._projected(x, vertex)
            nodes.append(operation(sum(taken[1:], taken[0])))
        ends = [nodes[source] for source in self.sources[-1] if source]
        joined = [torch.cat(ends, dim=1)] if len(ends) > 1 else ends
        outputs = joined + self._projected(x, len(self.sources))
        out: Tensor = sum(outputs[1:], outputs[0])
        return out

    def _projected(self, x: Tensor, vertex: int) -> list[Tensor]:
        return [self.projections[str(vertex)](x)] if str(vertex) in self.projections else []


def _first(x: Tensor, channels: int) -> Tensor:
    return x if x.shape[1] == channels else x[:, :channels]


class Network(nn.Module):
    """Stem, three stacks of three cells with a maximum between them, pooling, classifier."""

    def __init__(self, cell: Cell, num_classes: int) -> None:
        super().__init__()
        self.stem = conv_norm_relu(3, CHANNELS[0], 3)
        body: list[nn.Module] = []
        inputs = CHANNELS[0]
        for stack, channels in enumerate(CHANNELS):
            body += [nn.MaxPool2d(2)] if stack else []
            for _ in range(CELLS_PER_STACK):
                body.append(CellNetwork(cell, inputs, channels))
                inputs = channels
        self.body = nn.Sequential(*body)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, 3, height, width) to logits (batch, num_classes)."""
        logits: Tensor = self.classifier(self.pool(self.body(self.stem(x))).flatten(1))
        return logits


def _drawn(module: nn.Module) -> None:
    """Draw the weights of a layer anew, as the benchmark's framework does by default."""
    if isinstance(module, nn.Conv2d):
        deviation = module.weight[0].numel() ** -0.5 / _KEPT
        nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)

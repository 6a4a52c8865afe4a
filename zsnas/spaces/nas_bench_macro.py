"""NAS-Bench-Macro: 6,561 stacks of eight layers, each nothing or one of two inverted residual blocks.

An architecture is a digit for each layer: 0 the identity, 1 a block with 3×3 filters and expansion 3, 2 one
with 5×5 filters and expansion 6. The layers form stages of two, three and three; the first of a stage halves
the image and doubles the channels, for which the identity becomes a 1×1 convolution with batch norm. A stem
of 32 channels comes before, a 1×1 convolution to 1,280 features, pooling and a classifier after. Batch norm
follows every convolution, and ReLU all but the last of a block and the identity's.

Source: Su et al. 2021, Prioritized Architecture Sampling with Monto-Carlo Tree Search, and its code
(github.com/xiusu/NAS-Bench-Macro).
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Space

if TYPE_CHECKING:
    from torch import nn

STAGES = (2, 3, 3)
LAYERS = sum(STAGES)
OPERATIONS = "012"
STEM, FEATURES = 32, 1280


class NASBenchMacro(Space):
    """The 6,561 architectures of NAS-Bench-Macro and their exact networks."""

    name = "nas-bench-macro"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture string, sorted: the last layer changes fastest."""
        return tuple(map("".join, product(OPERATIONS, repeat=LAYERS)))

    def canonical(self, arch: str) -> str:
        """Return the architecture whose identities stand last in each stage, where they leave no trace.

        The first layer of a stage changes the shape and stays where it is.
        """
        return "".join(stage[0] + "".join(sorted(stage[1:], key="0".__eq__)) for stage in stages(arch))

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, its weights drawn from ``seed`` with torch's defaults.

        Takes images of shape (batch, 3, height, width) to logits of shape (batch, ``num_classes``).
        """
        from zsnas.spaces._nas_bench_macro_networks import network

        return network(stages(arch), num_classes, seed)

    def neighbours(self, arch: str) -> list[str]:
        """Return the 16 architectures that have another operation in one layer."""
        stages(arch)
        return [
            arch[:layer] + other + arch[layer + 1 :]
            for layer, operation in enumerate(arch)
            for other in OPERATIONS
            if other != operation
        ]


def stages(arch: str) -> tuple[str, ...]:
    """Return the operations of each stage.

    Raises
    ------
    ValueError
        When the string is no architecture.
    """
    if not re.fullmatch(f"[{OPERATIONS}]{{{LAYERS}}}", arch):
        why = f"it must have {LAYERS} digits, 0 (identity), 1 (3×3, expansion 3) or 2 (5×5, expansion 6)"
        raise no_architecture(arch, "nas-bench-macro", "02012100", why)
    ends = [sum(STAGES[: i + 1]) for i in range(len(STAGES))]
    return tuple(arch[end - length : end] for end, length in zip(ends, STAGES, strict=True))

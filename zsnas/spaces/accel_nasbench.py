"""The MobileNet space of Accel-NASBench: seven stages of inverted residual blocks.

``e6k3l1-e4k5l2s-…`` has a part for each stage: expansion (1, 4 or 6), kernel (3 or 5), layers (1 to 3; up to
4 in the sixth stage), and ``s`` where its blocks have squeeze and excitation. Channels and strides are those
of EfficientNet-B0: a stem of 32, then :data:`STAGES`, then 1,280 features.

Upstream publishes the choices, #Params and #FLOPs, not the network. With these channels, and excitations that
squeeze to a quarter of the block's input, the parameters of all 5,125 trained networks are upstream's, digit
for digit, and so are its multiply-accumulates. Counts say nothing about the activation: here it is ReLU6, the
one of MobileNet-v2, so that the proxies that look at ReLU patterns are defined.

Source: Ahmad et al. 2024, Accel-NASBench.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from zsnas.sources import fetch
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._mobile import MobileSpace

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from zsnas.spaces._inverted_residuals import Plan

EXPANSIONS = (1, 4, 6)
KERNELS = (3, 5)
STEM, FEATURES = 32, 1280

SOURCE = "accel-nasbench/imagenet1k"
EXAMPLE = "e1k3l1-e6k3l2-e6k5l2s-e4k3l3-e6k5l3s-e6k5l4s-e6k3l1"
_STAGE = re.compile(r"e(\d)k(\d)l(\d)(s?)")


class Stage(NamedTuple):
    """Channels of a stage, stride of its first block, how many layers at most."""

    channels: int
    stride: int
    deepest: int


STAGES = (
    Stage(16, 1, 3),
    Stage(24, 2, 3),
    Stage(40, 2, 3),
    Stage(80, 2, 3),
    Stage(112, 1, 3),
    Stage(192, 2, 4),
    Stage(320, 1, 3),
)


class Choice(NamedTuple):
    """What an architecture string says about one stage."""

    expansion: int
    kernel: int
    layers: int
    excited: bool


class AccelNASBench(MobileSpace):
    """The space of Accel-NASBench; its architectures are those that were trained."""

    name = "accel-nasbench"
    example = EXAMPLE

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """The 5,125 networks that were trained, in the order of the benchmark's files, of some 10¹¹."""
        from zsnas.spaces._accel_records import records

        return tuple(dict.fromkeys(record.arch for record in records(fetch(SOURCE))))

    def plan(self, arch: str) -> Plan:
        """Return the channels and blocks of ``arch``."""
        return plan(parse(arch))

    def sample(self, rng: random.Random) -> str:
        """Draw every choice uniformly; most of what is drawn was never trained."""
        return write(
            tuple(
                Choice(
                    rng.choice(EXPANSIONS),
                    rng.choice(KERNELS),
                    rng.randint(1, stage.deepest),
                    rng.choice((False, True)),
                )
                for stage in STAGES
            )
        )

    def neighbours(self, arch: str) -> list[str]:
        """Return what differs by one step of one choice of one stage."""
        choices = parse(arch)
        return [
            write((*choices[:i], other, *choices[i + 1 :]))
            for i, stage in enumerate(STAGES)
            for other in _beside(choices[i], stage.deepest)
        ]


def _beside(choice: Choice, deepest: int) -> Iterator[Choice]:
    for field, scale in (
        ("expansion", EXPANSIONS),
        ("kernel", KERNELS),
        ("layers", range(1, deepest + 1)),
        ("excited", (False, True)),
    ):
        at = scale.index(getattr(choice, field))
        for other in (*scale[max(at - 1, 0) : at], *scale[at + 1 : at + 2]):
            yield choice._replace(**{field: other})


def write(choices: tuple[Choice, ...]) -> str:
    """Return the architecture string of these choices."""
    return "-".join(f"e{c.expansion}k{c.kernel}l{c.layers}{'s' if c.excited else ''}" for c in choices)


def parse(arch: str) -> tuple[Choice, ...]:
    """Return the choices of the seven stages.

    Raises
    ------
    ValueError
        Naming the stage that is wrong, and what is valid there.
    """
    stages = arch.split("-")
    if len(stages) != len(STAGES):
        why = f"it has {len(stages)} stages instead of {len(STAGES)}"
        raise no_architecture(arch, "accel-nasbench", EXAMPLE, why)
    return tuple(_choice(arch, number, text) for number, text in enumerate(stages, start=1))


def _choice(arch: str, number: int, text: str) -> Choice:
    matched, deepest = _STAGE.fullmatch(text), STAGES[number - 1].deepest
    expansion, kernel, layers = map(int, matched.groups()[:3]) if matched else (0, 0, 0)
    if expansion not in EXPANSIONS or kernel not in KERNELS or not 1 <= layers <= deepest:
        why = (
            f"stage {number} is {text!r}; valid are e1, e4 or e6, then k3 or k5, then l1 to l{deepest}, "
            "then s or nothing"
        )
        raise no_architecture(arch, "accel-nasbench", EXAMPLE, why)
    return Choice(expansion, kernel, layers, text.endswith("s"))


def plan(choices: tuple[Choice, ...]) -> Plan:
    """Return the channels and blocks of an architecture."""
    from zsnas.spaces._inverted_residuals import Block, Plan

    inputs, blocks = STEM, []
    for stage, choice in zip(STAGES, choices, strict=True):
        for position in range(choice.layers):
            stride = 1 if position else stage.stride
            blocks.append(
                Block(inputs, stage.channels, choice.kernel, choice.expansion, stride, choice.excited)
            )
            inputs = stage.channels
    return Plan(STEM, tuple(blocks), FEATURES)

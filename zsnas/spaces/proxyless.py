"""The MobileNet-v2 space of ProxylessNAS: width, depth, and kernel and expansion of every block.

``w100-k3e6.k5e3-k7e6-…`` reads: channels at 100 % of :data:`STAGES`; then one part for each of the six
stages, with a block ``k<kernel>e<expansion>`` for each of its layers. Kernels are 3, 5 or 7, expansions 3 or
6. A stage has one to four blocks, of which the first changes the shape; the last stage has one. Before them
come a 3×3 convolution to 32 channels and a block of expansion 1 to 16, after them 1,280 features; all widths
are scaled and rounded to multiples of 8, but the features only scale up.

Source: Cai et al. 2019, ProxylessNAS, whose space has kernels, expansions and depths. Its authors choose the
width before they search; here it is searched too, so that a budget of 600 M multiply-accumulates is in reach.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._mobile import MobileSpace

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from zsnas.spaces._inverted_residuals import Plan

WIDTHS = (50, 75, 100, 125, 150)
KERNELS = (3, 5, 7)
EXPANSIONS = (3, 6)
STEM, FIRST, FEATURES = 32, 16, 1280

EXAMPLE = "w100-k3e6.k5e3-k5e6-k7e3.k3e3-k5e6-k7e6-k7e6"
_BLOCK = re.compile(r"k(\d)e(\d)")


class Stage(NamedTuple):
    """Blocks of one width: channels, stride of the first, how many blocks at most."""

    channels: int
    stride: int
    deepest: int


STAGES = (
    Stage(24, 2, 4),
    Stage(40, 2, 4),
    Stage(80, 2, 4),
    Stage(96, 1, 4),
    Stage(192, 2, 4),
    Stage(320, 1, 1),
)

Shape = tuple[int, int]  # kernel and expansion of one block


class Choices(NamedTuple):
    """What an architecture string says: the width in %, and (kernel, expansion) of the blocks by stage."""

    width: int
    stages: tuple[tuple[Shape, ...], ...]


class Proxyless(MobileSpace):
    """The MobileNet-v2 space of ProxylessNAS, with a width; too many architectures to list."""

    name = "proxyless"
    example = EXAMPLE

    @property
    def architectures(self) -> tuple[str, ...]:
        """Unavailable: a ValueError that says how many there are, and what to use instead."""
        raise ValueError(
            f"the search space {self.name!r} has {self._size} architectures, which are too many to list; "
            "draw some with sample(random.Random(seed))"
        )

    @property
    def _size(self) -> str:
        shapes = len(KERNELS) * len(EXPANSIONS)
        size = len(WIDTHS)
        for stage in STAGES:
            size *= sum(shapes**depth for depth in range(1, stage.deepest + 1))
        return f"{size:.1e}"

    def plan(self, arch: str) -> Plan:
        """Return the channels and blocks of ``arch``."""
        return plan(parse(arch))

    def sample(self, rng: random.Random) -> str:
        """Draw width, depth of each stage, and kernel and expansion of each block, each uniformly."""
        stages = tuple(
            tuple((rng.choice(KERNELS), rng.choice(EXPANSIONS)) for _ in range(rng.randint(1, stage.deepest)))
            for stage in STAGES
        )
        return write(Choices(rng.choice(WIDTHS), stages))

    def neighbours(self, arch: str) -> list[str]:
        """Return what differs by one step of the width, of one depth, one kernel or one expansion.

        A stage grows by a copy of its last block and shrinks by losing it.
        """
        width, stages = parse(arch)
        widths = (Choices(other, stages) for other in _beside(WIDTHS, width))
        changed = (
            Choices(width, (*stages[:i], stage, *stages[i + 1 :]))
            for i in range(len(stages))
            for stage in _stages_beside(stages[i], STAGES[i].deepest)
        )
        return [write(choices) for choices in chain(widths, changed)]


def _beside(scale: tuple[int, ...], value: int) -> Iterator[int]:
    """Yield the values below and above."""
    at = scale.index(value)
    yield from scale[max(at - 1, 0) : at]
    yield from scale[at + 1 : at + 2]


def _stages_beside(stage: tuple[Shape, ...], deepest: int) -> Iterator[tuple[Shape, ...]]:
    if len(stage) > 1:
        yield stage[:-1]
    if len(stage) < deepest:
        yield (*stage, stage[-1])
    for i, (kernel, expansion) in enumerate(stage):
        shapes = [(other, expansion) for other in _beside(KERNELS, kernel)]
        shapes += [(kernel, other) for other in _beside(EXPANSIONS, expansion)]
        yield from ((*stage[:i], shape, *stage[i + 1 :]) for shape in shapes)


def write(choices: Choices) -> str:
    """Return the architecture string of these choices."""
    stages = (".".join(f"k{kernel}e{expansion}" for kernel, expansion in stage) for stage in choices.stages)
    return "-".join([f"w{choices.width}", *stages])


def parse(arch: str) -> Choices:
    """Return what an architecture string says.

    Raises
    ------
    ValueError
        Naming the part that is wrong, and what is valid there.
    """
    width, *stages = arch.split("-")
    if width not in {f"w{valid}" for valid in WIDTHS}:
        raise _malformed(arch, f"the width is {width!r}; valid are {', '.join(f'w{w}' for w in WIDTHS)}")
    if len(stages) != len(STAGES):
        raise _malformed(arch, f"it has {len(stages)} stages instead of {len(STAGES)}")
    return Choices(
        int(width[1:]),
        tuple(_stage(arch, number, text) for number, text in enumerate(stages, start=1)),
    )


def _stage(arch: str, number: int, text: str) -> tuple[Shape, ...]:
    blocks, deepest = text.split("."), STAGES[number - 1].deepest
    if len(blocks) > deepest:
        raise _malformed(arch, f"stage {number} has {len(blocks)} blocks; it has at most {deepest}")
    return tuple(_shape(arch, number, block) for block in blocks)


def _shape(arch: str, number: int, text: str) -> Shape:
    matched = _BLOCK.fullmatch(text)
    kernel, expansion = map(int, matched.groups()) if matched else (0, 0)
    if kernel not in KERNELS or expansion not in EXPANSIONS:
        raise _malformed(
            arch, f"stage {number} has a block {text!r}; valid are k3, k5 or k7 followed by e3 or e6"
        )
    return kernel, expansion


def _malformed(arch: str, why: str) -> ValueError:
    return no_architecture(arch, "proxyless", EXAMPLE, why)


def plan(choices: Choices) -> Plan:
    """Return the channels and blocks of an architecture."""
    from zsnas.spaces._inverted_residuals import Block, Plan

    stem, inputs = scaled(STEM, choices.width), scaled(FIRST, choices.width)
    blocks = [Block(stem, inputs, 3, 1, 1)]
    for stage, shapes in zip(STAGES, choices.stages, strict=True):
        outputs = scaled(stage.channels, choices.width)
        for position, (kernel, expansion) in enumerate(shapes):
            stride = 1 if position else stage.stride
            blocks.append(Block(inputs, outputs, kernel, expansion, stride))
            inputs = outputs
    return Plan(stem, tuple(blocks), scaled(FEATURES, max(choices.width, 100)))


def scaled(channels: int, width: int) -> int:
    """Return the multiple of 8 nearest to this percentage of channels, and not below 90 % of it."""
    exact = channels * width / 100
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded

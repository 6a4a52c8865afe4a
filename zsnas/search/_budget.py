"""Budgets: what an architecture may cost, and how a search finds one that costs no more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from zsnas.counting import counts
from zsnas.spaces._base import Counts, counted

if TYPE_CHECKING:
    import random

    from torch import Tensor

    from zsnas.spaces import Space

TRIES = 100
"""Random architectures that are drawn before a search goes downhill to one that is cheap enough."""

REMEMBERED = 100_000

TABULATED = ("nb201", "nats-sss")
"""Spaces whose architectures are counted all at once, from a few networks."""


class BudgetError(ValueError):
    """No architecture that the search found stays within its budget."""


@cache
def _table(num_classes: int, image_size: int, name: str) -> dict[str, Counts]:
    table = counts(num_classes, image_size, name)
    rows = zip(table["arch"], table["params"], table["flops"], strict=True)
    return {arch: Counts(int(params), int(macs)) for arch, params, macs in rows}


@dataclass
class Budget:
    """The most multiply-accumulates that a network may need for one image.

    Attributes
    ----------
    space
        The architectures.
    macs
        The limit; infinity allows everything.
    num_classes, image_size
        Of the networks whose operations are counted, 1000 and 224 for ImageNet-1K.
    example
        One series or sequence of tokens (1, …) that operations are counted for instead.
    """

    space: Space
    macs: float = math.inf
    num_classes: int = 1000
    image_size: int = 224
    example: Tensor | None = None

    def __post_init__(self) -> None:
        self.counts = lru_cache(maxsize=REMEMBERED)(self._counts)

    def _counts(self, arch: str) -> Counts:
        if self.example is not None:
            return counted(lambda: self.space.build(arch, self.num_classes, seed=0), self.example)
        if self.space.name in TABULATED:
            return _table(self.num_classes, self.image_size, self.space.name)[arch]
        return self.space.counts(arch, self.num_classes, self.image_size)

    def allows(self, arch: str) -> bool:
        """Say whether the network of ``arch`` stays within the budget."""
        return math.isinf(self.macs) or self.counts(arch).macs <= self.macs

    def draw(self, rng: random.Random) -> str:
        """Return a random architecture within the budget.

        When none of some is, walk from the cheapest of them to ever cheaper neighbours.

        Raises
        ------
        BudgetError
            With the cheapest architecture that was found.
        """
        tried = []
        for _ in range(TRIES):
            arch = self.space.sample(rng)
            if self.allows(arch):
                return arch
            tried.append(arch)
        return self._cheaper(min(tried, key=self._macs))

    def _cheaper(self, arch: str) -> str:
        while not self.allows(arch):
            cheapest = min(self._neighbours(arch), key=self._macs, default=arch)
            if self._macs(cheapest) >= self._macs(arch):
                raise BudgetError(
                    f"no architecture of the space {self.space.name!r} was found below {self.macs:,.0f} "
                    f"multiply-accumulates; the cheapest is {arch!r} with {self._macs(arch):,}, so that the "
                    "budget has to be at least that"
                )
            arch = cheapest
        return arch

    def _neighbours(self, arch: str) -> list[str]:
        try:
            return self.space.neighbours(arch)
        except ValueError:  # a space without steps
            return []

    def _macs(self, arch: str) -> int:
        return self.counts(arch).macs

    def mutated(self, arch: str, rng: random.Random) -> str:
        """Return a random neighbour within the budget; ``arch`` itself when it has none."""
        neighbours = self.space.neighbours(arch)
        rng.shuffle(neighbours)
        return next(filter(self.allows, neighbours), arch)

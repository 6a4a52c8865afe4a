"""Regularised evolution: a population in which the oldest dies, not the worst.

Source: Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsnas.search._run import Run

POPULATION = 100
TOURNAMENT = 4
"""One part of so many of the population competes to have a child."""


def evolution(run: Run) -> None:
    """Fill a population at random; then mutate the best of a tournament and let the oldest die.

    A tournament is drawn from the living, without replacement; the child differs from its parent by one
    step of the space and stays within the budget.
    """
    living: deque[str] = deque(maxlen=run.population)
    while run.goes_on:
        rng = run.rng()
        if len(living) < run.population:
            child = run.budget.draw(rng)
        else:
            tournament = rng.sample(list(living), -(-run.population // TOURNAMENT))
            child = run.budget.mutated(run.best(tournament), rng)
        run.score(child)
        living.append(child)

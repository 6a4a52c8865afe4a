"""Regularised evolution: a population in which the oldest dies, not the worst.

Source: Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsnas.search._run import Run

POPULATION = 100
TOURNAMENT = 25


def evolution(run: Run) -> None:
    """Fill a population at random; then mutate the best of a tournament and let the oldest die.

    A tournament is drawn from the living, without replacement; the child differs from its parent by one
    step of the space and stays within the budget.
    """
    living: deque[str] = deque(maxlen=POPULATION)
    while run.goes_on:
        rng = run.rng()
        if len(living) < POPULATION:
            child = run.budget.draw(rng)
        else:
            child = run.budget.mutated(run.best(rng.sample(list(living), TOURNAMENT)), rng)
        run.score(child)
        living.append(child)

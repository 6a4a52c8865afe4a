"""Local search: go to a better neighbour as long as there is one, then start again elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsnas.search._run import Run


def local_search(run: Run) -> None:
    """Climb from random architectures, always to the first neighbour that is better."""
    while run.goes_on:
        here = run.budget.draw(run.rng())
        run.score(here)
        while better := _better(run, here):
            here = better


def _better(run: Run, here: str) -> str | None:
    """Score the neighbours within the budget in random order until one is better."""
    neighbours = run.space.neighbours(here)
    run.rng().shuffle(neighbours)
    for arch in filter(run.budget.allows, neighbours):
        if not run.goes_on:
            return None
        run.score(arch)
        if run.best([here, arch]) != here:
            return arch
    return None

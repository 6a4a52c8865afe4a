"""Random search: independent architectures within the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsnas.search._run import Run


def random_search(run: Run) -> None:
    """Score random architectures until the steps are used up."""
    while run.goes_on:
        run.score(run.budget.draw(run.rng()))

"""Search: look for the architecture of a space that proxies rank highest, under a budget.

`search` runs one of the three algorithms (`ALGORITHMS`), and `prune` takes a network of NAS-Bench-201 out of
a supernet.
"""

from zsnas.search._budget import Budget, BudgetError
from zsnas.search._checkpoint import Checkpoint, CheckpointError
from zsnas.search._objective import Objective
from zsnas.search._run import ALGORITHMS, Found, search
from zsnas.search.pruning import Pruned, prune

__all__ = [
    "ALGORITHMS",
    "Budget",
    "BudgetError",
    "Checkpoint",
    "CheckpointError",
    "Found",
    "Objective",
    "Pruned",
    "prune",
    "search",
]

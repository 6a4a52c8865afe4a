"""NAS-Bench-201 under attack: accuracy on CIFAR-10 images that were changed to fool the network.

``nb201-robust/cifar10`` has ``clean_accuracy``, and for each attack and strength
``<attack>_<strength>_accuracy``, all in %. The strength is how far each pixel may move, in steps of 1/255
(norm L∞):

==========  ========================================================  ======================================
attack      what it does                                              strengths
==========  ========================================================  ======================================
``fgsm``    one step along the sign of the gradient                   0.1, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 255
``pgd``     many small steps of that kind, projected back             0.1, 0.5, 1, 2, 3, 4, 8
``apgd``    the same with a step that adapts (APGD-CE, AutoAttack)    0.1, 0.5, 1, 2, 3, 4, 8
``square``  random squares; sees outputs only (AutoAttack)            0.1, 0.5, 1, 2, 3, 4, 8
==========  ========================================================  ======================================

The metric is ``pgd_1_accuracy``. Cells that compute the same function have the same numbers. The
rows are matched by the cell that upstream writes in each.

Source: Jung, Lukasik and Keuper 2023, Neural Architecture Design and Robustness: A Dataset.
"""

import ast
import re
from collections.abc import Callable
from functools import cache

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.benchmarks._operation_ids import architectures
from zsnas.sources import fetch, source
from zsnas.spaces import space

NAME = "nb201-robust/cifar10"
ATTACKS = ("fgsm", "pgd", "apgd", "square")
_UPSTREAM = {"fgsm": "fgsm", "pgd": "pgd", "aa_apgd-ce": "apgd", "aa_square": "square"}
_ATTACK = re.compile(rf"({'|'.join(_UPSTREAM)})@Linf_eps-([\d.]+)")
_DECIMALS = 2  # the noise of 64-bit floats is in the last digits


def _load() -> Benchmark:
    entry = source("robustness/nb201")
    return Benchmark(
        name=NAME,
        table=_table().copy(),
        space="nb201",
        batch="cifar10",
        licence=entry.licence,
        citation=entry.citation,
        metric="pgd_1_accuracy",
    )


@cache
def _table() -> pd.DataFrame:
    """Return arch and the accuracies (%), in index order."""
    path = fetch("robustness/nb201")
    upstream = pd.read_csv(path)
    cells = architectures([ast.literal_eval(cell) for cell in upstream.pop("net")])
    known = space("nb201").architectures
    if sorted(cells) != sorted(known):
        raise ValueError(f"{path} has other cells than the {len(known):,} of the space; fetch it again")
    table = upstream.rename(columns=_column).round(_DECIMALS)
    table.insert(0, "arch", cells)
    return table.set_index("arch").loc[list(known)].reset_index()


def _column(name: str) -> str:
    found = _ATTACK.fullmatch(name)
    return f"{_UPSTREAM[found[1]]}_{float(found[2]):g}_accuracy" if found else "clean_accuracy"


LOADERS: dict[str, Callable[[], Benchmark]] = {NAME: _load}
"""Name of each benchmark of this family, and the function that returns it."""

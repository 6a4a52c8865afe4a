"""NAS-Bench-201 cells written as six operation ids, as HW-NAS-Bench and AnalogNAS-Bench have them."""

import numpy as np
from numpy.typing import ArrayLike

OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""Operation of each id."""


def architectures(cells: ArrayLike) -> list[str]:
    """Return NAS-Bench-201 strings; the columns are the edges 0→1, 0→2, 0→3, 1→2, 1→3, 2→3."""
    names = np.array(OPERATIONS)[np.asarray(cells).astype(int)].tolist()
    return [f"|{a}~0|+|{b}~0|{d}~1|+|{c}~0|{e}~1|{f}~2|" for a, b, c, d, e, f in names]

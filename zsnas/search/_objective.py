"""What a search looks for: a proxy, or several proxies whose ranks are added."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from zsnas._names import as_names
from zsnas.proxies import proxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Objective:
    """The order of architectures by one proxy, or by the sum of their ranks by several.

    Ranks exist among the architectures that are compared only: those of a tournament while a search runs,
    all that it scored when it names the best. An undefined score (NaN) ranks below every defined one.

    Parameters
    ----------
    proxies : sequence of str, or one name
        Names; `zsnas.list_proxies` names them all. Each is read as its `higher_is_better` says.

    Raises
    ------
    ValueError
        When a proxy is unknown or repeated, or there is none.
    """

    def __init__(self, proxies: Sequence[str] | str) -> None:
        proxies = as_names("proxies", proxies)
        if not proxies or len(set(proxies)) < len(proxies):
            raise ValueError(
                f"a search needs at least one proxy, and each once, not {list(proxies)}; "
                "for example proxies=('synflow',)"
            )
        self._signs = {name: proxy(name).orientation for name in proxies}

    @property
    def proxies(self) -> tuple[str, ...]:
        """The names of the proxies."""
        return tuple(self._signs)

    def values(self, scores: Sequence[Mapping[str, float]]) -> list[float]:
        """Return a number for each architecture, higher is better; of several proxies, the sum of ranks."""
        if len(self._signs) == 1:
            ((name, sign),) = self._signs.items()
            return [-math.inf if math.isnan(found[name]) else sign * found[name] for found in scores]
        table = pd.DataFrame(list(scores))[list(self._signs)] * pd.Series(self._signs)
        return [float(total) for total in table.rank(na_option="top").sum(axis=1)]

    def best(self, scores: Sequence[Mapping[str, float]]) -> int:
        """Return the position of the best architecture, the first one of several."""
        values = self.values(scores)
        return values.index(max(values))

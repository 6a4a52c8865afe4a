"""What comes of measuring: a number, or a reason why there is none, for each proxy."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Measurement(NamedTuple):
    """The outcome of one proxy on one network."""

    value: float
    """The score; NaN when the proxy is undefined for this network."""
    reason: str | None
    """Why the value is NaN, in words; of a number ``None``, or a note, which begins with ``"note: "``."""
    seconds: float
    """Time spent; a pass that several proxies share counts for the first one that asked for it."""


class Measurements(dict[str, Measurement]):
    """The measurement of each proxy by its name; a notebook shows it as its table."""

    peak_memory: float = nan
    """Bytes that all of it took at its peak, see :func:`zsnas.memory.peak`; NaN where that is not known."""

    @property
    def table(self) -> pd.DataFrame:
        """What was measured as a table, one row a proxy, with ``value``, ``seconds`` and ``reason``.

        Its ``attrs`` hold ``peak_memory``, in bytes.
        """
        import pandas as pd

        rows = [(found.value, found.seconds, found.reason or "") for found in self.values()]
        names = pd.Index(self, name="proxy", dtype=object)
        table = pd.DataFrame(rows, index=names, columns=["value", "seconds", "reason"])
        table.attrs["peak_memory"] = self.peak_memory
        return table

    def _repr_html_(self) -> str:
        html: str = self.table.to_html()
        return html

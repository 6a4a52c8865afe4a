"""What comes of measuring: a number, or a reason why there is none, for each proxy."""

from __future__ import annotations

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

    @property
    def table(self) -> pd.DataFrame:
        """What was measured as a table, one row a proxy, with ``value``, ``seconds`` and ``reason``."""
        import pandas as pd

        rows = [(found.value, found.seconds, found.reason or "") for found in self.values()]
        names = pd.Index(self, name="proxy", dtype=object)
        return pd.DataFrame(rows, index=names, columns=["value", "seconds", "reason"])

    def _repr_html_(self) -> str:
        html: str = self.table.to_html()
        return html

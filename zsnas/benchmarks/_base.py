"""What a benchmark is: a table of architectures with what was measured of them, and where it comes from."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Ground truth for the architectures of one search space on one data set.

    Attributes
    ----------
    name
        Such as ``nb201/cifar100``.
    table
        One row an architecture; at least the columns ``arch`` and the metric. It is the caller's own copy.
    metric, unit
        The column that is the truth, ``test_accuracy`` in %, and its unit, which is empty for a plain number.
        A higher value is better in every benchmark: losses are negated. Both are empty when nothing was
        trained and the table holds costs alone, as are `space` and `batch` when no space builds the networks.
    space
        The search space that builds the architectures: ``zsnas.space(bench.space)``.
    batch
        The images that fit the networks: ``zsnas.batch(bench.batch)``.
    licence, citation
        As stated by the place the table comes from.
    """

    name: str
    table: pd.DataFrame
    space: str
    batch: str
    licence: str
    citation: str
    metric: str = "test_accuracy"
    unit: str = "%"

    def check_trained(self) -> None:
        """Raise a ValueError when the table holds costs alone, so that there is nothing to score or judge."""
        if not (self.metric and self.space and self.batch):
            raise ValueError(
                f"benchmark {self.name!r} has latencies only: no space builds its networks and none was "
                "trained; choose another one of zsnas.list_benchmarks()"
            )

    def cite(self) -> str:
        """Return how to cite the benchmark, with its licence."""
        return f"{self.citation}. Licence: {self.licence}."

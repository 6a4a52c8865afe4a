"""What a benchmark is: a table of architectures with what was measured of them, and where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from zsnas._listed import card
from zsnas._names import as_known


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

    def __post_init__(self) -> None:
        if not isinstance(self.table, pd.DataFrame):
            raise ValueError(
                f"the table of a benchmark is of type {type(self.table).__name__}; it must be a DataFrame "
                "with a row an architecture"
            )
        for what in ("name", "space", "batch", "licence", "citation", "metric", "unit"):
            if not isinstance(text := getattr(self, what), str):
                raise ValueError(f"the {what} of a benchmark is {text!r}; it must be text")

    def _repr_html_(self) -> str:
        best = f"{self._numbers().max():.2f} {self.unit}" if self.metric in self.table else "–"
        about = (
            ("architectures", f"{len(self.table):,}"),
            ("columns", ", ".join(map(str, self.table.columns))),
            ("truth", f"{self.metric or '–'}, best {best}"),
            ("search space", self.space or "–"),
            ("images", self.batch or "–"),
        )
        return card(self.name, self.cite(), about)

    def _numbers(self) -> pd.Series[float]:
        return pd.to_numeric(self.table[self.metric], errors="coerce").astype(float)

    @property
    def truth(self) -> pd.Series[float]:
        """The metric of every architecture, by ``arch``; a ValueError when some architecture has none."""
        if not self.metric:
            self.check_trained()
        _check_columns(self)
        truth = self._numbers().set_axis(self.table["arch"])
        if truth.isna().any():
            raise ValueError(
                f"{self.name} has {truth.isna().sum()} architectures without {self.metric}; "
                "leave them out of the table first"
            )
        return truth

    def top(self, fraction: float) -> pd.Index[str]:
        """Return the architectures whose metric is among the top ``fraction`` of the table, best first.

        The cut is the metric of place ``ceil(fraction * N)``; everything tied with it is kept, so the result
        can be longer.

        Raises
        ------
        ValueError
            When the fraction is not in (0, 1].
        """
        given: object = fraction
        if not (isinstance(given, Real) and 0 < float(given) <= 1):
            raise ValueError(
                f"the fraction of top architectures is {fraction!r}; it must be above 0 and at most 1"
            )
        truth = self.truth.sort_values(ascending=False, kind="stable")
        if truth.empty:
            raise ValueError(
                f"the table of the benchmark {self.name!r} is empty; give it a row an architecture"
            )
        places = math.ceil(round(fraction * len(truth), 9))
        return truth.index[(truth >= truth.iloc[places - 1]).to_numpy()]

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


def check_benchmark(bench: Benchmark) -> None:
    """Raise a ValueError, in one sentence, when something is wrong with a benchmark that a user made."""
    if not isinstance(bench, Benchmark):
        raise ValueError(f"a benchmark is a zsnas.Benchmark, not {bench!r}")
    bench.check_trained()
    from zsnas.batches import list_batches  # which loads torch
    from zsnas.spaces import list_spaces, space

    as_known("search space", bench.space, list_spaces(), "zsnas.list_spaces()")
    as_known("batch", bench.batch, list_batches(), "zsnas.list_batches()")
    _check_table(bench, set(space(bench.space).architectures))


def _check_columns(bench: Benchmark) -> None:
    for column in ("arch", bench.metric):
        if column not in bench.table.columns:
            raise ValueError(
                f"the table of the benchmark {bench.name!r} has no column {column!r}; it has "
                f"{', '.join(map(repr, bench.table.columns))}"
            )


def _check_table(bench: Benchmark, architectures: set[str]) -> None:
    _check_columns(bench)
    names = bench.table["arch"]
    for wrong, why in (
        (names[~names.isin(architectures)], f"is no architecture of the search space {bench.space!r}"),
        (names[names.duplicated()], "has two rows; keep one"),
        (names[_is_no_number(bench.table[bench.metric])], f"has a {bench.metric} that is no finite number"),
    ):
        if len(wrong):
            raise ValueError(f"{wrong.iloc[0]!r} in the table of the benchmark {bench.name!r} {why}")


def _is_no_number(truth: pd.Series[float]) -> pd.Series[bool]:
    return pd.to_numeric(truth, errors="coerce").replace([np.inf, -np.inf], np.nan).isna()

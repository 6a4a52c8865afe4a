"""Picks: what each proxy takes below a budget of multiply-accumulates, among networks that are trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book import materials, tables
from zsnas.book.verdicts import ENOUGH, labels
from zsnas.proxies import label_of
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["COUNTS", "Picks", "below", "counted", "of_all_seeds", "printed"]

COUNTS = ["params", "flops"]
RANDOM = "A random network"
NAN = float("nan")


def printed() -> pd.DataFrame:
    """Return the survey's Table VI: a row for each proxy and one-shot search, a column for each quantity."""
    table = pd.read_csv(DATA / "published" / "li2024_table_vi.csv")
    return table.pivot(index="proxy", columns="quantity", values="value")


def counted(bench: Benchmark) -> pd.DataFrame:
    """Return ``arch``, ``params`` and ``flops`` of every network, as they are published or counted."""
    if "macs" in bench.table:
        return bench.table[["arch", "params", "macs"]].rename(columns={"macs": "flops"})
    return materials.counts(bench)


def of_all_seeds(scores: pd.DataFrame, proxies: Sequence[str]) -> pd.DataFrame:
    """Keep the networks that have scores with every seed, and a value of every proxy with one at least.

    A proxy that no network has a value of is none of these.
    """
    by_arch = scores.groupby("arch")
    present = scores[list(proxies)].dropna(axis="columns", how="all").columns
    seeds, measured = by_arch["seed"].nunique(), by_arch[list(present)].count().min(axis=1)
    kept = seeds.index[(seeds == scores["seed"].nunique()) & (measured > 0)]
    return scores[scores["arch"].isin(kept)]


def below(bench: Benchmark, macs: pd.Series[float], budget: float) -> Benchmark:
    """Return the benchmark of the networks within a budget.

    Parameters
    ----------
    bench : Benchmark
    macs : Series
        Multiply-accumulates by architecture.
    budget : float
        The most that is allowed.
    """
    kept = bench.table[bench.table["arch"].map(macs) <= budget]
    return replace(bench, table=kept.reset_index(drop=True))


@dataclass(frozen=True)
class Picks:
    """What proxies pick below budgets.

    Attributes
    ----------
    benches : mapping of Benchmark
        The networks within each budget, by the budget; the largest is the last.
    scores : DataFrame
        Of the candidates.
    sampled, whole : mapping of DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`, by budget: among the candidates, and of the counts among
        all.
    """

    benches: Mapping[float, Benchmark]
    scores: pd.DataFrame
    sampled: Mapping[float, pd.DataFrame]
    whole: Mapping[float, pd.DataFrame]

    @property
    def largest(self) -> float:
        """The largest budget."""
        return list(self.benches)[-1]

    @cached_property
    def of_sample(self) -> pd.DataFrame:
        """The mean over the seeds, by proxy and budget, of the picks among the candidates."""
        return _summary(self.sampled, self._metric)

    @cached_property
    def of_all(self) -> pd.DataFrame:
        """The same for the picks of the counts among all networks."""
        return _summary(self.whole, self._metric)

    @property
    def _metric(self) -> str:
        return self.benches[self.largest].metric

    @property
    def regrets(self) -> pd.Series[float]:
        """How far the picks below the largest budget are from its best, by proxy, the nearest first."""
        if self.largest not in self.sampled:
            return pd.Series(dtype=float)
        return self.of_sample["regret"].xs(self.largest, level="budget").sort_values(kind="stable")

    @property
    def order(self) -> list[str]:
        """The proxies, the nearest below the largest budget first."""
        return [*self.regrets.index]

    @property
    def candidates(self) -> int:
        """How many networks compete below the largest budget."""
        return len(set(self.scores["arch"]) & set(self.benches[self.largest].table["arch"]))

    def finding(self) -> str:
        """Say whose picks below the largest budget are nearest to its best, and whose furthest."""
        if self.candidates < ENOUGH:
            return (
                f"Only {self.candidates} scored networks compete here, too few to say which proxy picks well."
            )
        truth = self.benches[self.largest].table[self._metric]
        near, far = self.order[0], self.order[-1]
        return (
            f"Of {self.candidates:,} trained networks below {million(self.largest)} multiply-accumulates, "
            f"{label_of(near)} picks one that is {tables.number(self.regrets[near])} points below the best, "
            f"and {label_of(far)} one that is {tables.number(self.regrets[far])} below. A random one is "
            f"{tables.number(truth.max() - truth.mean())} below."
        )

    def panels(self) -> dict[str, pd.DataFrame]:
        """Return what :func:`zsnas.book.figures.regrets.panels` draws: a panel for each budget."""
        return {f"Below {million(budget)}": self._panel(budget) for budget in self.benches}

    def _panel(self, budget: float) -> pd.DataFrame:
        truth = self.benches[budget].table[self._metric]
        rows = pd.DataFrame(index=self.order, columns=["regret", "low", "high"], dtype=float)
        if budget in self.sampled:
            found = self.of_sample.xs(budget, level="budget").reindex(self.order)
            rows["regret"] = found["regret"]
            rows["low"], rows["high"] = found["optimum"] - found["high"], found["optimum"] - found["low"]
        rows = rows.rename(label_of)
        rows.loc[RANDOM] = [truth.max() - truth.mean(), NAN, NAN]
        return rows.assign(survey=NAN)

    def accuracies(self, quoted: pd.Series[float]) -> pd.DataFrame:
        """Write the accuracy of the picks, beside those that the survey prints for its own finds."""
        names = ["", "", *COUNTS, *self.order, ""]
        cells = {"survey, quoted": [tables.number(quoted.get(name, NAN)) for name in names]}
        rows = self._rows.values()
        cells |= {million(budget): [row[k][0] for row in rows] for k, budget in enumerate(self.benches)}
        return pd.DataFrame(cells, pd.Index(list(self._rows), name="Pick of"))

    def distances(self) -> pd.DataFrame:
        """Write how far below the best of the budget the picks are, and their rank."""
        cells = {
            heading: [row[k][part] for row in self._rows.values()]
            for k, budget in enumerate(self.benches)
            for part, heading in ((1, million(budget)), (2, f"{million(budget)}: rank"))
        }
        return pd.DataFrame(cells, pd.Index(list(self._rows), name="Pick of"))

    @cached_property
    def _rows(self) -> dict[str, list[tuple[str, str, str]]]:
        metric, scored = self._metric, set(self.scores["arch"])
        rows = {
            "Best of all": self._fixed(lambda kept: kept[metric].max()),
            "Best of the sample": self._fixed(lambda kept: kept.loc[kept["arch"].isin(scored), metric].max()),
        }
        for name in COUNTS:
            rows[f"{tables.linked_label(name)}, among all"] = self._picked(self.of_all, name, is_exact=True)
        for name in self.order:
            written = label_of(name) if name in COUNTS else tables.linked_label(name)
            rows[written] = self._picked(self.of_sample, name, is_exact=False)
        return rows | {f"{RANDOM} (mean)": self._fixed(lambda kept: kept[metric].mean())}

    def _picked(self, found: pd.DataFrame, name: str, *, is_exact: bool) -> list[tuple[str, str, str]]:
        return [
            _cells(rows.iloc[0], is_exact=is_exact) if len(rows) else ("–", "–", "–")
            for rows in (found[found.index == (name, budget)] for budget in self.benches)
        ]

    def _fixed(self, accuracy_of: Callable[[pd.DataFrame], float]) -> list[tuple[str, str, str]]:
        """Write the same for a pick that no proxy makes."""
        cells = []
        for bench in self.benches.values():
            truth, value = bench.table[self._metric], accuracy_of(bench.table)
            rank = "–" if math.isnan(value) else f"{1 + (truth > value).sum():,}"
            cells.append((tables.number(value), tables.number(truth.max() - value), rank))
        return cells

    @property
    def made_with(self) -> str:
        """Say for a caption how many candidates there are below each budget, and how they were scored."""
        if self.scores.empty:
            return "No network is scored here."
        sizes = ", ".join(f"{int(found['n'].max()):,}" for found in self.sampled.values())
        seeds = sorted(self.scores["seed"].unique())
        return (
            f"n = {sizes} scored networks below the budgets, a random sample; “among all”: all within; "
            f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}; batch size "
            f"{self.scores['batch_size'].iloc[0]}. {materials.made_with(self.scores)}"
        )

    def fewer_seeds(self) -> str:
        """Name the proxies that are scored with fewer seeds than others."""
        known = {name: self.scores.loc[self.scores[name].notna(), "seed"].nunique() for name in self.order}
        return labels(name for name, n in known.items() if n < max(known.values())) or "none"


def million(budget: float) -> str:
    """Write a budget of multiply-accumulates: ``600 M``."""
    return f"{budget / 1e6:.0f} M"


def _summary(found: Mapping[float, pd.DataFrame], metric: str) -> pd.DataFrame:
    rows = pd.concat(found, names=["budget"]).reset_index("budget").rename(columns={metric: "accuracy"})
    return (
        rows.dropna(subset="arch")
        .groupby(["proxy", "budget"])
        .agg(
            accuracy=("accuracy", "mean"),
            spread=("accuracy", "std"),
            low=("low", "mean"),
            high=("high", "mean"),
            optimum=("optimum", "first"),
            regret=("regret", "mean"),
            rank=("rank", "median"),
        )
    )


def _cells(row: pd.Series[float], *, is_exact: bool) -> tuple[str, str, str]:
    """Write accuracy, regret and rank of a pick."""
    spread = "" if math.isnan(row["spread"]) else f" ± {row['spread']:.2f}"
    ends = (NAN, NAN) if is_exact else (row["optimum"] - row["high"], row["optimum"] - row["low"])
    return (
        f"{tables.number(row['accuracy'])}{spread}",
        tables.interval(row["regret"], *ends),
        f"{row['rank']:,.0f}",
    )

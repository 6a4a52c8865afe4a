"""What proxies pick under every budget, and how much accuracy better picks would have kept (Figures 18, 19).

The naive proxies are counted for the whole space and choose among all of it. The others choose among a simple
random sample, or among all where all are scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, Markdown

from zsnas import pareto
from zsnas.book import comparison, materials, tables
from zsnas.book.figures import explorer
from zsnas.book.figures import pareto as drawings
from zsnas.book.studies.kinds import originals
from zsnas.book.tables.pareto import Budgets, losses, seeds, ties
from zsnas.book.verdicts import ENOUGH, Verdict
from zsnas.book.verdicts.pareto import Losses
from zsnas.leaderboard import FEWEST, candidates
from zsnas.proxies import label_of, proxy
from zsnas.scores import undefined
from zsnas.scores.sweep import visited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zsnas.benchmarks import Benchmark

__all__ = ["NINE", "RESAMPLES", "Picks", "thirds"]

NINE = (
    *("flops", "params", "grasp", "snip", "grad_norm"),
    *("fisher", "synflow", "jacob_cov", "zen_score"),
)
"""The proxies of the survey's Figures 18 and 19."""

RESAMPLES = {"full": 500, "quick": 50}
"""Of the bootstrap, by profile."""

SEEN = 3000
"""Scored architectures that a figure shows: as many as the eye can tell apart."""


def thirds(bench: Benchmark, cost: str) -> list[float]:
    """Return the two costs that cut the range of a cost into three, with two digits.

    Parameters
    ----------
    bench : Benchmark
    cost : str
        As for :func:`zsnas.pareto.costed`.
    """
    values = pareto.costed(bench, cost)[cost]
    least, most = values.min(), values.max()
    return [float(f"{least + part * (most - least):.2g}") for part in (1 / 3, 2 / 3)]


@dataclass(frozen=True)
class Picks:
    """Scores of the architectures of a benchmark, and what they pick under every budget of a cost.

    Attributes
    ----------
    bench : Benchmark
        Its table has the cost beside the accuracy.
    scored : Benchmark
        The same architectures; the scores are of this one.
    scores : DataFrame
        Of :func:`zsnas.book.materials.scores`.
    cost : str
        A column of the table of `bench`.
    limits : sequence of float
        Between the bands of budgets, see :func:`zsnas.pareto.bands`.
    proxies : tuple of str
        Those that the survey speaks of.
    limit : int, optional
        How many random architectures the candidates are, see :func:`zsnas.leaderboard.candidates`.
    resamples : int
        Of the bootstrap over candidates.
    cut : float
        See :func:`zsnas.book.figures.pareto.front_panels`.
    """

    bench: Benchmark
    scored: Benchmark
    scores: pd.DataFrame
    cost: str
    limits: Sequence[float]
    proxies: tuple[str, ...]
    limit: int | None = None
    resamples: int = RESAMPLES["full"]
    cut: float = 0.05

    def by(self, cost: str, limits: Sequence[float]) -> Picks:
        """Return the same for another cost."""
        return replace(self, cost=cost, limits=limits)

    @property
    def budgets(self) -> Budgets:
        """The bands and their unit."""
        return Budgets(self.limits, drawings.UNITS[self.cost.split("_")[-1]])

    @property
    def counted(self) -> list[str]:
        """The naive ones among the proxies."""
        return [name for name in self.proxies if proxy(name).kind == "naive"]

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The scores of the candidates.

        Where a proxy was not measured on all of them, only its first ones in the random order of a sweep are
        kept, up to the first that it was not measured on, so that they are a random sample too.
        """
        drawn = candidates(self.scored, self.scores, self.limit)
        order = visited(self.scored)
        return drawn.assign(**{name: _random_part(drawn, name, order) for name in _originals(drawn)})

    @property
    def is_whole(self) -> bool:
        """Whether all architectures are candidates."""
        return self.candidates == len(self.bench.table)

    @property
    def candidates(self) -> int:
        """How many candidates there are."""
        return int(self.sample["arch"].nunique())

    @cached_property
    def further(self) -> list[str]:
        """The other proxies that have scores, originals only."""
        names = [name for name in _originals(self.sample) if name not in self.proxies]
        return [name for name in names if self.sample[name].notna().any()]

    @property
    def _choosing(self) -> list[str]:
        """The proxies that have a score of some candidate."""
        return [name for name in (*self.proxies, *self.further) if self.sample[name].notna().any()]

    @cached_property
    def sampled(self) -> pd.DataFrame:
        """:func:`zsnas.pareto.summary` over the candidates, without intervals where these are everything."""
        without = self.counted if self.is_whole else []
        names = [name for name in self._choosing if name not in without]
        resamples = self.resamples if self.candidates >= FEWEST else 0
        if not self.is_whole:
            return self._summary(self.sample, names, resamples)
        found = self._summary(self.sample, names, 0)
        if self._of_a_sample:
            again = self._summary(self.sample, self._of_a_sample, resamples, start=found.attrs["start"])
            rest = found[~found["proxy"].isin(self._of_a_sample)]
            found = pd.concat([rest, again], ignore_index=True)
        return found

    @property
    def _of_a_sample(self) -> list[str]:
        """The proxies, other than the counts, that do not choose among all architectures."""
        known = self.sample[self.sample["seed"] == self.seed].count()
        size = self.candidates if self.is_whole else len(self.bench.table)
        return [name for name in self._choosing if name not in self.counted and known[name] < size]

    @cached_property
    def whole(self) -> pd.DataFrame:
        """:func:`zsnas.pareto.summary` of the counts, which choose among all architectures."""
        return self._summary(self._counts, self.counted, 0, start=self.sampled.attrs["start"])

    def _summary(self, scores: pd.DataFrame, names: list[str], resamples: int, **how: Any) -> pd.DataFrame:  # noqa: ANN401 - passed on
        return pareto.summary(self.bench, scores, self.cost, self.limits, names, resamples, **how)

    @cached_property
    def _counts(self) -> pd.DataFrame:
        return materials.counts(self.bench).assign(seed=self.seed)

    @property
    def seed(self) -> int:
        """The seed that is shown."""
        return int(self.scores["seed"].iloc[0])

    @cached_property
    def picked(self) -> dict[str, pd.DataFrame]:
        """:func:`zsnas.pareto.selections` of one seed by proxy, the counts among all architectures."""
        first = self.sample[self.sample["seed"] == self.seed]
        others = [name for name in self._choosing if name not in self.counted]
        chosen = [
            pareto.selections(self.bench, self._counts, self.cost, self.counted),
            pareto.selections(self.bench, first, self.cost, others),
        ]
        found = dict(iter(pd.concat(chosen).groupby("proxy")))
        return {name: found[name] for name in (*self.proxies, *self.further) if name in found}

    @property
    def _of_seed(self) -> pd.DataFrame:
        return self.sampled[self.sampled["seed"] == self.seed]

    @property
    def _shown(self) -> pd.Series[str]:
        arch = self.scores["arch"]
        return arch[arch.isin(visited(self.scored, SEEN))] if self.is_whole else arch

    def panels(self, names: Sequence[str]) -> HTML | Markdown:
        """Draw the Pareto front and the picks, a panel for each proxy."""
        if not names:
            return Markdown("This execution has scores of no other proxy.")
        chosen = {name: self.picked[name] for name in names if name in self.picked}
        figure = drawings.front_panels(self.bench, self.cost, self._shown, chosen, cut=self.cut)
        return comparison.drawn(figure, drawings.front_panels_alt(self.bench, self.cost, chosen))

    def caption(self, names: Sequence[str]) -> str:
        """Say what :meth:`panels` shows, and out of how many candidates each of the proxies picks."""
        table = pareto.costed(self.bench, self.cost)
        size = len(pareto.front(table[self.cost], table[self.bench.metric]))
        own = [name for name in names if name not in self.counted]
        n = self._of_seed.loc[self._of_seed["proxy"].isin(own), "n"]
        sizes = " to ".join(f"{count:,}" for count in sorted({n.min(), n.max()})) if len(n) else "no"
        among = " (#FLOPs and #Params: all)" if set(self.counted).intersection(names) else ""
        return (
            f"{materials.label(self.bench)}; front of {size} of {len(table):,} architectures; {sizes} "
            f"candidates with a score{among}; grey: {self._shown.nunique():,} scored architectures; seed "
            f"{self.seed}; batch size {self.scores['batch_size'].iloc[0]}. {materials.made_with(self.scores)}"
        )

    def explorer(self) -> HTML:
        """Return the networks and what each proxy picks among the candidates, with a budget to move."""
        shown = set(self._shown)
        drawn = explorer.data(
            self.bench,
            self.scores[self.scores["arch"].isin(shown)],
            [arch for arch in self.sample["arch"] if arch in shown],
            materials.label(self.scored),
            [self.cost],
        )
        without = "<p>The page of the book, which runs scripts, has an explorer here.</p>"
        return HTML(explorer.explorer([drawn], without))

    def losses(self, name: str) -> Markdown:
        """Write hypervolume ratio and accuracy lost as a table, to be referred to by `name`."""
        interval = f" [95 % bootstrap interval over candidates, {self.resamples} resamples]"
        if self._of_seed["low"].isna().all():
            interval = ""
        return self._table(
            losses(self._of_seed, self.whole, self.budgets),
            "Hypervolume ratio, and accuracy lost (points) by band of budgets: "
            f"{drawings.cost_label(self.cost)}.",
            f"Value{interval}; seed {self.seed}. Missing: the score is undefined.",
            name,
        )

    def ties(self, name: str) -> Markdown:
        """Write how much ties matter as a table, to be referred to by `name`."""
        rows = pd.concat([self._of_seed[~self._of_seed["proxy"].isin(self.counted)], self.whole])
        return self._table(
            ties(
                {name: rows[rows["proxy"] == name] for name in rows["proxy"].unique()},
                self.picked,
                self.budgets,
            ),
            "How much ties matter: the networks picked, the most candidates that share the best score under "
            "one budget, and the accuracy lost (points).",
            "In brackets: if the most accurate, if the least accurate of those that share a score were taken "
            "under every budget.",
            name,
        )

    def seeds(self, name: str) -> Markdown:
        """Write how far the numbers move with the seed, to be referred to by `name`."""
        several = materials.repeated(self.scored, self.scores)
        count = several["seed"].nunique()
        names = [
            name
            for name in (*self.proxies, *self.further)
            if name in several and several.loc[several[name].notna(), "seed"].nunique() == count
        ]
        if count < 2:
            return Markdown("The scores have one seed only, so that this execution cannot tell.")
        found = self._summary(several, names, 0)
        return self._table(
            seeds(found, self.budgets),
            f"Hypervolume ratio and accuracy lost (points): mean ± standard deviation over {count} seeds.",
            f"Proxies that were scored with each seed; {several['arch'].nunique():,} candidates, which are "
            "not those above: do not compare the means. Bands start at "
            f"{found.attrs['start']:.1f} {self.budgets.unit}.",
            name,
        )

    def _table(self, cells: pd.DataFrame, words: str, legend: str, name: str) -> Markdown:
        made = f"{legend} {materials.label(self.bench)}, batch size {self.scores['batch_size'].iloc[0]}."
        return Markdown(tables.numbered(cells, words, name, legend=made))

    @cached_property
    def beyond(self) -> pd.DataFrame:
        """Accuracy lost beyond what the candidates allow, by proxy and band."""
        of_sample = pareto.avoidable(self.sampled).drop(index=self.counted, errors="ignore")
        return pd.concat([pareto.avoidable(self.whole), of_sample]).reindex(list(self.proxies))

    @cached_property
    def resampled(self) -> pd.DataFrame:
        """The same for other samples of candidates, of the proxies that choose among a sample."""
        names = [name for name in self._of_a_sample if name in self.proxies]
        resamples = self.resamples if self.candidates >= FEWEST else 0
        start = self.sampled.attrs["start"]
        return pareto.avoidable_of_resamples(
            self.bench, self.sample, self.cost, self.limits, names, resamples, start=start
        )

    def finding(self) -> str:
        """Say which proxy loses least and which most, under tight and under relaxed budgets."""
        if self.candidates < ENOUGH:
            return f"With {self.candidates} candidates to pick from, nothing can be said of the proxies here."
        bands = self.budgets.bands
        return " ".join(self._extremes(band) for band in (bands[0], bands[-1]))

    def _extremes(self, band: str) -> str:
        lost = self.beyond[band].dropna().sort_values(kind="stable")
        if lost.empty:
            return f"Under budgets {self.budgets.heading(band)} no proxy has a candidate."
        (least, nearest), (most, farthest) = lost.iloc[[0, -1]].items()
        return (
            f"Under budgets {self.budgets.heading(band)} the picks of {label_of(str(least))} are nearest to "
            f"the best that its candidates allow, {tables.number(nearest, 1)} points of accuracy below, and "
            f"those of {label_of(str(most))} farthest, {tables.number(farthest, 1)} points."
        )

    def judge(
        self, test: Callable[..., Verdict], statement: str, place: str, *given: object, reason: str = ""
    ) -> Verdict:
        """Judge a statement of the survey by one of the tests of :mod:`zsnas.book.verdicts.pareto`.

        Parameters
        ----------
        test : function
        statement, place : str
            Of the survey.
        *given
            What the test takes after the losses.
        reason : str
            Why the statement is not about what is computed here; empty when it is.
        """
        losses = Losses(self.beyond, self.resampled, self.candidates)
        verdict = test(statement, place, losses, *given)
        if materials.EMBEDDED in (self.bench.name, self.scored.name):
            reason = "The survey has no such figure for the embedded benchmark."
        return verdict.without_judgement(reason) if reason else verdict


def _originals(scores: pd.DataFrame) -> list[str]:
    known = set(originals())
    return [name for name in scores.columns if name in known]


def _random_part(scores: pd.DataFrame, name: str, order: Sequence[str]) -> pd.Series[float]:
    measured = set(scores.loc[scores[name].notna(), "arch"])
    if "reasons" in scores:
        is_undefined = scores["reasons"].map(lambda reasons: name in undefined(reasons))
        measured |= set(scores.loc[is_undefined, "arch"])
    first = list(takewhile(measured.__contains__, order))
    return scores[name].where(scores["arch"].isin(first))

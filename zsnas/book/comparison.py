"""A comparison of proxies over benchmarks: what most pages of the book compute, show and judge.

``study = book.compare("nb201/cifar100", proxies=…, profile=profile, seeds=seeds, …)`` has the scores and does
the rest when it is asked: correlations with intervals, differences, figure, caption, table, seeds, verdicts.
Each pool of networks has a label, such as CIFAR-100, under which a page finds everything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd
from IPython.display import HTML, Markdown

from zsnas import figures, statistics
from zsnas.book import materials, tables
from zsnas.book.verdicts import ENOUGH, Verdict
from zsnas.leaderboard import FEWEST
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zsnas.benchmarks import Benchmark

RESAMPLES = {"full": 1000, "quick": 100}
"""Of the bootstrap, by profile."""

TEN = (
    *("params", "flops", "grad_norm", "snip", "grasp"),
    *("synflow", "fisher", "jacob_cov", "zen_score", "logdet"),
)
"""The proxies that most pages compare."""

TRUTHS = {
    "test_accuracy": "test accuracy",
    "validation_accuracy": "top-1 accuracy",
    "validation_pixel_accuracy": "pixel accuracy",
    "validation_ssim": "SSIM",
    "miou": "mIoU",
    "glue": "GLUE score",
    "analog_accuracy": "accuracy on analog hardware",
    "kept_analog": "analog minus digital accuracy",
}
"""What a metric is called on the axis of a figure."""


class Pool(NamedTuple):
    """Networks that are compared with each other: their truth and their scores."""

    bench: Benchmark
    scores: pd.DataFrame


def compare(  # noqa: PLR0913 - the parameters of a page, keyword-only
    *benchmarks: str,
    proxies: Sequence[str],
    seeds: Sequence[int] = (0,),
    batch_size: int = 64,
    limit: int | None = None,
    recompute: bool = False,
    profile: str = "full",
    top: float = 0.05,
    sampled_top: float = statistics.SAMPLED_TOP,
    live: Sequence[str] | None = None,
    resamples: int | None = None,
) -> Comparison:
    """Compare proxies over benchmarks, with the published scores where they cover the parameters of the page.

    Benchmarks that this machine cannot have are left out; without any, the embedded one stands in. Those
    without published scores are left out too, unless all are to be computed.

    Parameters
    ----------
    *benchmarks : str
        For example ``"nb201/cifar100"``.
    proxies : sequence of str
    seeds, batch_size, limit, recompute, profile
        The parameters of the page, see :func:`zsnas.book.materials.scores`.
    top : float
        The fraction of architectures, best first, that correlations are computed over beside all.
    sampled_top : float
        See :func:`zsnas.correlations`; 1.0 when the scores are of all networks or of a random sample.
    live : sequence of str, optional
        Architectures to score when there are no published scores, where random ones would take too long.
    resamples : int, optional
        Of the bootstrap; by default :data:`RESAMPLES`, which are many for tens of thousands of architectures.
    """
    here, absent = materials.with_scores(materials.benchmarks(*benchmarks), recompute=recompute)
    pools = {}
    for bench in here:
        how: dict[str, Any] = {
            "proxies": proxies,
            "seeds": seeds,
            "batch_size": batch_size,
            "limit": limit,
            "recompute": recompute,
        }
        if live is None:
            table = materials.scores(bench, profile=profile, **how)
        else:
            table = materials.scores_of_some(bench, live, **how)
        pools[materials.label(bench)] = Pool(bench, table)
    return Comparison(pools, tuple(proxies), top, sampled_top, resamples or RESAMPLES[profile], absent)


@dataclass(frozen=True)
class Comparison:
    """Scores of some pools of networks, and everything that a page says of them.

    Attributes
    ----------
    pools : dict of Pool
        By label.
    proxies : tuple of str
    top, sampled_top : float
        See :func:`compare`.
    resamples : int
        Of the bootstrap.
    absent : str
        Which benchmarks were left out, as a Markdown list.
    """

    pools: dict[str, Pool]
    proxies: tuple[str, ...]
    top: float
    sampled_top: float
    resamples: int
    absent: str = ""

    @property
    def labels(self) -> list[str]:
        """The pools that have enough networks, in order."""
        return [label for label, pool in self.pools.items() if pool.scores["arch"].nunique() >= FEWEST]

    @property
    def stands_in(self) -> bool:
        """Whether the embedded benchmark stands in for what this machine lacks."""
        return any(pool.bench.name == materials.EMBEDDED for pool in self.pools.values())

    @cached_property
    def correlations(self) -> dict[str, pd.DataFrame]:
        """:func:`zsnas.correlations` of each pool, without those over too few networks."""
        return {label: self._correlated(label) for label in self.labels}

    def _correlated(self, label: str) -> pd.DataFrame:
        table = statistics.correlations(*self.pools[label], **self._how, sampled_top=self.sampled_top)
        table.loc[table["n"] < FEWEST, ["value", "low", "high"]] = float("nan")
        return table

    def differences(self, reference: str = "params") -> dict[str, pd.DataFrame]:
        """:func:`zsnas.statistics.differences` of each pool."""
        if reference not in self._differences:
            self._differences[reference] = {
                label: statistics.differences(
                    *self.pools[label], reference=reference, **self._how, sampled_top=self.sampled_top
                )
                for label in self.labels
            }
        return self._differences[reference]

    @cached_property
    def _differences(self) -> dict[str, dict[str, pd.DataFrame]]:
        return {}

    @property
    def _how(self) -> dict[str, Any]:
        return {"top": self.top, "proxies": list(self.proxies), "resamples": self.resamples}

    def of(self, proxies: Sequence[str]) -> Comparison:
        """Return the comparison of some of the proxies."""
        return replace(self, proxies=tuple(proxies))

    def split(self, label: str, parts: Mapping[str, pd.Series[bool]]) -> Comparison:
        """Return the comparison within parts of a pool, each given as a mask of its scores."""
        bench, scores = self.pools[label]
        pools = {
            f"{name} ({scores.loc[rows, 'arch'].nunique()})": Pool(bench, scores[rows])
            for name, rows in parts.items()
        }
        return replace(self, pools=pools)

    def among(self, parts: Mapping[str, Benchmark]) -> Comparison:
        """Return the comparison over networks of the first pool, each part with a truth of its own.

        Parameters
        ----------
        parts : mapping of Benchmark
            By the label of the new pool; architectures without a score are left out of it.
        """
        _, scores = next(iter(self.pools.values()))
        pools = {}
        for label, part in parts.items():
            here = replace(part, table=part.table[part.table["arch"].isin(scores["arch"])])
            pools[label] = Pool(here, scores[scores["arch"].isin(here.table["arch"])])
        return replace(self, pools=pools)

    def on(self, *labels: str) -> Comparison:
        """Return the comparison over some of the pools."""
        return replace(self, pools={label: self.pools[label] for label in labels})

    def enough(self, label: str) -> list[str]:
        """Return the proxies that have a value for enough networks to be compared with the others."""
        counts = self.kendall(label)["n"]
        enough = set(counts.index[counts >= min(ENOUGH, counts.max())])
        return [name for name in self.proxies if name in enough]

    def taus(self, label: str) -> pd.Series[str]:
        """Write Kendall's τ over all with its interval, by proxy, in the order of the proxies."""
        rows = self.kendall(label).reindex(list(self.proxies))
        return pd.Series(tables.intervals(rows), rows.index)

    def kendall(self, label: str, subset: str = "all") -> pd.DataFrame:
        """Return the rows of Kendall's τ over all, or over the top, by proxy, highest first.

        There are none for a pool that has too few networks.
        """
        if label not in self.labels:
            return pd.DataFrame(columns=["value", "low", "high", "n"], dtype=float)
        return _kendall(self.correlations[label], subset)

    @property
    def share(self) -> str:
        """What the top is called."""
        return f"top {100 * self.top:g}\N{NO-BREAK SPACE}%"

    def sample(self) -> Markdown:
        """Say which scores there are, and how much of the top they have."""
        lines = [f"{materials.describe(*pool)} {self._of_the_top(pool)}" for pool in self.pools.values()]
        return Markdown("\n".join([*lines, self.absent]))

    def _of_the_top(self, pool: Pool) -> str:
        best = set(statistics.top_architectures(pool.bench, self.top))
        scored = len(best.intersection(pool.scores["arch"]))
        if scored == len(best):
            return f"The complete {self.share} is among them: {len(best):,} architectures."
        count = f"{scored:,}" if scored else "none"
        return f"Of the {len(best):,} architectures of the {self.share}, {count} are."

    def dumbbells(self, label: str, ceiling: Mapping[str, float] | None = None) -> HTML | Markdown:
        """Draw the correlations of a pool, and how high noise lets them be where that is known."""
        if label not in self.labels:
            return self._too_few(label)
        table = self.correlations[label]
        how: dict[str, Any] = {"top": self.top, "truth": self.truth(label)}
        alt = figures.correlation_dumbbells_alt(table, **how)
        if ceiling is not None:
            alt += f" Noise ceilings: {ceiling['all']:.2f} over all, {ceiling['top']:.2f} over the top."
        return drawn(figures.correlation_dumbbells(table, **how, ceiling=ceiling), alt)

    def truth(self, label: str) -> str:
        """Return what the proxies are correlated with."""
        metric = self.pools[label].bench.metric
        return TRUTHS.get(metric, metric.replace("_", " "))

    def caption(self, label: str) -> str:
        """Say what the figure of a pool was computed from."""
        if label not in self.labels:
            return ""
        size = int(self.pools[label].scores["batch_size"].iloc[0])
        found = figures.caption(
            self.correlations[label], batch_size=size, resamples=self.resamples, top=self.top
        )
        return f"{found} {materials.made_with(self.pools[label].scores)}"

    def numbers(self, label: str, name: str) -> Markdown:
        """Write the correlations of a pool as a table, to be referred to by `name`."""
        if label not in self.labels:
            return self._too_few(label)
        words = (
            f"Rank correlation with {self.truth(label)}, {label} [95 % interval]. KT: Kendall's τ, "
            "{eq}`eq-kendall`; SPR: Spearman's ρ, {eq}`eq-spearman`."
        )
        return Markdown(tables.correlation_table(self.correlations[label], words, name, top=self.top))

    def side_by_side(self, words: str, name: str) -> Markdown:
        """Write Kendall's τ over all of every pool, a column each, as a table with this caption and name."""
        cells = pd.DataFrame({label: self.taus(label) for label in self.pools})
        return table(cells.rename(tables.linked_label).rename_axis("Proxy"), words, name)

    def leads(self, label: str, references: Sequence[str], name: str, statistic: str = "SPR") -> str:
        """Write how far each proxy is ahead of each reference, over the networks that both have a score of.

        Parameters
        ----------
        label : str
            A pool with enough networks.
        references : sequence of str
        name : str
            Of the table, to be referred to by.
        statistic : str
            "KT" or "SPR".
        """
        columns = {}
        for reference in references:
            table = self.differences(reference)[label]
            rows = table[(table["statistic"] == statistic) & (table["contrast"] == "reference")]
            rows = rows.set_index("proxy").reindex([name for name in self.proxies if name not in references])
            columns[f"minus {label_of(reference)}"] = pd.Series(tables.intervals(rows), rows.index)
        words = {"KT": "Kendall's τ", "SPR": "Spearman's ρ"}[statistic]
        caption = (
            f"{words} with {self.truth(label)} beside that of a count, {label}: difference [95 % interval]."
        )
        cells = pd.DataFrame(columns).rename(tables.linked_label).rename_axis("Proxy")
        return tables.numbered(cells, caption, name)

    def seeds(self, label: str, name: str) -> Markdown:
        """Set how far the correlations move with the seed beside how far with the architectures."""
        if label not in self.labels:
            return self._too_few(label)
        return Markdown(
            materials.across_seeds(
                *self.pools[label], self.correlations[label], label, name, sampled_top=self.sampled_top
            )
        )

    def seed_answer(self, label: str) -> str:
        """Say whether the seed or the choice of architectures moves the correlations further."""
        if label not in self.labels:
            return "Too few networks are scored to say."
        bench, scores = self.pools[label]
        again = materials.repeated(bench, scores)
        if again["seed"].nunique() < 2:
            return "The scores have one seed only, so that this execution cannot tell."
        how = {**self._how, "resamples": 0, "sampled_top": self.sampled_top}
        spread = _kendall(statistics.correlations(bench, again, **how), "all")["seed_sd"]
        spread = spread[spread > 0]
        if spread.empty:
            return "No proxy of this page moves with the seed."
        here = self.kendall(label)
        less = 2 * spread < ((here["high"] - here["low"]) / 2).reindex(spread.index)
        return (
            f"{again['arch'].nunique():,} architectures have {again['seed'].nunique()} seeds. The seed moves "
            f"{label_of(spread.idxmax())} most, by {tables.number(spread.max(), 3)}. For {less.sum()} of the "
            f"{len(less)} proxies that look at a seed it matters less than the choice of architectures."
        )

    def finding(self, label: str) -> str:
        """Say which proxy ranks best, over all and at the top, and what becomes of the others there."""
        over_all, top = (_settled(self.kendall(label, subset)) for subset in ("all", "top"))
        if over_all.empty:
            return f"On {label} too few networks are scored to say which ranks best."
        found = f"On {label} {_first(over_all, 'over all')}"
        if top.empty:
            return f"{found}; too few networks are behind the {self.share} to say what happens there."
        lower = (top["value"] < over_all["value"].reindex(top.index)).sum()
        return (
            f"{found}, and {_first(top, f'over the {self.share}')}. "
            f"For {lower} of {len(top)} proxies Kendall's τ is lower over the {self.share} than over all."
        )

    def most_changed(self, label: str) -> str:
        """Return the proxy that loses most of Kendall's τ from all to the top, or the first one."""
        loss = self.kendall(label)["value"] - self.kendall(label, "top")["value"]
        return str(loss.idxmax()) if loss.notna().any() else self.proxies[0]

    def spans(self, label: str) -> dict[str, object]:
        """Return how far the truth spans, over all and over the top, and how many values it has there."""
        bench, _ = self.pools[label]
        truth = bench.table.set_index("arch")[bench.metric]
        top = truth[statistics.top_architectures(bench, self.top)]
        return {
            "range": f"{truth.max() - truth.min():.0f}",
            "top_range": f"{top.max() - top.min():.1f}",
            "top_levels": top.nunique(),
        }

    def beside(self, proxy: str, reference: str) -> Markdown:
        """Compare a proxy that few networks have a score of with a reference, over these networks."""
        lines = []
        for label, (bench, scores) in self.pools.items():
            known = scores[scores[proxy].notna()] if proxy in scores else scores[:0]
            if known["arch"].nunique() < FEWEST:
                lines.append(f"- {label}: {label_of(proxy)} is not scored here.")
                continue
            pair = statistics.paired(
                bench, known, proxy, reference, top=self.top, resamples=self.resamples
            ).set_index("subset")
            lines += [
                f"- {label}, {words}: {_beside(row, proxy, reference)}" for words, row in pair.iterrows()
            ]
        return Markdown("\n".join(lines))

    def scatter(self, label: str, proxy: str) -> HTML:
        """Draw the truth of a pool against the percentile by a proxy, one seed."""
        bench, scores = self._of_one_seed(label)
        return drawn(
            figures.score_scatter(bench, scores, proxy, top=self.top),
            figures.score_scatter_alt(bench, scores, proxy, top=self.top),
        )

    def panels(
        self, label: str, groups: Mapping[str, str], joined: Mapping[str, object] | None = None
    ) -> HTML | Markdown:
        """Draw the truth of a pool against the score of each proxy, one seed.

        Parameters
        ----------
        label : str
        groups, joined
            See :func:`zsnas.book.figures.families.score_panels`.
        """
        from zsnas.book.figures import families

        if label not in self.labels:
            return self._too_few(label)
        shown = *self._of_one_seed(label), self.proxies
        return drawn(families.score_panels(*shown, groups, joined), families.score_panels_alt(*shown))

    def scatter_caption(self, label: str, proxy: str = "params") -> str:
        """Say what :meth:`scatter` or :meth:`panels` shows."""
        _, scores = self._of_one_seed(label)
        return (
            f"n = {scores[proxy].notna().sum():,} architectures; seed {scores['seed'].iloc[0]}; batch size "
            f"{scores['batch_size'].iloc[0]}. {materials.made_with(self.pools[label].scores)}"
        )

    def _of_one_seed(self, label: str) -> Pool:
        bench, scores = self.pools[label]
        return Pool(bench, scores[scores["seed"] == scores["seed"].min()])

    def ceiling(self, label: str) -> str:
        """Say how far Jacob_cov stays below its ceiling, which is minus the number of images."""
        _, scores = self._of_one_seed(label)
        known = scores.dropna(subset="jacob_cov") if "jacob_cov" in scores else scores[:0]
        if known.empty:
            return "Jacob_cov is not scored in this execution."
        below = -1000 * (known["batch_size"] + known["jacob_cov"])
        if len(below) < FEWEST:
            return f"Jacob_cov is scored for {len(below)} networks here, too few to say how close they are."
        return (
            f"The {len(below):,} scores here lie {tables.number(below.min(), 1)} to "
            f"{tables.number(below.max(), 1)} thousandths below it, half of them less than "
            f"{tables.number(below.median(), 1)}."
        )

    def judge(
        self, test: Callable[..., Verdict], statement: str, place: str, *given: object, **settings: object
    ) -> Verdict:
        """Judge a statement of the survey by one of the tests of :mod:`zsnas.book.verdicts`.

        Parameters
        ----------
        test : function
            Such as :func:`zsnas.book.verdicts.works_best`, which gets what it asks for by name: ``tables``,
            the correlations, ``contrasts``, the differences from its ``reference``, and ``by_reference``,
            those from each of its ``references``.
        statement, place : str
            Of the survey.
        *given, **settings
            What else the test takes.
        """
        if not self.labels:
            return Verdict(statement, place, "cannot be compared", "Too few networks are scored.")
        asked = test.__annotations__
        reference = str(settings.get("reference", "params"))
        known: list[Any] = [self.correlations] if "tables" in asked else []
        known += [self.differences(reference)] if "contrasts" in asked else []
        if "by_reference" in asked:
            references: Any = settings["references"]
            known.append({name: self.differences(name) for name in references})
        verdict = test(statement, place, *known, *given, **settings)
        if self.stands_in:
            return verdict.without_judgement("The survey has no such figure for the embedded benchmark.")
        return verdict

    def _too_few(self, label: str) -> Markdown:
        count = self.pools[label].scores["arch"].nunique() if label in self.pools else 0
        return Markdown(f"Too few networks of {label} are scored here to correlate: {count}.")


def _kendall(table: pd.DataFrame, subset: str) -> pd.DataFrame:
    rows = table[(table["statistic"] == "KT") & (table["subset"] == subset)]
    return rows.set_index("proxy").sort_values("value", ascending=False, kind="stable")


def _settled(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the correlations over enough networks to decide anything."""
    return rows[rows["value"].notna() & (rows["n"] >= ENOUGH)]


def _first(rows: pd.DataFrame, where: str) -> str:
    """Name the proxy with the highest correlation, of those whose interval is above 0 as a whole."""
    positive = rows[rows["low"] > 0]
    if positive.empty:
        return f"no proxy has a Kendall's τ {where} that is above 0 with its whole interval"
    proxy, row = positive.index[0], positive.iloc[0]
    value = tables.interval(row["value"], row["low"], row["high"])
    return f"{label_of(proxy)} has the highest Kendall's τ {where}, {value}"


def _beside(row: pd.Series[float], proxy: str, reference: str) -> str:
    mine, other, difference = (
        tables.interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
        for name in ("kt", "reference_kt", "difference")
    )
    return (
        f"Kendall's τ of {label_of(proxy)} {mine}, of {label_of(reference)} {other}, "
        f"difference {difference}, n = {row['n']:,}."
    )


def drawn(figure: Any, alt: str) -> HTML:  # noqa: ANN401 - matplotlib's figure
    """Return a figure as the SVG that a page shows."""
    return HTML(figures.svg(figure, alt))


def table(
    rows: pd.DataFrame,
    caption: str,
    name: str,
    align: Literal["left", "right"] = "right",
    *,
    legend: str = "",
) -> Markdown:
    """Return a table as a page shows it.

    Parameters
    ----------
    rows, caption, name, align, legend
        As for :func:`zsnas.book.tables.numbered`.
    """
    return Markdown(tables.numbered(rows, caption, name, align, legend=legend))


def short(*verdicts: Verdict) -> Markdown:
    """Write each verdict in a line: outcome, how many comparisons hold, what the survey says, and where."""
    return Markdown("\n".join(map(_line, verdicts)))


def _line(verdict: Verdict) -> str:
    count = f" ({verdict.count})" if verdict.count else ""
    outcome = verdict.outcome[:1].upper() + verdict.outcome[1:]
    return f"- **{outcome}**{count}: {verdict.statement} ({verdict.place})"


def judged(*verdicts: Verdict) -> Markdown:
    """Write verdicts below each other."""
    return Markdown("\n".join(verdict.markdown() for verdict in verdicts))


def say(**values: object) -> None:
    """Give values to the prose of a page, which refers to them as ``{glue:text}`name```.

    A number or a text stands in a sentence. A figure or a table takes the place of a paragraph, where the
    page asks for it: ``:::{glue:figure} name`` and ``:::{glue:md} name``.
    """
    from myst_nb import glue

    for name, value in values.items():
        glue(name.replace("_", "-"), value, display=False)

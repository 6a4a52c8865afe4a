"""First places: the network that each proxy would take home, beside the survey's Tables IV and V.

A row of these tables is a benchmark. Some of its numbers can be computed again: the truth, and the counts,
which are known for whole spaces. Of the others one can ask who is behind them, see
:mod:`zsnas.book.studies.behind`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from zsnas import statistics
from zsnas.book import materials, tables
from zsnas.book.studies import behind, samples
from zsnas.book.verdicts import ENOUGH, labels
from zsnas.leaderboard import candidates
from zsnas.proxies import label_of
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zsnas.benchmarks import Benchmark

__all__ = ["COUNTS", "Row", "behind_table", "caption", "printed"]

COUNTS = ["params", "flops"]
EXACT = ["ground_truth", *COUNTS]
"""What the survey and this project compute alike, to be compared digit by digit."""


def printed() -> pd.DataFrame:
    """Return the survey's Tables IV and V: ``benchmark``, ``proxy``, of which one is the truth, ``value``."""
    of_accuracy, of_tasks = (
        pd.read_csv(DATA / "published" / f"li2024_table_{number}.csv") for number in ("iv", "v")
    )
    both = pd.concat([of_accuracy.rename(columns={"test_accuracy": "value"}), of_tasks])
    return both[["benchmark", "proxy", "value"]]


@dataclass(frozen=True)
class Row:
    """A row of the survey's table, and what stands in first place here.

    Attributes
    ----------
    bench : Benchmark
    scores : DataFrame
        All that are known, with one seed and one batch size.
    candidates : DataFrame
        Those of them among which the first place is looked for.
    of_all, of_candidates : DataFrame
        Of :func:`zsnas.statistics.best_by_proxy`: :data:`COUNTS` in the whole space, and every proxy among
        the candidates.
    few : int
        As for :func:`zsnas.book.studies.behind.behind`.
    """

    bench: Benchmark
    scores: pd.DataFrame
    candidates: pd.DataFrame
    of_all: pd.DataFrame
    of_candidates: pd.DataFrame
    few: int

    @cached_property
    def printed(self) -> pd.Series[float]:
        """What the survey prints, by proxy."""
        table = printed()
        return table[table["benchmark"] == self.bench.name].set_index("proxy")["value"]

    @property
    def is_complete(self) -> bool:
        """Whether the candidates are the whole space."""
        return samples.is_whole(self.bench, self.candidates)

    @property
    def decimals(self) -> int:
        """How many digits tell networks apart."""
        return 2 if self.bench.unit else 3

    @property
    def unit(self) -> str:
        """What a distance is measured in."""
        return "points" if self.bench.unit else "SSIM"

    @cached_property
    def whole(self) -> pd.DataFrame:
        """The first places of the whole space, with the metric as ``reached``."""
        others = self.of_candidates[~self.of_candidates["proxy"].isin(COUNTS)]
        known = pd.concat([self.of_all, others], ignore_index=True) if self.is_complete else self.of_all
        return known.rename(columns={self.bench.metric: "reached"})

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The first places among candidates that are a sample; none when they are the whole space."""
        return self.among_candidates[:0] if self.is_complete else self.among_candidates

    @property
    def among_candidates(self) -> pd.DataFrame:
        """The first places among the candidates, whatever they are, with the metric as ``reached``."""
        return self.of_candidates.rename(columns={self.bench.metric: "reached"})

    @property
    def known(self) -> pd.DataFrame:
        """The best that is known of each proxy: of the whole space, or else of the sample."""
        both = pd.concat([self.whole, self.among_candidates], ignore_index=True)
        return both.dropna(subset="arch").drop_duplicates("proxy", ignore_index=True)

    @cached_property
    def behind(self) -> dict[str, dict[str, object]]:
        """By proxy, who is behind each number that is not :data:`EXACT`, as cells of a table."""
        seed, size = (int(self.scores[name].iloc[0]) for name in ("seed", "batch_size"))
        scored = set(self.of_candidates["proxy"])
        return {
            str(name): behind.behind(
                self.bench, self.scores, str(name), value, few=self.few, seed=seed, batch_size=size
            )
            for name, value in self.others.items()
            if name in scored
        }

    @property
    def others(self) -> pd.Series[float]:
        """What the survey prints for proxies that are not counts."""
        return self.printed.drop(EXACT, errors="ignore")

    def verdict(self, proxy: str) -> str:
        """Judge a cell of the survey's table: an exact one by its digits, another by who is behind it."""
        if proxy not in self.printed:
            return "–"
        if proxy not in EXACT:
            return str(self.behind.get(proxy, {}).get("verdict", "cannot be compared"))
        reached = self.whole.set_index("proxy")["reached"].get(proxy, self._optimum)
        return "agrees" if f"{reached:.2f}" == f"{self.printed[proxy]:.2f}" else "differs"

    @property
    def _optimum(self) -> float:
        return float(self.bench.table[self.bench.metric].max())

    def table(self, label: str, name: str) -> str:
        """Write the row of the survey's table as a table of its own, with a verdict on every cell."""
        metric = self.bench.metric.replace("_", " ").replace("ssim", "SSIM")
        unit = f" ({self.bench.unit})" if self.bench.unit else ""
        exact = (
            "All are exact."
            if self.is_complete
            else "Ground truth and whole space are exact; the others are of a random sample [95 % bootstrap "
            "interval over samples]."
        )
        caption = (
            f"{_capital(label)}: {metric}{unit} of the network that each proxy ranks first, beside what the "
            "survey prints, and how far below the best."
        )
        return tables.numbered(self._cells(), caption, name, legend=f"{exact} {self.made_with}")

    def _cells(self) -> pd.DataFrame:
        rows = tables.first_places(self.whole, self.sample, self.printed, self.decimals)
        order = self.sample.sort_values("reached", ascending=False)["proxy"]
        rows["verdict"] = [
            *map(self.verdict, self.whole["proxy"]),
            *("–" if proxy in COUNTS else self.verdict(proxy) for proxy in order),
        ]
        truth = {
            "survey": tables.number(self.printed.get("ground_truth", float("nan"))),
            "first here": tables.number(self._optimum, self.decimals),
            "below the best": tables.number(0.0, self.decimals),
            "rank": "1",
            "candidates": f"{len(self.bench.table):,}",
            "missing": "0",
            "verdict": self.verdict("ground_truth"),
        }
        rows = pd.concat([pd.DataFrame([truth], ["Ground truth"]), rows])
        for proxy, value in self.others.drop(self.of_candidates["proxy"], errors="ignore").items():
            cells = {"survey": tables.number(value), "verdict": self.verdict(str(proxy))}
            rows.loc[label_of(str(proxy))] = dict.fromkeys(rows.columns, "–") | cells
        return rows.rename_axis("Proxy")

    @property
    def made_with(self) -> str:
        """Say for a caption how many candidates there are, and what their scores were made with."""
        whose = "all" if self.is_complete else "random"
        return (
            f"n = {self.candidates['arch'].nunique():,} {whose} networks; "
            f"seed {self.scores['seed'].iloc[0]}; batch size {self.scores['batch_size'].iloc[0]}. "
            f"{materials.made_with(self.scores)}"
        )

    def distances(self) -> pd.DataFrame:
        """Return how far each first place is below the best, for :func:`zsnas.book.figures.regrets.panels`.

        The counts stand there twice: among all networks, and among the candidates.
        """
        found = pd.concat([self.of_all, self.of_candidates], ignore_index=True)
        is_exact = (found.index < len(self.of_all)) | self.is_complete
        survey = self.printed.get("ground_truth", float("nan")) - found["proxy"].map(self.printed)
        names = [f"{label_of(name)}, all" for name in COUNTS] + [*map(label_of, self.of_candidates["proxy"])]
        cells = {
            "regret": found["regret"],
            "low": (found["optimum"] - found["high"]).mask(is_exact),
            "high": (found["optimum"] - found["low"]).mask(is_exact),
            "survey": survey.mask(found.duplicated("proxy")),
        }
        return pd.DataFrame(cells).set_index(pd.Index(names, name="proxy"))

    def finding(self, label: str) -> str:
        """Say whose first place loses least and whose most, and what the largest network loses."""
        n = self.candidates["arch"].nunique()
        if n < ENOUGH:
            return f"On {label} only {n} networks compete, too few to say whose first place is good."
        among = f"of all {n:,} networks" if self.is_complete else f"of {n:,} random networks"
        found = self.of_candidates.dropna(subset="arch")
        least, most = (
            found[found["regret"] == end] for end in (found["regret"].min(), found["regret"].max())
        )
        return (
            f"On {label}, {among}, the first one by {labels(least['proxy'])} is nearest to the best of the "
            f"space, {self._lost(least)} {self.unit} below it, and the first one by "
            f"{labels(most['proxy'])} is furthest, {self._lost(most)}. The network with "
            f"the most parameters of all is {self._lost(self.of_all)} below."
        )

    def _lost(self, rows: pd.DataFrame) -> str:
        return tables.number(rows["regret"].iloc[0], self.decimals)

    def facts(self, label: str) -> list[str]:
        """Say what is known of the networks behind the survey's numbers, and of those in first place here."""
        reached = self.whole.set_index("proxy")["reached"]
        found = [
            behind.larger(self.bench, name, reached[name], self.printed[name])
            for name in COUNTS
            if self.verdict(name) == "differs"
        ]
        found += behind.numbers(self.bench, self.others)
        of_others = self.of_candidates[
            ~self.of_candidates["proxy"].isin(COUNTS) & (self.of_candidates["ties"] > 0)
        ]
        shared = of_others[of_others["ties"] > 1]
        names = [f"{label_of(row.proxy)} ({row.ties})" for row in shared.itertuples()]
        found.append(f"first places that several candidates share: {', '.join(names) or 'none'}.")
        for proxy in of_others["proxy"]:
            said = self.printed.get(proxy, float("nan"))
            found.append(behind.shared(self.bench, self.candidates, proxy, said, self.decimals))
        return [f"- {label}: {fact}" for fact in found if fact]

    def over_seeds(self, label: str, limit: int | None, name: str) -> str:
        """Write how the distance from the best moves with the seed, as a table, or that this cannot be told.

        Parameters
        ----------
        label : str
        limit : int, optional
            Of the page, see :func:`zsnas.leaderboard.candidates`.
        name : str
            As for :func:`zsnas.book.tables.numbered`.
        """
        again = candidates(self.bench, materials.repeated(self.bench, self.scores), limit)
        n, seeds = again["arch"].nunique(), again["seed"].nunique()
        if seeds < 2 or n < ENOUGH:
            few = n if seeds > 1 else 0
            return f"- {label}: {few} networks are scored with several seeds, too few to say."
        found = statistics.regret(self.bench, again, list(self.of_candidates["proxy"].unique()))
        caption = (
            f"{_capital(label)}: how far the first network is below the best ({self.unit}), mean and "
            f"standard deviation over {seeds} seeds; its rank."
        )
        legend = (
            "Rank: the median [best, worst seed]. Choices: how many different networks the seeds choose. n, "
            f"of {n:,} networks; batch size {self.scores['batch_size'].iloc[0]}."
        )
        written = tables.regret_table(found, caption, name, self.decimals, legend)
        moved = (found["choices"] > 1).sum()
        return f"{written}\n\nThe seed changes the choice of {moved} of the {len(found)} proxies on {label}."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def caption(rows: Mapping[str, Row]) -> str:
    """Say for a figure of several rows how many candidates there are, and what their scores were made with.

    Parameters
    ----------
    rows : mapping of Row
        By label.
    """
    sizes = "; ".join(
        f"{label}: n = {row.candidates['arch'].nunique():,} {'of all' if row.is_complete else 'at random'}"
        for label, row in rows.items()
    )
    scores = next(iter(rows.values())).scores
    return (
        f"{_capital(sizes)}; seed {scores['seed'].iloc[0]}; batch size {scores['batch_size'].iloc[0]}; "
        f"machine: {scores.attrs['machine']}; zsnas {scores.attrs['zsnas']}, torch {scores.attrs['torch']}."
    )


def behind_table(rows: Mapping[str, Row], name: str) -> str:
    """Write who is behind the numbers of the survey, and what else is known of these networks.

    Parameters
    ----------
    rows : mapping of Row
        By label.
    name : str
        As for :func:`zsnas.book.tables.numbered`.
    """
    cells = {
        f"{label_of(proxy)}, {label}": {"survey": f"{row.printed[proxy]:.2f}", **found}
        for label, row in rows.items()
        for proxy, found in row.behind.items()
    }
    facts = "\n".join(fact for label, row in rows.items() for fact in row.facts(label))
    if not cells:
        return f"There is nothing to compare: the survey has no such numbers for this benchmark.\n\n{facts}"
    caption = (
        "The survey's number; how many networks of the benchmark print with it; how many of the scored "
        "networks have a better score than the best of these."
    )
    table = pd.DataFrame.from_dict(cells, orient="index").rename_axis("Proxy")
    return f"{tables.numbered(table, caption, name)}\n\n{facts}"

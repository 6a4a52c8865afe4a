"""A portrait of one proxy: what it is, what it costs, where it ranks best and worst, and its code."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, Markdown

import zsnas.benchmarks
import zsnas.proxies
from zsnas import figures
from zsnas.book import tables
from zsnas.book.comparison import TRUTHS
from zsnas.book.tables.leaderboard import title_of
from zsnas.leaderboard import ENOUGH, leaderboard
from zsnas.scores.table import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.proxies import Proxy

__all__ = ["SMALL", "Portrait", "of"]

SMALL = ("mobilenet-v2/imagenet", "resnets/imagenet")
"""Benchmarks that are read in a second."""

SIZE = (3.8, 3.2)
"""Inches of a figure that stands beside another."""


@dataclass(frozen=True)
class Portrait:
    """What is known of a proxy.

    Attributes
    ----------
    proxy : Proxy
    board : DataFrame
        Its rows of :func:`zsnas.leaderboard`, without intervals.
    """

    proxy: Proxy
    board: pd.DataFrame

    @property
    def ranked(self) -> pd.DataFrame:
        """The benchmarks on which enough networks have a score, the best ranked first."""
        known = self.board[self.board["n"] >= ENOUGH].dropna(subset="kt")
        return known.sort_values("kt", ascending=False)

    def facts(self, name: str) -> Markdown:
        """Write what it is as a table, to be referred to by `name`."""
        proxy, board = self.proxy, self.board
        missing, asked = int(board["missing"].sum()), int((board["n"] + board["missing"]).sum())
        variants = [
            tables.linked_label(other)
            for other in zsnas.proxies.list_proxies()
            if zsnas.proxies.proxy(other).variant_of == proxy.name
        ]
        rows = {
            "Formula": f"{{eq}}`{proxy.equation}`",
            "Source": f"{{cite:t}}`{proxy.reference}`" if proxy.reference else "–",
            "Kind, and aim": f"{proxy.kind}; {', '.join(proxy.target) or 'none'}",
            "A better network has": f"a {'higher' if proxy.higher_is_better else 'lower'} score",
            "Cost": f"{self._cost()}, see [what a proxy costs](cost.md)",
            "Defined": f"for {asked - missing:,} of {asked:,} networks on {_counted(len(board))}",
            "Other readings": "; ".join(variants) or "none",
        }
        table = pd.DataFrame({"": rows}).rename_axis(proxy.label).rename(columns={"": "what the library has"})
        return Markdown(tables.numbered(table, f"{proxy.label} in short.", name, align="left"))

    def _cost(self) -> str:
        cost = self.board["cost"].max()
        return "not measured" if pd.isna(cost) else f"{tables.number(cost)} bare passes"

    def code(self, other: str | None = None) -> Markdown:
        """Write its function as code, or that of another proxy, without the docstring."""
        function = (zsnas.proxies.proxy(other) if other else self.proxy).function
        head, _, documented = inspect.getsource(function).partition('"""')
        head, body = head.rstrip().removesuffix("r").rstrip(), documented.partition('"""')[2]
        return Markdown(f"```python\n{head}\n{body.strip(chr(10)).rstrip()}\n```")

    def finding(self) -> str:
        """Say in a sentence where it ranks best and worst."""
        if self.ranked.empty:
            return "Too few networks are scored here to say how well it ranks."
        if len(self.ranked) == 1:
            [only] = self._ends
            return (
                f"It is scored on one benchmark, {_title(only)}, where it has a Kendall's τ of "
                f"{tables.number(only.kt)} over {only.n:,} networks."
            )
        best, worst = self._ends
        return (
            f"It ranks best on {_title(best)}, with a Kendall's τ of {tables.number(best.kt)} over "
            f"{best.n:,} networks, and worst on {_title(worst)}, with {tables.number(worst.kt)} over "
            f"{worst.n:,}. {self._at_the_top()}"
        )

    def _at_the_top(self) -> str:
        both = self.ranked.dropna(subset="kt_top")
        lower = int((both["kt_top"] < both["kt"]).sum())
        return f"Among the best networks alone, τ is lower on {lower} of {len(both)} benchmarks."

    @property
    def _ends(self) -> list[Any]:
        rows = list(self.ranked.itertuples())
        return [rows[0], rows[-1]] if len(rows) > 1 else rows

    def extremes(self) -> HTML:
        """Draw the benchmarks that it ranks best and worst."""
        if self.ranked.empty:
            return HTML("<p>Too few networks are scored here.</p>")
        return HTML(f'<div class="beside">{"".join(map(self._drawn, self._ends))}</div>')

    def _drawn(self, row: Any) -> str:  # noqa: ANN401 - of itertuples
        bench, table = zsnas.benchmarks.benchmark(row.benchmark), scores(row.benchmark)
        table = table[table["seed"] == table["seed"].value_counts().sort_index().idxmax()]
        figure = figures.score_scatter(bench, table, self.proxy.name, top=row.top)
        figure.set_size_inches(*SIZE)
        figure.legends[0].remove()  # beside each other its entries are wider than so small a figure
        figure.legend(loc="outside upper left", markerscale=2, frameon=False)
        truth = TRUTHS.get(bench.metric, bench.metric.replace("_", " "))
        figure.axes[0].set_ylabel(f"{truth[:1].upper()}{truth[1:]}{f' ({bench.unit})' if bench.unit else ''}")
        alt = figures.score_scatter_alt(bench, table, self.proxy.name, top=row.top)
        return f"<div><p>{_title(row)}</p>{figures.svg(figure, alt)}</div>"

    def caption(self) -> str:
        """Say what :meth:`extremes` shows."""
        count = len(self.ranked)
        if not count:
            return "No benchmark has enough networks with a score of it."
        which = f"The best and the worst of {count} benchmarks" if count > 1 else "Its only benchmark"
        return f"Accuracy against the percentile by the proxy. {which}."

    def legend(self) -> str:
        """Say how well the proxy ranks each of the benchmarks of :meth:`extremes`, and how many networks."""
        told = (f"{_title(row)}: τ = {tables.number(row.kt)}, n = {row.n:,}" for row in self._ends)
        return "; ".join(told)


def of(name: str, benchmarks: Sequence[str] | None = None) -> Portrait:
    """Return the portrait of a proxy.

    Parameters
    ----------
    name : str
    benchmarks : sequence of str, optional
        By default all that have published scores.
    """
    return Portrait(zsnas.proxies.proxy(name), leaderboard(benchmarks, proxies=[name], resamples=0))


def _counted(benchmarks: int) -> str:
    return f"{benchmarks} benchmark{'s' if benchmarks != 1 else ''}"


def _title(row: Any) -> str:  # noqa: ANN401 - of itertuples
    return title_of(zsnas.benchmarks.benchmark(row.benchmark))

"""What a sample of a space costs: correlations over samples beside those over everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zsnas import statistics
from zsnas.book.materials import counts
from zsnas.book.tables import intervals, number
from zsnas.leaderboard import SAMPLED
from zsnas.proxies import label_of
from zsnas.scores.sweep import visited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsnas.benchmarks import Benchmark
    from zsnas.book.comparison import Comparison


def is_whole(bench: Benchmark, scores: pd.DataFrame) -> bool:
    """Return whether all architectures of a benchmark are scored."""
    return scores["arch"].nunique() == len(bench.table)


def sample(bench: Benchmark, scores: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return the scores of a sample: 1,000 random architectures and the complete top.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of all architectures.
    seed : int
        Of the draw; 0 is the sample that a sweep visits.
    """
    drawn = visited(bench, SAMPLED, statistics.SAMPLED_TOP, seed)
    return scores[scores["arch"].isin(drawn)]


def beside_the_whole(
    bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str], resamples: int
) -> pd.DataFrame:
    """Set the correlation over all of a sample beside that of the whole space.

    Where all are scored, the sample is drawn from them; elsewhere the scores are the sample, and #Params and
    #FLOPs are compared, which can be counted for the whole space.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of all architectures, or of a sample as a sweep draws it.
    proxies : sequence of str
    resamples : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row for each proxy and statistic: ``proxy``, ``statistic``, ``value`` of the sample, ``low``,
        ``high`` and ``exact``.
    """
    if is_whole(bench, scores):
        exact = statistics.correlations(bench, scores, proxies=proxies, resamples=0)
        found = statistics.correlations(bench, sample(bench, scores), proxies=proxies, resamples=resamples)
    else:
        exact = statistics.correlations(bench, counts(bench).assign(seed=0), resamples=0)
        found = statistics.correlations(bench, scores, proxies=proxies, resamples=resamples)
    keys = ["proxy", "statistic", "subset"]
    both = found.merge(exact.rename(columns={"value": "exact"})[[*keys, "exact"]], on=keys)
    return both[both["subset"] == "all"][["proxy", "statistic", "value", "low", "high", "exact"]]


def beside(study: Comparison) -> pd.DataFrame:
    """Return :func:`beside_the_whole` of each pool of a comparison, with a column ``data`` for its label."""
    found = {
        label: beside_the_whole(*pool, study.proxies, study.resamples) for label, pool in study.pools.items()
    }
    return pd.concat(found, names=["data", None]).reset_index("data")


def written(both: pd.DataFrame) -> pd.DataFrame:
    """Write the rows of :func:`beside`, and whether the exact value is in the interval of the sample."""
    inside = both["exact"].between(both["low"], both["high"])
    cells = {
        "statistic": both["statistic"].to_list(),
        "whole space": both["exact"].map(number).to_list(),
        "sample": intervals(both),
        "in the interval": inside.map({True: "yes", False: "no"}).to_list(),
    }
    names = [f"{label_of(str(row.proxy))}, {row.data}" for row in both.itertuples()]
    return pd.DataFrame(cells, pd.Index(names, name="Proxy"))


def over_draws(study: Comparison, both: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Set Kendall's τ over other samples beside the exact value, where all architectures are scored.

    Parameters
    ----------
    study : Comparison
    both : DataFrame
        Of :func:`beside`.
    draws : int
        How many samples.

    Returns
    -------
    DataFrame
        A row for each proxy and pool, the highest exact value first; empty where no pool is complete.
    """
    parts = []
    for label, pool in study.pools.items():
        if is_whole(*pool):
            drawn = further(*pool, study.proxies, draws)
            own = both[(both["data"] == label) & (both["statistic"] == "KT")].set_index("proxy")
            columns = {
                "whole space": own["exact"],
                f"mean of {draws}": drawn.mean(),
                "deviation": drawn.std(),
                "quarter of the interval": (own["high"] - own["low"]) / 4,
            }
            part = pd.DataFrame(columns).sort_values("whole space", ascending=False)
            parts.append(part.set_axis([f"{label_of(str(name))}, {label}" for name in part.index]))
    return pd.concat(parts).rename_axis("Proxy") if parts else pd.DataFrame()


def further(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str], draws: int) -> pd.DataFrame:
    """Return Kendall's τ over all for other samples of the same kind: a row each, a column for each proxy.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        Of all architectures.
    proxies : sequence of str
    draws : int
        How many samples.
    """
    return pd.DataFrame(
        [_kendall(bench, sample(bench, scores, seed), proxies) for seed in range(1, draws + 1)]
    )


def _kendall(bench: Benchmark, scores: pd.DataFrame, proxies: Sequence[str]) -> pd.Series[float]:
    table = statistics.correlations(bench, scores, proxies=proxies, resamples=0)
    over_all = table[(table["statistic"] == "KT") & (table["subset"] == "all")]
    return over_all.set_index("proxy")["value"]

"""Tables of hardware-aware search: hypervolume and accuracy lost by proxy, and what ties and seeds change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

import zsnas.proxies
from zsnas import pareto
from zsnas.book import tables
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Budgets", "losses", "seeds", "ties"]


class Budgets(NamedTuple):
    """How budgets are cut and written.

    Attributes
    ----------
    limits : sequence of float
        Between the bands, as for :func:`zsnas.pareto.bands`.
    unit : str
        Of the cost, such as "mJ".
    """

    limits: Sequence[float]
    unit: str

    @property
    def bands(self) -> list[str]:
        """Names of the bands."""
        return pareto.bands(self.limits)

    @property
    def measures(self) -> list[str]:
        """Hypervolume ratio and bands, in the order of a table."""
        return [pareto.HYPERVOLUME, *self.bands]

    def heading(self, measure: str) -> str:
        """Name the column of a measure.

        >>> Budgets([10, 20], "mJ").heading("≤ 10")
        '≤ 10 mJ'
        """
        return measure if measure == pareto.HYPERVOLUME else f"{measure} {self.unit}"


def losses(sampled: pd.DataFrame, whole: pd.DataFrame, budgets: Budgets) -> pd.DataFrame:
    """Write hypervolume ratio and accuracy lost of every proxy, below the best that its candidates allow.

    Parameters
    ----------
    sampled : DataFrame
        Of :func:`zsnas.pareto.summary`, one seed: proxies that choose among a sample. Those that were
        asked about as many candidates stand together, the most candidates first.
    whole : DataFrame
        The same for proxies that choose among all architectures; their rows come first.
    budgets : Budgets

    Returns
    -------
    DataFrame
        Of text; one row per proxy, headed by its label, and a column per measure and for the candidates.
    """
    rows = {
        f"{_label(name)}, whole space": _loss_row(found, budgets)
        for name, found in whole.groupby("proxy", sort=False)
    }
    twice = set(whole["proxy"]) & set(sampled["proxy"])
    measured = sampled["n"] + sampled["missing"]
    for candidates in sorted(measured.unique(), reverse=True):
        some = sampled[measured == candidates]
        rows[f"Best of {candidates:,} candidates"] = _allowed_row(some, budgets, candidates)
        for name, found in some.groupby("proxy", sort=False):
            rows[f"{_label(name)}, sample" if name in twice else _label(name)] = _loss_row(found, budgets)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Proxy")


def ties(
    measured: Mapping[str, pd.DataFrame], picked: Mapping[str, pd.DataFrame], budgets: Budgets
) -> pd.DataFrame:
    """Write how many picks there are, how many candidates share a place, and what other choices would lose.

    Parameters
    ----------
    measured : mapping of DataFrame
        By proxy, its rows of :func:`zsnas.pareto.summary` for one seed.
    picked : mapping of DataFrame
        By proxy, its rows of :func:`zsnas.pareto.selections` for this seed.
    budgets : Budgets
    """
    rows = {label_of(name): _tie_row(found, picked[name], budgets) for name, found in measured.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Proxy")


def seeds(measured: pd.DataFrame, budgets: Budgets) -> pd.DataFrame:
    """Write mean and standard deviation of every measure over seeds, of :func:`zsnas.pareto.summary`."""
    order = measured["proxy"].unique()
    written = measured.groupby(["proxy", "measure"])["value"].agg(_spread).unstack("measure")
    written = written.loc[order, budgets.measures].rename(columns=budgets.heading)
    written.index = pd.Index([label_of(name) for name in order], name="Proxy")
    return written.rename_axis(columns=None)


def _label(name: object) -> str:
    proxy = zsnas.proxies.proxy(str(name))
    return proxy.label if proxy.kind == "naive" else tables.linked_label(proxy.name)


def _allowed_row(found: pd.DataFrame, budgets: Budgets, candidates: int) -> dict[str, str]:
    """Write what these candidates allow, with a score or without, which is the same for all proxies."""
    allowed = found.drop_duplicates("measure").set_index("measure")["allowed"]
    written = {budgets.heading(name): tables.number(allowed[name]) for name in budgets.measures}
    return written | {"n (missing)": tables.counted(candidates, 0)}


def _loss_row(found: pd.DataFrame, budgets: Budgets) -> dict[str, str]:
    by_measure = found.set_index("measure")
    written = {
        budgets.heading(name): tables.interval(*by_measure.loc[name, ["value", "low", "high"]])
        for name in budgets.measures
    }
    n, missing = found[["n", "missing"]].iloc[0]
    return written | {"n (missing)": tables.counted(n, missing)}


def _tie_row(found: pd.DataFrame, picked: pd.DataFrame, budgets: Budgets) -> dict[str, object]:
    by_measure = found.set_index("measure")
    others = ["value", "if_best", "if_worst"]
    written = {
        budgets.heading(band): tables.interval(*by_measure.loc[band, others]) for band in budgets.bands
    }
    return {"picks": len(picked), "most in one place": f"{picked['ties'].max():,}"} | written


def _spread(values: pd.Series[float]) -> str:
    return f"{tables.number(values.mean())} ± {tables.number(values.std(ddof=1))}"

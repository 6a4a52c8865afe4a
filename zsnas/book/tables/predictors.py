"""Tables of latency predictors: their errors by method, by device and by number of latencies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book.studies import processor, protocols
from zsnas.book.tables import interval
from zsnas.hardware.help import SEEN, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LABELS",
    "alternatives",
    "beside_the_authors",
    "beside_the_survey",
    "by_samples",
    "new_devices",
    "on_this_processor",
    "smaller",
    "smallest",
]

LABELS = {"kernels": "Kernels", "gcn": "BRP-NAS, GCN", "mlp": "BRP-NAS, MLP", "help": "HELP"}
"""What a method is called."""

OF_TABLE_III = {
    "brp_nas": ("gcn", protocols.POOL, max(processor.SIZES)),
    "help": ("help", protocols.FEW, protocols.FEW),
    "nn_meter": ("kernels", 0, 0),
}
"""By row of the survey: the method, how many latencies of a device, and how many networks measured here."""


def by_samples(runs: pd.DataFrame) -> pd.DataFrame:
    """Write errors and rank correlations on devices that HELP has not seen.

    Parameters
    ----------
    runs : DataFrame
        Rows of :func:`zsnas.book.studies.protocols.run`; of BRP-NAS only those without another device count.
    """
    shown = _alone(runs)
    shown = shown[~shown["device"].isin(SEEN)]
    rows = {}
    for samples in sorted(shown["samples"].unique(), reverse=True):
        for method in protocols.METHODS:
            some = shown[(shown["method"] == method) & (shown["samples"] == samples)]
            rows[f"{LABELS[method]}, {samples}"] = {
                "RMSE (% of mean)": _over_devices(some, "relative", 1),
                "KT": _over_devices(some, "kendall", 3),
                "SPR": _over_devices(some, "spearman", 3),
                "settings": str(some["device"].nunique()),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Method, latencies of the device")


def new_devices(runs: pd.DataFrame) -> pd.DataFrame:
    """Write the errors with ten latencies of the devices that HELP's authors keep for the test.

    Parameters
    ----------
    runs : DataFrame
        As for :func:`by_samples`.
    """
    ten = runs[(runs["samples"] == protocols.FEW) & runs["device"].isin(UNSEEN)]
    columns = {}
    for (method, protocol), some in ten.groupby(["method", "protocol"], sort=False):
        moved = " (moved)" if method != "help" and protocol == protocols.TRANSFER else ""
        errors = some.groupby("device", sort=False)["rmse_ms"]
        columns[LABELS[str(method)] + moved] = errors.agg(lambda values: _spread(values, 2))
    return pd.DataFrame(columns).rename_axis("Device")


def beside_the_authors(runs: pd.DataFrame, authors: pd.DataFrame) -> pd.DataFrame:
    """Set Spearman's ρ beside what the authors of HELP publish.

    Parameters
    ----------
    runs : DataFrame
        As for :func:`by_samples`.
    authors : DataFrame
        ``method``, ``device``, ``samples`` and ``spearman``.
    """
    known, rows = _alone(runs), []
    for row in authors.itertuples():
        some = known[
            (known["method"] == row.method)
            & (known["samples"] == row.samples)
            & (known["device"] == row.device)
        ]
        if len(some):
            own = _spread(some["spearman"], 3)
            name = f"{LABELS[str(row.method)]}, {row.samples}"
            rows.append((name, row.device, f"{row.spearman:.3f}", own))
    return pd.DataFrame(rows, columns=["Method", "device", "authors", "here"]).set_index("Method")


def on_this_processor(found: pd.DataFrame) -> pd.DataFrame:
    """Write the errors of all methods on this processor, with and without the drift of the machine.

    Parameters
    ----------
    found : DataFrame
        Rows of :func:`zsnas.book.studies.processor.rows`.
    """
    rows = {}
    for method in processor.METHODS:
        for samples, some in found[found["method"] == method].groupby("samples"):
            measured, corrected = (some[some["latency"] == kind] for kind in ("measured", "corrected"))
            rows[f"{LABELS[method]}, {samples}"] = {
                "RMSE (ms)": _spread(measured["rmse_ms"], 2),
                "RMSE (% of mean)": _spread(_relative(measured), 1),
                "SPR": _spread(measured["spearman"], 3),
                "RMSE (ms), without drift": _spread(corrected["rmse_ms"], 2),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Method, networks measured")


def beside_the_survey(survey: pd.DataFrame, runs: pd.DataFrame, here: pd.DataFrame) -> pd.DataFrame:
    """Set our errors beside the survey's Table III.

    Parameters
    ----------
    survey : DataFrame
        Its rows, by method: ``label``, ``granularity``, ``transferability`` and ``rmse_ms``.
    runs : DataFrame
        As for :func:`by_samples`.
    here : DataFrame
        As for :func:`on_this_processor`.
    """
    new = _alone(runs)
    new = new[new["device"].isin(UNSEEN)]
    measured = here[here["latency"] == "measured"]
    rows = {}
    for name, said in survey.iterrows():
        method, samples, networks = OF_TABLE_III[str(name)]
        some = new[(new["method"] == method) & (new["samples"] == samples)]
        own = measured[(measured["method"] == method) & (measured["samples"] == networks)]
        rows[said["label"]] = {
            "granularity": said["granularity"],
            "transferability": said["transferability"],
            "survey (ms)": f"{said['rmse_ms']:g}",
            "networks": str(networks),
            "this processor (ms)": _spread(own["rmse_ms"], 2),
            "this processor (% of mean)": _spread(_relative(own), 1),
            "latencies": str(samples or "–"),
            "new devices (% of mean)": _over_devices(some, "relative", 1),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Approach")


def alternatives(tried: pd.Series[float], used: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Write the errors of alternative settings, and which of them are in use.

    Parameters
    ----------
    tried : Series
        Of :func:`zsnas.book.studies.choices.relative_errors`.
    used : sequence of tuple
        Method and setting.
    """
    cells = {
        "setting": tried.index.get_level_values(1),
        "RMSE (% of mean)": [f"{value:.2f}" for value in tried],
        "in use": ["yes" if pair in used else "" for pair in tried.index],
    }
    names = [LABELS[method] for method in tried.index.get_level_values(0)]
    return pd.DataFrame(cells, pd.Index(names, name="Method"))


def smaller(runs: pd.DataFrame) -> str:
    """Say on how many new devices HELP with ten latencies has the smaller error than the GCN.

    Parameters
    ----------
    runs : DataFrame
        As for :func:`by_samples`.
    """
    new = _alone(runs)
    errors = (
        new[new["device"].isin(UNSEEN)]
        .groupby(["method", "samples", "device"])["relative"]
        .mean()
        .unstack("device")
    )
    wanted = [("help", protocols.FEW), ("gcn", protocols.FEW), ("gcn", protocols.POOL)]
    if not set(wanted) <= set(errors.index):
        return "This execution has no new device to compare HELP and BRP-NAS on."
    mine, few, many = errors.loc[wanted].to_numpy()
    return (
        "With ten latencies of a new device HELP has a smaller error than BRP-NAS's GCN with the same ten "
        f"on {(mine < few).sum()} of {len(mine)} devices, and than the GCN with {protocols.POOL} on "
        f"{(mine < many).sum()}."
    )


def smallest(here: pd.DataFrame) -> str:
    """Say which predictor has the smallest error on this processor.

    Parameters
    ----------
    here : DataFrame
        As for :func:`on_this_processor`.
    """
    measured = here[here["latency"] == "measured"]
    errors = measured.groupby(["method", "samples"])["rmse_ms"].mean().sort_values(kind="stable")
    named = [f"{LABELS[method]} with {samples} measured networks" for method, samples in errors.index]
    return (
        f"On our processor the smallest error is that of {named[0]}, {errors.iloc[0]:.2f} ms, and the "
        f"largest that of {named[-1]}, {errors.iloc[-1]:.2f} ms."
    )


def _alone(runs: pd.DataFrame) -> pd.DataFrame:
    """Keep what was learned from the device alone, and HELP; add the error in percent of the mean latency."""
    kept = runs[(runs["method"] == "help") | (runs["protocol"] == protocols.ALONE)]
    return kept.assign(relative=_relative(kept))


def _relative(rows: pd.DataFrame) -> pd.Series[float]:
    return 100 * rows["rmse_ms"] / rows["mean_ms"]


def _spread(values: pd.Series[float], decimals: int) -> str:
    """Write a mean over the seeds with the smallest and the largest of them."""
    if values.empty:
        return "–"
    ends = (values.min(), values.max()) if len(values) > 1 else (math.nan, math.nan)
    return interval(values.mean(), *ends, decimals)


def _over_devices(rows: pd.DataFrame, column: str, decimals: int) -> str:
    """Average over the devices of each seed first, so that the spread is that of the seeds."""
    return _spread(rows.groupby("seed")[column].mean(), decimals)

"""Evolution by proxy in the space of ProxylessNAS: what it finds, when, and what that costs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd

from zsnas.book import tables
from zsnas.checksums import read_checked
from zsnas.proxies import label_of
from zsnas.sources import DATA
from zsnas.statistics import orientation

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["costs", "finds", "histories", "late", "reached"]

FILES = "proxyless-600-"
QUOTED = {
    "GPU hours, quoted": "search_cost",
    "top-1 (%), quoted": "imagenet1k_top1",
    "COCO mAP, quoted": "coco_map",
}
"""Columns of the table of finds, and the survey's quantities in them."""


def histories() -> dict[str, pd.DataFrame]:
    """Return what the searches proposed, step by step, by proxy."""
    files = sorted((DATA / "search").glob(f"{FILES}*.parquet"))
    return {
        file.stem.removeprefix(FILES): pd.read_parquet(io.BytesIO(read_checked(file, DATA))) for file in files
    }


def reached(history: pd.DataFrame, proxy: str) -> pd.Series[float]:
    """Return the best score until each step, with its sign turned where lower is better."""
    return (history[proxy].astype(float) * orientation(proxy)).cummax()


def late(found: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Return the step at which each search comes upon what it finds."""
    paths = {name: reached(history, name) for name, history in found.items()}
    return {name: int((path != path.iloc[-1]).sum()) + 1 for name, path in paths.items()}


def costs(found: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return the minutes that a thousand steps take on one core, by proxy."""
    return {name: 1000 * history["seconds"].sum() / 60 / len(history) for name, history in found.items()}


def minutes(value: float) -> str:
    """Write minutes."""
    return "< 0.1" if value < 0.05 else tables.number(value, 1)


def finds(found: Mapping[str, pd.DataFrame], printed: pd.DataFrame) -> pd.DataFrame:
    """Write what each search finds, beside what the survey prints of its own finds and of one-shot search.

    Parameters
    ----------
    found : mapping of DataFrame
        Of :func:`histories`.
    printed : DataFrame
        Of :func:`zsnas.book.studies.under_budget.printed`.
    """
    rows = {label_of(name): _find(history, name, printed) for name, history in found.items()}
    nothing = dict.fromkeys(next(iter(rows.values()), QUOTED), "–")
    rows["One-shot NAS"] = nothing | _quoted(printed, "one_shot")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Proxy")


def _find(history: pd.DataFrame, name: str, printed: pd.DataFrame) -> dict[str, str]:
    best = history.iloc[int(reached(history, name).to_numpy().argmax())]
    return {
        "steps": f"{len(history):,}",
        "#FLOPs (M)": f"{best['macs'] / 1e6:.0f}",
        "#Params (M)": f"{best['parameters'] / 1e6:.2f}",
        "minutes here": minutes(history["seconds"].sum() / 60),
        **_quoted(printed, name),
        "architecture": f"`{best['arch']}`",
    }


def _quoted(printed: pd.DataFrame, name: str) -> dict[str, str]:
    nan = float("nan")
    values = {heading: printed[quantity].get(name, nan) for heading, quantity in QUOTED.items()}
    hours, *others = values
    return {hours: f"{values[hours]:g}".replace("nan", "–")} | {
        heading: tables.number(values[heading]) for heading in others
    }

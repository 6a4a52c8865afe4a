"""The board of a class: who beats #Params where it counts, from the files that ``zsnas evaluate`` writes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ("who", "proxy", "benchmark", "place", "kt_top", "ahead", "decided", "kt", "n", "n_top", "missing")
"""The columns of a board."""


def board(folder: str | Path) -> pd.DataFrame:
    """Rank the proxies of a class by how well they rank the top networks.

    Parameters
    ----------
    folder
        With a file ``NAME.json`` a student or group, as ``zsnas evaluate FILE --output NAME.json`` writes it.

    Returns
    -------
    DataFrame
        One row per proxy and benchmark, highest ``kt_top`` first within a benchmark, undefined last:

        - ``who``: the name of the file;
        - ``place``: by ``kt_top``; equal values share one;
        - ``kt_top``, ``kt``: Kendall's τ over the top and over all;
        - ``ahead``: ``kt_top`` minus that of #Params on the same networks; NaN where it was not compared;
        - ``decided``: whether the two intervals do not overlap, so that another sample would say the same;
        - ``n``, ``n_top``, ``missing``: networks over all and in the top, and those without a score.

        ``attrs["unread"]`` says which files were left out, and why.

    Raises
    ------
    ValueError
        When the folder has no such file.
    """
    if not Path(folder).is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; give the one with the JSON files of the class")
    files = sorted(Path(folder).glob("*.json"))
    rows: list[dict[str, Any]] = []
    unread: dict[str, str] = {}
    for file in files:
        try:
            rows += _rows(file)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            unread[file.name] = f"it is not what `zsnas evaluate --output {file.name}` writes ({error})"
    if not rows:
        told = "; ".join(f"{name}: {why}" for name, why in unread.items()) or "it has no file NAME.json"
        raise ValueError(f"there is nothing to rank in the folder {str(folder)!r}: {told}")
    table = pd.DataFrame(rows)
    table["place"] = table.groupby("benchmark")["kt_top"].rank(method="min", ascending=False)
    table = table.sort_values(["benchmark", "place", "who"], kind="stable").reset_index(drop=True)
    table = table[list(COLUMNS)]
    table.attrs["unread"] = unread
    return table


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    found = json.loads(file.read_text(encoding="utf-8"))
    bars = {row["benchmark"]: row for row in found.get("beside", ())}
    return iter([_row(file.stem, row, bars.get(row["benchmark"])) for row in found["rows"]])


def _row(who: str, row: dict[str, Any], bar: dict[str, Any] | None) -> dict[str, Any]:
    top, of_params = _number(row["kt_top"]), _number(bar["kt_top"]) if bar else math.nan
    is_decided = bar is not None and (
        _number(row["kt_top_low"]) > _number(bar["kt_top_high"])
        or _number(row["kt_top_high"]) < _number(bar["kt_top_low"])
    )
    kept = {name: row[name] for name in ("benchmark", "n", "n_top", "missing")}
    return kept | {
        "who": who,
        "proxy": row["label"],
        "kt": _number(row["kt"]),
        "kt_top": top,
        "ahead": top - of_params,
        "decided": is_decided,
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)

"""AZ-NAS: four scores of many networks combined into one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("az_expressivity", "az_progressivity", "az_trainability", "az_complexity")
"""The proxies that are combined; each is better when higher."""


def az_nas(scores: pd.DataFrame) -> pd.Series[float]:
    r"""Combine the four parts of AZ-NAS by their ranks among the networks of a table.

    :math:`\sum_k \log(r_k / n)` over the four parts :math:`k`, with the network's rank :math:`r_k` among the
    :math:`n` of the table: 1 for the lowest, :math:`n` for the highest, equal scores share the mean of their
    ranks. The logarithm punishes one low rank more than another high one repairs.

    The result is no score of a single network: it compares the rows of this table and changes with them. An
    undefined part (NaN) ranks lowest, as in the original, which puts −∞ in its place.

    Parameters
    ----------
    scores
        One row for each network, with at least the columns ``az_expressivity``, ``az_progressivity``,
        ``az_trainability`` and ``az_complexity``. Of a table with several
        seeds take one seed at a time: ``scores.groupby("seed", group_keys=False).apply(az_nas)``.

    Returns
    -------
    Series
        Dimensionless; at most 0; higher is better; the index is that of ``scores``.

    Raises
    ------
    ValueError
        When a part is missing, with its name and how to compute it.

    References
    ----------
    Lee and Ham 2024, AZ-NAS.
    """
    missing = [part for part in PARTS if part not in getattr(scores, "columns", ())]
    if missing:
        raise ValueError(
            f"AZ-NAS needs the columns {', '.join(PARTS)}; this table has no {', '.join(missing)}; "
            f"zsnas.score(model, batch, proxies={missing}) computes what is missing"
        )
    ranks = scores[list(PARTS)].rank(na_option="top")
    combined: pd.Series[float] = np.log(ranks / len(scores)).sum(axis=1).rename("az_nas")
    return combined

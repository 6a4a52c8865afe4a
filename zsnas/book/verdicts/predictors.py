"""Verdicts on what the survey says about predictors of latency.

Their errors come with several seeds; one is smaller than another where it is so whatever the seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsnas.book.studies import processor
from zsnas.book.verdicts import Verdict, is_above, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["kernels_beat_layers"]


def kernels_beat_layers(statement: str, place: str, here: pd.DataFrame) -> Verdict:
    """Judge whether the sum of the kernels is more accurate than each predictor that learns from layers.

    Parameters
    ----------
    statement, place : str
        Of the survey.
    here : DataFrame
        Rows of :func:`zsnas.book.studies.processor.rows`.
    """
    measured = here[here["latency"] == "measured"].set_index(["method", "samples"])["rmse_ms"]
    wanted = {("kernels", 0): "the kernels", ("help", 10): "HELP with ten networks"}
    wanted |= {("gcn", size): f"the GCN with {size} networks" for size in processor.SIZES}
    reading = "Read as: the sum of the kernels has the smaller RMSE on this processor, whatever the seed."
    known = {words: measured.loc[[key]] for key, words in wanted.items() if key in measured.index}
    kernels, *layers = (known.get(words) for words in wanted.values())
    if kernels is None or len(kernels) < 2 or any(other is None or len(other) < 2 for other in layers):
        return Verdict(
            statement, place, "cannot be compared", f"{reading} That asks for two seeds of each at least."
        )
    holds = {
        words: is_above(errors.min() - kernels.max(), errors.max() - kernels.min())
        for words, errors in known.items()
        if words != "the kernels"
    }
    beaten = sum(held is True for held in holds.values())
    means = listed(f"{words} {errors.mean():.2f} ms" for words, errors in known.items())
    because = f"{reading} That holds for {beaten} of {len(holds)} comparisons: {means}."
    return Verdict.counted(statement, place, because, (("", held) for held in holds.values()))

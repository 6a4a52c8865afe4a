"""The result of an evaluation as JSON, which the leaderboard of the book reads."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from zsnas._version import __version__
from zsnas.evaluate.page import command
from zsnas.leaderboard import candidates, correlated, regrets
from zsnas.proxies import proxy
from zsnas.statistics import SAMPLED_TOP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zsnas.evaluate import Evaluation, Result


def record(evaluation: Evaluation) -> str:
    """Write what came of the user's proxies, with the columns of :func:`zsnas.leaderboard`.

    The regret is there for the profile "full" alone: the networks of "quick" are no random sample.

    Returns
    -------
    str
        JSON: ``zsnas``, ``command``, ``rows``, and ``beside``, the rows of #Params on the same networks where
        it was compared; null where a number is undefined.
    """
    rows, beside = (
        [row for result in evaluation.results for row in _rows(result, evaluation.profile, names)]
        for names in (evaluation.yours, ("params",))
    )
    found = {"zsnas": __version__, "command": command(evaluation), "rows": rows, "beside": beside}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _rows(result: Result, profile: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    table = result.correlations[result.correlations["proxy"].isin(names)]
    if table.empty:
        return
    rows = correlated(table)
    if profile == "full":
        first = result.scores[result.scores["seed"] == result.scores["seed"].mode()[0]]
        picked = regrets(result.bench, candidates(result.bench, first), list(rows["proxy"]))
        rows = rows.merge(picked, on="proxy", how="left")
    for row in rows.to_dict("records"):
        numbers = {str(key): None if isinstance(v, float) and math.isnan(v) else v for key, v in row.items()}
        entry = proxy(row["proxy"])
        about = {"benchmark": result.bench.name, "label": entry.label, "kind": entry.kind}
        yield about | numbers | {"top": SAMPLED_TOP, "seeds": len(result.seeds)}

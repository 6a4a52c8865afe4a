"""The result as JSON has the numbers of the evaluation and the columns of the leaderboard."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zsnas import statistics
from zsnas.benchmarks import benchmark
from zsnas.evaluate import Evaluation, Result
from zsnas.evaluate.record import record
from zsnas.leaderboard import COLUMNS


def evaluation(profile):
    bench = benchmark("mobilenet-v2/imagenet")
    scores = pd.DataFrame({"arch": bench.table["arch"], "seed": 0})
    scores["params"] = np.arange(len(scores), dtype=float)
    scores["snip"] = bench.table[bench.metric]
    table = statistics.correlations(bench, scores, resamples=20)
    result = Result(bench, ("snip",), scores, table, table, {}, 16, "photographs", {}, ())
    return Evaluation(Path("mine.py"), "", profile, ("snip",), (result,), ())


@pytest.mark.parametrize(("profile", "regret"), [("quick", None), ("full", 0)])
def test_only_the_users_proxy_is_in_it_with_its_numbers(profile, regret):
    found = json.loads(record(evaluation(profile)))
    [row] = found["rows"]
    assert (row["benchmark"], row["proxy"], row["label"]) == ("mobilenet-v2/imagenet", "snip", "SNIP")
    assert row["kt"] == row["kt_high"] == 1
    assert row["kt_top"] is None  # two networks
    assert (row["n"], row["missing"], row["top"], row["seeds"]) == (36, 0, 0.05, 1)
    assert row.get("regret") == regret
    assert set(row) <= set(COLUMNS)
    assert (
        found["command"] == f"zsnas evaluate mine.py --benchmarks mobilenet-v2/imagenet --profile {profile}"
    )

import numpy as np
import pandas as pd
import pytest

from zsnas.book.studies import beyond_counts, survival
from zsnas.book.studies.pools import Networks
from zsnas.spaces import space

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"


def test_features_count_operations_and_the_longest_path():
    found = beyond_counts.counts_and_depth([CELL]).loc[CELL]
    # 0→1 3×3, 1→2 1×1, 2→3 3×3: a path of three convolutions.
    assert found.tolist() == [2, 1, 1, 1, 3]


def test_what_is_a_count_has_nothing_left_at_fixed_counts():
    generator = np.random.default_rng(0)
    params, flops, other = generator.standard_normal((3, 2000))
    table = pd.DataFrame(
        {"truth": params + flops + other, "params": params, "flops": flops}
        | {"snip": params + flops, "synflow": params + flops + other}
    )
    found = beyond_counts.given_counts({("toy", "x"): Networks(table, table)}, list(table.columns[1:]))
    found = found.set_index("proxy")
    assert found.loc["snip", "rho"] > 0.7
    assert found.loc["snip", "partial"] < 0.3  # the rest of what ranks lose
    assert found.loc["synflow", "partial"] > 0.95
    assert found.loc["params", "partial"] > 0.6  # by #FLOPs only


def test_params_are_a_sum_of_features():
    cells = space("nb201").architectures[:300]
    features = beyond_counts.counts_and_depth(cells)
    params = 243_040 * features["3×3 convolutions"] + 28_000 * features["1×1 convolutions"]
    table = pd.DataFrame({"truth": np.random.default_rng(0).standard_normal(300), "params": params})
    found = beyond_counts.given_graph(table, ["params"]).loc["params"]
    assert found["n"] == 300
    assert abs(found["given the graph"]) < 0.15


def test_within_slices_the_size_does_not_help():
    generator = np.random.default_rng(0)
    params, other = generator.standard_normal((2, 4000))
    table = pd.DataFrame({"truth": params + 0.1 * other, "params": params, "snip": other})
    found = beyond_counts.within_slices(table, ["params", "snip"], slices=100)
    assert found["snip"] > 0.5
    table["truth"] = params.round(1)
    assert beyond_counts.within_slices(table, ["snip"], slices=100)["snip"] == pytest.approx(0, abs=0.1)


def test_survival_is_what_is_left_at_the_top():
    rows = [
        ("params", 1.0, 0.5, 100),
        ("params", 0.05, 0.1, 5),
        ("snip", 1.0, 0.4, 100),
        ("snip", 0.05, 0.2, 5),
    ]
    table = pd.DataFrame(rows, columns=["proxy", "ratio", "value", "n"]).assign(statistic="KT")
    found = survival.survival({"toy": table}).set_index("proxy")
    assert found.loc["params", ["all", "top", "kept", "n"]].tolist() == [0.5, 0.1, 0.2, 5]
    assert (
        survival.same_order(found.reset_index()) == 0
    )  # the better one over all is the worse one at the top


def test_few_networks_say_nothing():
    table = pd.DataFrame(
        {"truth": [1.0, 2.0, 3.0, 4.0], "params": 1.0, "flops": 2.0, "snip": 3.0},
        index=space("nb201").architectures[:4],
    )
    found = beyond_counts.given_counts({("toy", "x"): Networks(table, table)}, ["params", "flops", "snip"])
    assert found.empty
    assert beyond_counts.sizes(found) == "too few are scored here"
    assert beyond_counts.given_graph(table, ["snip"]).empty
    said = beyond_counts.finding(found, found, found)
    assert said == "Too few networks are scored here to say where."

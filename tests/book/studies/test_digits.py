"""Three cells, two epochs and two seeds, so that every τ can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark, benchmark
from zsnas.book.figures import digits as drawings
from zsnas.book.studies import digits

# Cells a to d. Seed 0 after two epochs, seed 1 and 2 after two.
CURVES = pd.DataFrame(
    [
        (arch, seed, epoch, accuracy)
        for arch, runs in {
            "a": {0: (10, 40), 1: (0, 30), 2: (0, 50)},
            "b": {0: (30, 50), 1: (0, 60), 2: (0, 60)},
            "c": {0: (20, 60), 1: (0, 50), 2: (0, 50)},
            "d": {0: (40, 70), 1: (0, 80)},
            "e": {0: (50, 10)},
        }.items()
        for seed, accuracies in runs.items()
        for epoch, accuracy in enumerate(accuracies, 1)
    ],
    columns=["arch", "seed", "epoch", "test_accuracy"],
)
BENCH = Benchmark(
    "x", pd.DataFrame({"arch": list("abcde"), "test_accuracy": 0.0}), "nb201-digits", "digits", "", ""
)
# NTK_Cond is better when lower; d has no score.
SCORES = pd.DataFrame(
    {"arch": list("abcde"), "seed": 0, "params": [1, 2, 3, 4, 5], "ntk_cond": [4.0, 2.0, 3.0, np.nan, 1.0]}
)


@pytest.fixture(scope="module")
def found():
    truth = digits.retrained(BENCH, CURVES).truth
    return digits.foresight(digits.epochs(CURVES), SCORES, truth, ["params", "ntk_cond", "snip"], 20)


def by_way(found, column):
    return dict(zip(found["epoch"].astype(str) + found["proxy"], found[column], strict=True))


def test_the_truth_is_the_mean_end_of_the_other_seeds():
    assert digits.retrained(BENCH, CURVES).truth.to_dict() == {"a": 40, "b": 60, "c": 50, "d": 80}


def test_taus_by_hand(found):
    # The truth ranks a c b d. After one epoch: a c b d, six pairs of six. After two: a b c d, one of six is
    # the other way: 4 / 6. Params: a b c d. NTK_Cond, lower being better and d last: d a c b; d is on the
    # wrong side of all three: 0.
    taus = {"1": 1.0, "2": 4 / 6, "0params": 4 / 6, "0ntk_cond": 0.0}
    assert by_way(found, "value") == pytest.approx(taus)
    assert by_way(found, "lead") == pytest.approx({way: tau - 4 / 6 for way, tau in taus.items()})
    assert (found["n"] == 4).all()
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()
    assert digits.best_proxy(found) == "params"


def race_of(*rows):
    columns = ["epoch", "proxy", "value", "lead", "lead_low", "lead_high"]
    return pd.DataFrame(rows, columns=columns).assign(low=0.4, high=0.6, n=30)


def test_the_soonest_epoch_is_the_first_ahead():
    one, params = (1, "", 0.45, -0.05, -0.2, 0.1), (0, "params", 0.5, 0.0, 0.0, 0.0)
    found = race_of(one, (2, "", 0.55, 0.05, -0.1, 0.2), (3, "", 0.6, 0.1, 0.05, 0.3), params)
    assert (digits.soonest(found, clearly=False), digits.soonest(found, clearly=True)) == (2, 3)
    said = digits.answer(found)
    assert said.startswith(
        "The accuracy so far overtakes the best of the proxies, #Params (Kendall's τ 0.50 "
    )
    assert ", after 2 of 3 epochs (0.55 [0.40," in said
    assert ", and from epoch 3 on with the whole interval." in said
    assert "passes it at epoch 2" in drawings.race_alt(found)
    behind = race_of(one, (2, "", 0.4, -0.1, -0.2, 0.1), params)
    assert digits.answer(behind).startswith("In none of 2 epochs")
    assert "never passes it" in drawings.race_alt(behind)


def test_too_few_cells_are_no_answer(found):
    assert digits.answer(found).startswith("Too few of the cells")


def test_the_table_has_the_best_way_first(found):
    lines = digits.table_of(found, "tab-x").splitlines()
    assert [line.split("|")[1].strip() for line in lines[5:9]] == [
        *("1 epoch of training", "2 epochs of training", "#Params", "NTK_Cond"),
    ]
    assert "n = 4." in lines[0]


def test_what_two_trainings_agree_on():
    pairs = digits.ceiling(CURVES).set_index(["one", "other"])
    # Seeds 0 and 1: 40 50 60 70 and 30 60 50 80. One pair of six is the other way; two ranks differ by one.
    assert pairs.loc[(0, 1), "kendall"] == pytest.approx(4 / 6)
    assert pairs.loc[(0, 1), "spearman"] == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert pairs.loc[(0, 1), "bound"] == pytest.approx(np.sqrt(0.8))
    assert pairs.loc[(0, 1), "deviation"] == pytest.approx(np.sqrt(100 / 2))
    assert pairs.loc[(0, 1), "n"] == 4
    assert pairs.loc[(0, 2), "n"] == 3
    assert pairs["top"].isna().all()  # of so few cells


def test_the_top_is_that_of_the_third_seed():
    """Of 400 cells the third seed ranks 20 highest, on which the other two are of opposite opinions."""
    place = np.arange(400)
    ends = {0: place, 1: np.where(place < 380, place, 800 - place), 2: place}
    curves = pd.concat(
        [
            pd.DataFrame({"arch": place, "seed": s, "epoch": 1, "test_accuracy": 1.0 * e})
            for s, e in ends.items()
        ]
    )
    pairs = digits.ceiling(curves).set_index(["one", "other"])
    assert pairs["top"].to_dict() == pytest.approx({(0, 1): -1, (0, 2): 1, (1, 2): -1})
    table = digits.agreements(digits.ceiling(curves), "tab-x")
    assert "| 0 and 2 | 1.00 | 1.00 | 1.00 | 1.00 | 0.00 | 400 |" in table


def test_the_figure_has_a_curve_and_a_line_for_each_proxy(found):
    axes = drawings.race(found).axes[0]
    curve = next(line for line in axes.lines if line.get_label() == "accuracy so far")
    assert list(curve.get_ydata()) == pytest.approx([1.0, 4 / 6])
    levels = sorted(float(line.get_ydata()[0]) for line in axes.lines if line is not curve)
    assert levels == pytest.approx([0, 0, 4 / 6])  # the axis, NTK_Cond, #Params


def test_trainings_just_done_are_compared_with_those_that_are_kept():
    curves = digits.nb201_digits.curves().query("epoch == 10 and seed == 0").head(3)
    archs, kept = list(curves["arch"]), list(curves["test_accuracy"])
    said = digits.compared(archs, [kept[0], kept[1] + 1.5, kept[2]], 0)
    assert said.startswith("Of the 3 that are kept with seed 0, 2 end with the very number")
    assert said.endswith("the largest difference is 1.5 points.")
    assert digits.compared(archs, kept, 99).startswith("None of them is kept with seed 99")


def test_cells_are_listed_without_ending_the_cells_of_the_table():
    table = digits.listing(["|none~0|"], pd.DataFrame({1: [50.04]}), "tab-x")
    assert r"| `\|none~0\|` | 50.0 |" in table


def test_how_much_is_trained():
    said = digits.how_much(benchmark("nb201-digits"))
    assert said.startswith(f"Of the 6,466 cells {digits.nb201_digits.trained()[0]:,} with seed 0, ")
    assert " minutes of one core" in said

"""What a search finds, from two histories of four steps."""

import pandas as pd
import pytest

from zsnas.book.figures import evolution as drawings
from zsnas.book.studies import evolution

PRINTED = pd.DataFrame(
    {"search_cost": [0.5, 12.0], "imagenet1k_top1": [74.25, 75.0], "coco_map": [30.0, 31.0]},
    index=["synflow", "one_shot"],
)


@pytest.fixture
def found():
    """SynFlow is better when higher, NTK_Cond when lower: the finds are steps 3 and 2."""
    steps = {
        "arch": list("abcd"),
        "macs": [1e6, 2e6, 3e6, 4e6],
        "parameters": [1e6] * 4,
        "seconds": [15.0] * 4,
    }
    return {
        "synflow": pd.DataFrame(steps | {"synflow": [1.0, 3.0, 5.0, 2.0]}),
        "ntk_cond": pd.DataFrame(steps | {"ntk_cond": [4.0, 2.0, 3.0, 9.0]}),
    }


def test_the_best_until_each_step_and_when_it_comes(found):
    assert evolution.reached(found["synflow"], "synflow").to_list() == [1, 3, 5, 5]
    assert evolution.reached(found["ntk_cond"], "ntk_cond").to_list() == [-4, -2, -2, -2]
    assert evolution.late(found) == {"synflow": 3, "ntk_cond": 2}


def test_a_thousand_steps_of_a_quarter_minute(found):
    assert evolution.costs(found) == {"synflow": 250.0, "ntk_cond": 250.0}
    assert (evolution.minutes(0.04), evolution.minutes(250.0)) == ("< 0.1", "250.0")


def test_finds_stand_beside_what_is_quoted(found):
    table = evolution.finds(found, PRINTED)

    assert table.loc["SynFlow", "architecture"] == "`c`"
    assert table.loc["NTK_Cond", "#FLOPs (M)"] == "2"
    assert table.loc["SynFlow", "top-1 (%), quoted"] == "74.25"
    assert table.loc["NTK_Cond", "GPU hours, quoted"] == "–"
    assert table.loc["One-shot NAS", ["steps", "GPU hours, quoted"]].to_list() == ["–", "12"]
    assert list(evolution.finds({}, PRINTED).index) == ["One-shot NAS"]


def test_the_curves_go_from_nothing_to_everything(found):
    axes = drawings.trajectories(found).axes[0]

    curve = next(line for line in axes.lines if line.get_label() == "SynFlow")
    assert list(curve.get_xdata()) == [1, 2, 3, 4]
    assert list(curve.get_ydata()) == [0.0, 0.5, 1.0, 1.0]
    assert drawings.trajectories_alt(found).endswith("at step 3 (SynFlow) and 2 (NTK_Cond).")

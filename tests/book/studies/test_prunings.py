"""What pruning finds beside searches, on runs that are made up and on one that is run."""

import json

import numpy as np
import pandas as pd
import pytest

from zsnas.book.figures import prunings as drawing
from zsnas.book.studies import prunings
from zsnas.proxies import list_proxies
from zsnas.search import Pruned, pruning
from zsnas.spaces import nb201

LARGEST = nb201.TEMPLATE.format(*["nor_conv_3x3"] * 6)


def test_what_goes_in_the_first_round():
    every = [["none", "skip_connect"]] * 3
    rounds = json.dumps([every, [["skip_connect"], ["none"], ["skip_connect"]]])
    assert prunings.first_round(rounds) == {"none": 2, "skip_connect": 1}


def test_a_run_is_a_row(monkeypatch):
    monkeypatch.setattr(prunings, "prune", lambda *_, seed: Pruned(LARGEST, [nb201.OPERATIONS], 84 + seed))
    row = prunings.run("pruning", ("params",), 1, 2)
    assert {key: row[key] for key in ("method", "proxies", "seed", "batch_size", "arch", "evaluations")} == {
        "method": "pruning",
        "proxies": "params",
        "seed": 1,
        "batch_size": 2,
        "arch": LARGEST,
        "evaluations": 85,
    }
    assert json.loads(row["rounds"]) == [list(nb201.OPERATIONS)]


def test_the_steps_are_what_pruning_scores(monkeypatch):
    monkeypatch.setattr(pruning, "_scores", lambda kept, *_: {"params": len(str(kept))})
    assert prunings.run("pruning", ("params",), 0, 2)["evaluations"] == prunings.STEPS == 84


@pytest.mark.mirror
def test_finds_have_the_place_of_their_accuracy():
    found = prunings.finds(pd.DataFrame({"arch": [LARGEST]}))
    # Dong and Yang 2020 have 73.51 % as the best of CIFAR-100.
    assert 70 < found["accuracy"][0] < 73.51
    assert found["place"][0] > 1


@pytest.mark.mirror
def test_random_search_takes_the_best_of_its_draw():
    everything = prunings.random_search(["params"], 2, prunings.STEPS)  # all cells are drawn each time
    assert everything[0] == everything[1]
    assert len(set(prunings.random_search(["params"], 20))) > 1


def test_published_runs_prune_with_every_objective_they_name():
    table = prunings.runs()
    assert set(table["method"]) == {"pruning", "evolution"}
    assert set(",".join(table["proxies"]).split(",")) <= set(list_proxies())
    assert not table.duplicated(["method", "proxies", "seed"]).any()
    pruned = table[table["method"] == "pruning"]
    assert (pruned["evaluations"] == prunings.STEPS).all()
    for row in pruned.itertuples():
        last = json.loads(row.rounds)[-1]
        assert nb201.TEMPLATE.format(*(names[0] for names in last)) == row.arch
    assert (table["evaluations"] <= prunings.STEPS).all()


def test_figure_has_a_marker_for_each_find():
    found = pd.DataFrame({"label": ["A", "A"], "method": ["pruning", "evolution"], "accuracy": [70.0, 71.0]})
    random = {"A": np.array([60.0, 61.0, 62.0])}
    axes = drawing.find_rows(found, random).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines] == [[70.0], [71.0]]
    words = drawing.find_rows_alt(found, random)
    assert "A: random search 61.0 in the median; pruning 70.0; evolution 71.0." in words

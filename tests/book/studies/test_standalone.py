"""What is said of networks of the libraries, on tables that can be counted by hand."""

import json

import numpy as np
import pandas as pd

from zsnas.benchmarks import Benchmark, timm_imagenet
from zsnas.book.studies import standalone


def _of_timm(archs):
    table = pd.DataFrame({"arch": archs, "validation_accuracy": np.linspace(60, 80, len(archs))})
    return Benchmark(
        "timm/toy",
        table,
        space="timm",
        batch="imagenet",
        licence="none",
        citation="none",
        metric="validation_accuracy",
    )


def _scores(reasons):
    archs = [f"a{i}" for i in range(len(reasons))]
    logdet = [float("nan") if found else 1.0 for found in reasons]
    written = [json.dumps(found) if found else None for found in reasons]
    return pd.DataFrame({"arch": archs, "seed": 0, "logdet": logdet, "params": 1.0, "reasons": written})


def test_reasons_are_counted_most_frequent_first_and_for_one_seed():
    why = {"logdet": "no ReLU"}
    scores = _scores([why, why, {"logdet": "not finite"}, None])
    twice = pd.concat([scores, scores.assign(seed=1)], ignore_index=True)

    assert standalone.reasons(twice) == ["Logdet: no ReLU (2)", "Logdet: not finite (1)"]
    assert standalone.reasons(scores.drop(columns="reasons")) == []


def test_a_proxy_that_the_page_does_not_show_gives_no_reason():
    assert standalone.reasons(_scores([{"synflow": "overflow"}])) == []


def test_values_are_counted_for_one_seed():
    scores = _scores([{"logdet": "no ReLU"}, None, None])
    twice = pd.concat([scores, scores.assign(seed=1)], ignore_index=True)

    found = standalone.defined(twice, ["params", "logdet"])

    assert list(found["has a value"]) == ["3 of 3", "2 of 3"]
    assert list(found["keeps its meaning"]) == ["yes", "only with ReLU"]


def test_silent_are_those_of_the_benchmark_whose_scales_start_at_0():
    known = timm_imagenet.zero_scales().set_index("arch")["zero_scales"]
    silent, loud = known.index[known > 0][:2], known.index[known == 0][:2]

    assert sorted(standalone.silent(_of_timm([*silent, *loud]))) == sorted(silent)


def test_recipes_count_where_enough_networks_share_them(monkeypatch):
    monkeypatch.setattr(standalone, "MANY", 3)
    archs = ["resnet18", "resnet34", "resnet50", "resnet101"]
    runs = pd.DataFrame(
        {
            "arch": [*archs, *archs[:2], *archs],
            "recipe": ["a1_in1k"] * 4 + ["a2_in1k"] * 2 + ["in1k"] * 4,
            "validation_accuracy": [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 4.0, 3.0, 2.0, 1.0],
        }
    )

    found = standalone.of_recipes(_of_timm(archs), runs, resamples=0, top=0.5)

    assert list(found.index) == ["`a1_in1k`"]
    assert found["n"].item() == "4"
    assert found["#Params, KT"].item().startswith("1.00")


def test_the_range_of_an_architecture_needs_two_recipes():
    runs = pd.DataFrame(
        {"arch": ["a", "a", "b", "c", "c"], "validation_accuracy": [70.0, 74.0, 75.0, 60.0, 61.5]}
    )

    found = standalone.ranges(runs)

    assert list(found.index) == ["a", "c"]
    assert found.loc["a"].to_dict() == {"recipes": "2", "lowest": 70.0, "highest": 74.0, "range": 4.0}


def test_rows_that_are_left_out_are_counted_by_rule(monkeypatch, tmp_path):
    table = pd.DataFrame({"model": ["good", "bad", "worse", "large"], "img_size": [224, 224, 288, 320]})
    table.to_csv(tmp_path / "results.csv")
    monkeypatch.setattr(standalone, "fetch", lambda _name: tmp_path / "results.csv")
    why = {"good": None, "bad": "is distilled", "worse": "is distilled"}
    monkeypatch.setattr(timm_imagenet, "why_not_standalone", why.__getitem__)

    text = standalone.left_out("cnn")

    assert "| is distilled | 2 |" in text
    assert "at up to 288 pixels that are not trained standalone; 1 are." in text
    assert ":name: tab-cnn-rules" in text


def test_recipes_move_accuracy(monkeypatch):
    runs = pd.DataFrame(
        {
            "arch": ["a0", "a0", "a1", "a1", "a2"],
            "kind": "cnn",
            "recipe": ["x", "y", "x", "y", "x"],
            "validation_accuracy": [60.0, 64.0, 70.0, 72.0, 80.0],
        }
    )
    monkeypatch.setattr(timm_imagenet, "retrained", lambda: runs)

    text = standalone.recipes(_of_timm(["a0", "a1", "a2"]), "cnn", resamples=5, top=0.5)

    assert text.startswith("2 of the 3 networks have more than one recipe.")
    assert "it is 3.0 points at the median; the middle half of all networks spans 10.0 points." in text
    assert "| a0 | 2 | 60.00 | 64.00 | 4.00 |" in text
    assert "tab-cnn-one-recipe" not in text  # no recipe has ten networks

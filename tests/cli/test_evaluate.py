import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from command_line import run

import zsnas.evaluate.record  # noqa: F401 - which a test replaces
from zsnas.evaluate import Evaluation, Result
from zsnas.proxies import load_proxies

NOTHING_CHOSEN = {
    "networks": None,
    "seeds": None,
    "batch_size": None,
    "device": None,
    "workers": min(os.cpu_count(), 4),
}
CHOSEN = {"networks": 8, "seeds": [1, 2], "batch_size": 8, "device": "cpu", "workers": 3}


@pytest.fixture
def evaluated(monkeypatch, proxy_file):  # noqa: ARG001 - the file is what is evaluated
    """Record what the evaluation is called with; its result is made up."""
    calls = []
    rows = [
        {"proxy": proxy, "statistic": statistic, "subset": subset, "value": value, "low": -0.25, "high": 0.5}
        for proxy, value in (("params", 0.25), ("mine", 0.4))
        for statistic in ("KT", "SPR")
        for subset in ("all", "top")
    ]
    table = pd.DataFrame(rows).assign(n=9, missing=1, seeds=1)
    result = Result(
        bench=SimpleNamespace(name="nb201/cifar10", cite=lambda: "Nobody, 1999"),
        yours=("mine",),
        scores=pd.DataFrame({"arch": list("abcdefghij"), "seed": 0}),
        correlations=table,
        differences=table.assign(contrast="reference").drop(columns="subset"),
        reasons={"mine": {"it is shy": 1}},
        batch_size=64,
        batch_source="photographs",
        made_with={"yours": "", "beside": ""},
        notes=("a note on the result",),
    )

    def evaluate(file, benchmarks, profile, **settings):
        load_proxies(file)
        calls.append((file, benchmarks, profile, settings))
        return Evaluation(Path(file), "source", profile, ("mine",), (result,), ("a note on benchmarks",))

    monkeypatch.setattr(sys.modules["zsnas.evaluate"], "evaluate", evaluate)
    return calls


@pytest.mark.usefixtures("evaluated")
def test_evaluate_prints_its_table_and_says_where_the_page_is(capsys):
    status, output, _ = run(capsys, "evaluate", "mine.py")
    lines = output.splitlines()
    assert status == 0
    assert lines[:2] == [
        "note: a note on benchmarks",
        "nb201/cifar10: 10 networks, seed 0, batches of 64: photographs",
    ]
    titles, mine, params = (re.split(r"  +", line.strip()) for line in lines[2:5])
    assert titles == ["proxy", "KT all", "KT top 5 %", "SPR all", "SPR top 5 %", "n all/top", "missing"]
    assert mine == ["→ mine", *4 * ["0.40 [−0.25, 0.50]"], "9/9", "1"]
    assert params == ["params", *4 * ["0.25 [−0.25, 0.50]"], "9/9", "1"]
    assert "- Mine has Kendall’s τ 0.40 [−0.25, 0.50] over all architectures, place 1 of 2" in output
    assert "- mine is NaN on 1 of 10 networks: it is shy" in lines
    assert "- a note on the result" in lines
    assert lines[-1] == "the page with figure, table and how it was made is mine.html"
    assert Path("mine.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_evaluate_passes_its_options_on(evaluated, capsys):
    assert run(capsys, "evaluate", "mine.py")[0] == 0
    options = "--benchmarks nb201,a/* --profile full --output page.htm --recompute --no-progress"
    options += " --networks 8 --seeds 1,2 --batch-size 8 --device cpu --workers 3"
    assert run(capsys, "evaluate", "mine.py", *options.split())[0] == 0
    assert evaluated == [
        ("mine.py", ("nb201",), "quick", NOTHING_CHOSEN | {"recompute": False, "progress": True}),
        ("mine.py", ["nb201", "a/*"], "full", CHOSEN | {"recompute": True, "progress": False}),
    ]
    assert Path("page.htm").exists()


@pytest.mark.usefixtures("evaluated")
def test_in_a_narrow_terminal_each_statistic_has_its_table(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    output = run(capsys, "evaluate", "mine.py")[1]
    assert [line.split()[:3] for line in output.splitlines() if line.startswith("  proxy")] == [
        ["proxy", "KT", "all"],
        ["proxy", "SPR", "all"],
    ]
    monkeypatch.setenv("COLUMNS", "200")
    assert run(capsys, "evaluate", "mine.py")[1].count("\n  proxy") == 1


def test_evaluate_looks_for_the_folder_of_its_page_before_it_computes(evaluated, capsys):
    status, _, errors = run(capsys, "evaluate", "mine.py", "--output", "nowhere/page.html")
    assert (status, evaluated) == (2, [])
    assert errors.startswith("zsnas: there is no folder 'nowhere' for the page or the result; make it")


@pytest.mark.usefixtures("evaluated")
def test_a_file_of_json_is_what_the_leaderboard_reads(capsys, monkeypatch):
    monkeypatch.setattr(
        sys.modules["zsnas.evaluate.record"], "record", lambda evaluation: evaluation.file.name
    )
    output = run(capsys, "evaluate", "mine.py", "--output", "mine.json")[1]
    assert output.endswith("the result, which the leaderboard of the book reads, is mine.json\n")
    assert Path("mine.json").read_text(encoding="utf-8") == "mine.py"

from pathlib import Path

from command_line import run

import zsnas.notebooks


def test_notebooks_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(zsnas.notebooks, "list_notebooks", lambda pattern: [pattern, "fig06"])
    assert run(capsys, "notebooks", "list", "fig*") == (0, "fig*\nfig06\n", "")


def test_a_notebook_runs_with_its_parameters(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(zsnas.notebooks, "run", lambda *a: calls.append(a) or Path("result.ipynb"))
    arguments = "notebooks run fig06 -p seeds=7,8 -p title=a=b --profile quick --output there.ipynb"
    assert run(capsys, *arguments.split()) == (0, "executed as result.ipynb\n", "")
    assert calls == [("fig06", {"seeds": "7,8", "title": "a=b"}, "quick", "there.ipynb")]


def test_a_notebook_that_fails_shows_its_cell(monkeypatch, capsys):
    def failing(*_):
        raise zsnas.notebooks.NotebookError("cell 3 failed\n  with a trace")

    monkeypatch.setattr(zsnas.notebooks, "run", failing)
    assert run(capsys, "notebooks", "run", "fig06") == (1, "", "cell 3 failed\n  with a trace\n")


def test_checking_the_notebooks_passes_or_says_which_are_stale(monkeypatch, capsys):
    monkeypatch.setattr(zsnas.notebooks, "check", lambda: None)
    assert run(capsys, "notebooks", "check")[0] == 0

    def stale():
        raise zsnas.notebooks.StaleNotebooks("fig06 is stale")

    monkeypatch.setattr(zsnas.notebooks, "check", stale)
    assert run(capsys, "notebooks", "check") == (1, "", "fig06 is stale\n")

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run

import zsnas.book.pages


def test_notebooks_are_listed_with_their_questions(capsys):
    status, output, _ = run(capsys, "notebooks", "list", "fig06*")
    assert status == 0
    assert "fig06  How well do ten proxies rank NAS-Bench-201?" in output.splitlines()


def test_a_wildcard_that_no_notebook_matches_is_an_error(capsys):
    complaint = "zsnas: no notebook matches 'zzz*'; `zsnas notebooks list` names them all\n"
    assert run(capsys, "notebooks", "list", "zzz*") == (2, "", complaint)


def test_fig6_is_fig06():
    assert zsnas.book.pages.page("fig6") == zsnas.book.pages.page("fig06")


def test_a_notebook_runs_with_its_parameters(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(zsnas.book.pages, "run", lambda *a: calls.append(a) or Path("result.ipynb"))
    monkeypatch.setattr(zsnas.book.pages, "write_html", lambda _, path: path.with_suffix(".html"))
    arguments = "notebooks run fig06 -p seeds=7,8 -p title=a=b --profile quick --output there.ipynb"
    assert run(capsys, *arguments.split()) == (
        0,
        "executed as result.ipynb\nto read: result.html\n",
        "",
    )
    assert calls == [("fig06", {"seeds": "7,8", "title": "a=b"}, "quick", "there.ipynb")]


def test_a_notebook_that_fails_shows_its_cell(monkeypatch, capsys):
    def failing(*_):
        raise zsnas.book.pages.NotebookError("cell 3 failed\n  with a trace")

    monkeypatch.setattr(zsnas.book.pages, "run", failing)
    assert run(capsys, "notebooks", "run", "fig06") == (1, "", "cell 3 failed\n  with a trace\n")


def test_a_notebook_that_is_stopped_says_how_to_go_on(monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(zsnas.book.pages, "run", stopped)
    status, output, errors = run(capsys, "notebooks", "run", "fig06", "-p", "recompute=true")
    assert (status, output) == (130, "")
    assert "what recompute=true has scored is kept, and the same command goes on" in errors


def test_a_notebook_is_written_as_one_or_not_run(tmp_path, capsys):
    for given in (tmp_path, "result.html"):
        status, output, errors = run(capsys, "notebooks", "run", "fig06", "--output", str(given))
        assert (status, output, errors.count("\n")) == (2, "", 1)
        assert "does not end in .ipynb, as the executed notebook does" in errors


def test_checking_the_notebooks_passes_or_says_which_are_stale(monkeypatch, capsys):
    monkeypatch.setattr(zsnas.book.pages, "check", lambda: None)
    assert run(capsys, "notebooks", "check")[0] == 0

    def stale():
        raise zsnas.book.pages.StaleNotebooks("fig06 is stale")

    monkeypatch.setattr(zsnas.book.pages, "check", stale)
    assert run(capsys, "notebooks", "check") == (1, "", "fig06 is stale\n")


WITHOUT = """
import sys
from zsnas.cli import main

sys.modules[sys.argv[1]] = None  # as if it were not installed
sys.exit(main(["notebooks", *sys.argv[2:]]))
"""


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("yaml", "list"),
        ("nbformat", "check"),
        *((package, "run fig06") for package in ("ipykernel", "jupytext", "nbconvert", "papermill")),
    ],
)
def test_without_the_extra_of_the_book_it_says_what_to_install(package, command):
    call = [sys.executable, "-c", WITHOUT, package, *command.split()]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    needs = f"zsnas notebooks {command.split()[0]} needs the package {package}, which is not installed"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"zsnas: {needs}: pip install 'zsnas[book]'\n"

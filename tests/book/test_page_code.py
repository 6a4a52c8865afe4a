"""The code in the sources of the pages passes the formatter and the linter, and is there to be read."""

import subprocess
import sys

import nbformat
import pytest

from zsnas.book.pages.page import PROJECT, Page, pages

PAGES = pages(PROJECT)
LONGEST = 200  # lines of a source
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}

UNREVISED = {"claims_printed", "claims_ranking", "claims_theory", "cost", "fig01", "fig02", "fig04", "fig05"}
UNREVISED |= {"fig11", "fig12", "fig16", "fig18", "fig19", "first_proxy", "tab03"}
"""Pages whose code is still to be revised."""

LONG = {"explorer", "fig08", "fig10", "fig15", "fig17", "index", "leaderboard"}
"""Pages that are longer than others, or fold more of their code away."""

REVISED = sorted(PAGES.keys() - UNREVISED)


def ruff(command, name):
    """Run a command of ruff on the code of a page, as a notebook in the folder of the pages."""
    notebook = PAGES[name].read()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--stdin-filename", f"notebooks/{name}.ipynb", "-"],
        input=nbformat.writes(notebook),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )


@pytest.mark.parametrize("name", REVISED)
def test_code_is_formatted(name):
    formatted = ruff(["format", "--diff"], name)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr


@pytest.mark.parametrize("name", REVISED)
def test_code_passes_the_linter(name):
    checked = ruff(["check", "--output-format", "concise"], name)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", sorted({*REVISED} - LONG))
def test_most_of_the_code_is_shown(name):
    """At most a quarter is folded away: the parameters, and what is imported."""
    code = [cell for cell in PAGES[name].read().cells if cell.cell_type == "code"]
    lines = {cell_number: len(cell.source.splitlines()) for cell_number, cell in enumerate(code)}
    hidden = sum(
        lines[number] for number, cell in enumerate(code) if HIDDEN & {*cell.metadata.get("tags", ())}
    )
    assert hidden <= sum(lines.values()) / 4


@pytest.mark.parametrize("name", sorted({*REVISED} - LONG))
def test_a_page_is_short(name):
    assert len(PAGES[name].source.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_code_that_is_not_formatted_is_found(monkeypatch):
    """A page of a cell that ruff would write otherwise, with an import that nothing uses."""
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os\nx=1")])
    monkeypatch.setattr(Page, "read", lambda _page: page)

    assert "x = 1" in ruff(["format", "--diff"], REVISED[0]).stdout
    assert "F401" in ruff(["check"], REVISED[0]).stdout

"""The book's sources: every notebook has its place, and every page says what it was made from."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from nbformat.v4 import new_markdown_cell, new_notebook

from zsnas.book import pages as notebooks
from zsnas.book.pages.export import export
from zsnas.book.pages.references import References

ROOT = Path(__file__).parents[2]


def test_every_notebook_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    below = [section["file"] for chapter in chapters for section in chapter.get("sections", ())]
    listed = {toc["root"], *(chapter["file"] for chapter in chapters), *below}

    assert {f"notebooks/{name}" for name in notebooks.list_notebooks()} - listed == set()


@pytest.fixture
def annotated(monkeypatch):
    """Return a function that passes a page through the extension and returns the texts of its cells."""
    monkeypatch.syspath_prepend(ROOT / "book" / "_extensions")
    import page_provenance

    def annotate(docname, reasons, metadata, code=()):
        monkeypatch.setattr(notebooks, "stale", lambda _: reasons)
        cells = [{"cell_type": "markdown", "source": text} for text in ("# Title", "Text")]
        cells += code
        content = [json.dumps({"cells": cells, "metadata": metadata})]
        page_provenance._annotate(None, docname, content)
        return [cell["source"] for cell in json.loads(content[0])["cells"]]

    yield annotate
    del sys.modules["page_provenance"]


RECORD = {
    "source": "f" * 64,
    "parameters": {"seeds": [0]},
    "files": {"data/scores/x.parquet": "a" * 64},
    "sources": {"images/x": "missing"},
    "code": {"figures.py": "b" * 16},
}


def test_links_to_a_source_lead_to_its_page(annotated):
    cell = {"cell_type": "markdown", "source": ["[a](fig13.md), ", "[b](fig06.md#tab), [c](nowhere.md)"]}

    assert annotated("notebooks/fig06", [], {}, [cell])[-1] == (
        "[a](fig13.ipynb), [b](fig06.ipynb#tab), [c](nowhere.md)"
    )


def test_page_says_what_it_was_made_from(annotated):
    texts = annotated("notebooks/fig06", [], {"zsnas": {**RECORD, "versions": {"torch": "2.14.1"}}})

    assert texts[:2] == ["# Title", "Text"]
    assert "`seeds = [0]`" in texts[2]
    assert "torch 2.14.1" in texts[2]
    assert "`data/scores/x.parquet` (SHA-256 `aaaaaaaaaaaa`)" in texts[2]
    assert "`images/x` (missing)" in texts[2]
    assert "Code: 1 modules of `zsnas`" in texts[2]
    assert "zsnas notebooks run fig06" in texts[2]


def test_page_offers_the_parameters_that_its_code_uses(annotated):
    code = [
        {
            "cell_type": "code",
            "source": ["seeds = [0]\n", "limit = None"],
            "metadata": {"tags": ["parameters"]},
        },
        {"cell_type": "code", "source": ["print(\n", "    seeds)"], "metadata": {}},
    ]

    texts = annotated("notebooks/fig04", [], {"zsnas": {**RECORD, "versions": {}}}, code)

    assert "\nzsnas notebooks run fig04 -p seeds=7\n" in texts[-1]


def test_stale_page_says_so_below_its_title(annotated):
    texts = annotated("notebooks/fig06", ["its source has changed"], {})

    assert texts[0] == "# Title"
    assert texts[1].startswith(":::{warning}")
    assert "Since then, its source has changed." in texts[1]


def test_page_is_read_as_myst(annotated, tmp_path):
    page = new_notebook(cells=[new_markdown_cell("See {glue:text}`n` in [x](fig04.md).")])
    exported = export(page, "fig06", References(tmp_path))
    assert exported.cells[1].source == "See (not computed here) in [x](fig04.ipynb)."

    texts = annotated("notebooks/fig06", [], {}, code=exported.cells)

    assert texts[-1] == "See {glue:text}`n` in [x](fig04.ipynb)."


def test_pages_that_are_not_notebooks_are_left_alone(annotated):
    assert annotated("book/index", ["never asked"], {}) == ["# Title", "Text"]

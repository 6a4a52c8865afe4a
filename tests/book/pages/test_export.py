"""A page that is opened by itself has text where its source has MyST, and the book gets the MyST back."""

import copy
import importlib
import json
import logging
import sys
from base64 import b64encode
from pathlib import Path

import nbformat
import projects
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from zsnas import __version__
from zsnas.book import pages as notebooks
from zsnas.book.pages.export import export, restore
from zsnas.book.pages.references import References

_pages = importlib.import_module("zsnas.book.pages.page")

BOOK = {
    "_toc.yml": """
root: book/index
parts: [{chapters: [{file: book/proxies}, {file: notebooks/one}, {file: notebooks/two}]}]
""",
    "book/index.md": "# The book",
    "book/proxies.md": """
# Proxies

```{math}
:label: eq-a
a
```

(aims)=
## Aims

:::{table} Kinds
:name: tab-kinds

| a |
:::
""",
    "notebooks/one.md": "# One\n\n```{math}\n:label: eq-b\nb\n```\n\n(here)=\n## Here",
    "notebooks/two.md": "# Two\n\n(there)=\n## There",
    "book/references.bib": (
        "@article{a2020, author = {van Dam, Jan}, title = {A}, year = {2020}, doi = {10.1/2}}\n"
        "@article{b2021, author = {Li, B and Wu, C}, title = {B}, year = {2021}, eprint = {2101.1}}\n"
        "@misc{c2022, author = {{The C authors}}, title = {C}, year = {2022}, url = {https://c.org}}\n"
        "@book{d2023, author = {D, D and E, E and F, F}, title = {D}, year = {2023}}\n"
    ),
}


@pytest.fixture
def book(tmp_path):
    """Return the folder of a small book."""
    for file, text in BOOK.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    return tmp_path


def glued(name, value):
    """Return what `glue` leaves in a notebook."""
    mime = "application/papermill.record/text/plain"
    return new_output("display_data", {mime: repr(value)}, metadata={"scrapbook": {"name": name}})


def shown(text):
    """Return the output of a cell that shows Markdown."""
    return new_output("execute_result", {"text/markdown": text, "text/plain": "<Markdown>"})


def figure(name, caption):
    """Return a cell that draws a figure."""
    return new_code_cell("draw()", metadata={"mystnb": {"figure": {"name": name, "caption": caption}}})


def glued_as(kind, name, value):
    """Return what `glue` leaves of something that is shown."""
    mime = f"application/papermill.record/text/{kind}"
    return new_output("display_data", {mime: value}, metadata={"scrapbook": {"name": name}})


def test_a_glued_figure_and_a_glued_text_stand_where_the_page_asks_for_them(book):
    source = (
        "Look at {numref}`fig-bars`.\n\n"
        ":::{glue:figure} bars\n:name: fig-bars\n\nBars of {glue:text}`n`.\n:::\n\n"
        ":::{glue:md} verdict\n:format: myst\n:::\n\nAfter."
    )
    drawing = '<svg role="img" aria-label="Bars &amp; whiskers" style=""><g/></svg>'
    code = new_code_cell(
        "say()",
        outputs=[
            glued_as("html", "bars", drawing),
            glued("n", 3),
            glued_as("markdown", "verdict", "- **Agrees**, see {eq}`eq-a`."),
        ],
    )
    notebook = new_notebook(cells=[new_markdown_cell(source), code])

    exported = export(notebook, "one", References(book))

    image = b64encode(drawing.encode()).decode()
    assert exported.cells[1].source == (
        "Look at Fig. 2.1.\n\n"
        f'<img alt="Bars &amp; whiskers" src="data:image/svg+xml;base64,{image}">\n\n'
        "**Fig. 2.1.** Bars of 3.\n\n"
        "- **Agrees**, see [Eq. 1.1](../book/proxies.md).\n\nAfter."
    )
    page = json.loads(nbformat.writes(exported))
    restore(page)
    assert "".join(page["cells"][0]["source"]) == source


@pytest.mark.parametrize("is_installed", [True, False])
def test_the_first_cell_installs_the_project_where_it_is_missing(book, page, monkeypatch, is_installed):
    shell, installed = InteractiveShell(), []
    shell.register_magic_function(installed.append, magic_name="pip")
    if not is_installed:
        monkeypatch.setitem(sys.modules, "zsnas", None)

    first = export(page, "one", References(book)).cells[0]
    shell.run_cell(first.source).raise_error()

    assert installed == ([] if is_installed else [f'install --quiet "zsnas[book]=={__version__}"'])
    assert "remove-cell" in first.metadata.tags  # the page as HTML has nothing to install


TABLE = """:::{table} Sizes, {eq}`eq-a`.
:name: tab-sizes

| a | b |
| :-- | --: |
| 1 | {cite:t}`b2021` |
:::

:::{legend}
Of {glue:text}`n`.
:::

More."""


@pytest.fixture
def page():
    """Return an executed page in MyST."""
    return new_notebook(
        cells=[
            new_markdown_cell(
                "# One\n\n{glue:text}`n` networks, {numref}`fig-second` and {numref}`tab-sizes`."
            ),
            new_code_cell("glue('n', 1)", outputs=[glued("n", 1234), glued("word", "a_b _c*")]),
            figure("fig-first", "The first, of {glue:text}`n`."),
            figure("fig-second", "The second; as {numref}`fig-first`."),
            new_code_cell("table()", outputs=[shown(TABLE), new_output("stream", text="{eq}`eq-a`")]),
        ]
    )


def test_page_reads_by_itself(book, page):
    _, *cells = export(page, "one", References(book)).cells
    one, plumbing, first, about_first, _, about_second, table = cells

    assert one.source == "# One\n\n1234 networks, Fig. 2.2 and Table 2.1."
    assert first.cell_type == "code"
    assert about_first.source == "**Fig. 2.1.** The first, of 1234."
    assert about_second.source == "**Fig. 2.2.** The second; as Fig. 2.1."
    assert table.outputs[0].data["text/markdown"] == (
        "**Table 2.1.** Sizes, [Eq. 1.1](../book/proxies.md).\n\n| a | b |\n| :-- | --: |\n"
        "| 1 | [Li and Wu (2021)](https://arxiv.org/abs/2101.1) |\n\n"
        "*How this was computed.* Of 1234.\n\nMore."
    )
    assert table.outputs[1].text == "{eq}`eq-a`"  # what a program prints is no markup
    assert plumbing.source == "glue('n', 1)"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{glue:text}`word`", r"a_b \_c\*"),
        ("{eq}`eq-b`", "Eq. 2.1"),
        ("{cite:p}`a2020`", "([van Dam 2020](https://doi.org/10.1/2))"),
        ("{cite:p}`a2020,d2023`", "([van Dam 2020](https://doi.org/10.1/2); D et al. 2023)"),
        ("{cite:t}`c2022`", "[The C authors (2022)](https://c.org)"),
        ("{numref}`tab-kinds`", "a table of [Proxies](../book/proxies.md)"),
        ("```{math}\n:label: eq-b\nb^2\n```", "$$\nb^2\n\\tag{2.1}\n$$"),
        ("(here)=\n## Here", '<a id="here"></a>\n\n## Here'),
        ("[x](two.md) [y](two.md#there)", "[x](two.ipynb) [y](two.ipynb#there)"),
        ("[x](here) [y](#there) [z](aims)", "[x](#here) [y](two.ipynb#there) [z](../book/proxies.md#aims)"),
        ("[x](../book/proxies.md) [y](#nowhere)", "[x](../book/proxies.md) [y](#nowhere)"),
        ("`code` and $\\frac{a}{b}$", "`code` and $\\frac{a}{b}$"),
    ],
)
def test_markup_becomes_text_and_comes_back(book, page, markup, text):
    page.cells.append(new_markdown_cell(f"Before. {markup} After." if "\n" not in markup else markup))
    before = copy.deepcopy(page)

    exported = export(page, "one", References(book))
    assert text in exported.cells[-1].source
    assert page == before

    restore(exported)
    assert exported == before


def test_restored_page_is_what_was_exported_after_being_a_file(book, page):
    exported = json.loads(nbformat.writes(export(page, "one", References(book))))
    restore(exported)

    assert nbformat.v4.reads(json.dumps(exported)) == page


def test_exporting_what_was_restored_gives_the_same(book, page):
    exported = export(page, "one", References(book))
    restored = copy.deepcopy(exported)
    restore(restored)

    assert export(restored, "one", References(book)) == exported


@pytest.mark.parametrize("markup", ["{eq}`eq-z`", "{cite:p}`z`", "{sub}`2`"])
def test_markup_of_unknown_meaning_is_refused(book, page, markup):
    page.cells.append(new_markdown_cell(markup))

    with pytest.raises(ValueError, match=r"notebook 'one' has .* is neither a role that can be written"):
        export(page, "one", References(book))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{glue:text}`m`", "(not computed here)"),
        ("{numref}`fig-z`", "a figure that is not shown here"),
        ("{numref}`tab-z`", "a table that is not shown here"),
    ],
)
def test_what_only_other_parameters_show_is_said_to_be_missing(book, page, markup, text):
    page.cells.append(new_markdown_cell(markup))

    assert export(page, "one", References(book)).cells[-1].source == text


@pytest.mark.parametrize("name", notebooks.list_notebooks())
def test_no_markup_is_left_in_any_page_of_the_book_and_it_comes_back(name):
    page = notebooks.page(name).read_executed()
    restore(page)
    exported = export(page, name, References(projects.ROOT))

    for cell in exported.cells:
        outputs = [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", ())]
        assert not [text for text in (cell.source, *outputs) if "{glue:" in text or ":::" in text]
        if cell.cell_type == "markdown":
            assert "{eq}" not in cell.source

    restore(exported)
    assert exported == page


NUMBERED = projects.HEADER + projects.cell("from myst_nb import glue\nglue('x', 5, display=False)")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project with an executed page that refers to an equation."""
    folder = projects.make(tmp_path / "project", {"one": f"{NUMBERED}\n{{glue:text}}`x` by {{eq}}`eq-a`\n"})
    for file in ("_toc.yml", "book/index.md", "book/proxies.md", "notebooks/two.md"):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(BOOK[file].replace(", {file: notebooks/two}", ""))
    (folder / "notebooks" / "two.md").unlink()
    monkeypatch.setattr(_pages, "PROJECT", folder)
    notebooks.run("one", progress=False)
    return folder


def last_text(project):
    """Return the last text of the executed page."""
    return nbformat.read(project / "notebooks" / "one.ipynb", as_version=4).cells[-1].source


def test_text_is_written_anew_when_the_book_is_numbered_otherwise(project, caplog):
    caplog.set_level(logging.INFO)
    assert last_text(project) == "5 by [Eq. 1.1](../book/proxies.md)"
    assert notebooks.stale("one") == []

    proxies = project / "book" / "proxies.md"
    proxies.write_text("```{math}\n:label: eq-new\nx\n```\n" + proxies.read_text())
    assert notebooks.stale("one") == ["its text no longer follows from the book's labels and bibliography"]

    notebooks.refresh()
    assert last_text(project) == "5 by [Eq. 1.2](../book/proxies.md)"
    assert notebooks.stale("one") == []
    assert "one: writing its text anew" in caplog.text


def test_page_is_stale_when_the_book_no_longer_has_its_equation(project):
    (project / "book" / "proxies.md").write_text("# Proxies")

    [reason] = notebooks.stale("one")

    assert "notebook 'one' has '{eq}`eq-a`'" in reason


def test_page_is_written_as_html_that_hides_what_the_book_hides(project, tmp_path):
    executed = Path(tmp_path, "page.ipynb")
    cells = [
        new_markdown_cell("See [Figure 4](fig04.ipynb) and [the proxies](../book/proxies.md#aims)."),
        new_code_cell("plumbing()", metadata={"tags": ["remove-cell"]}),
        new_code_cell("drawing()", metadata={"tags": ["hide-input"]}, outputs=[shown("**Table 1.** Sizes.")]),
        new_code_cell("computation()"),
    ]
    nbformat.write(new_notebook(cells=cells), executed)

    html = notebooks.write_html("one", executed)

    text = html.read_text()
    assert html == executed.with_suffix(".html")
    assert "computation" in text
    assert "Table 1." in text
    assert "plumbing" not in text
    assert "drawing" not in text
    assert f'{project.as_uri()}/_build/html/notebooks/fig04.html"' in text
    assert f'{project.as_uri()}/_build/html/book/proxies.html#aims"' in text


def test_html_of_a_page_of_the_book_is_below_build(project):
    html = notebooks.write_html("one", project / "notebooks" / "one.ipynb")

    assert html == project / "_build" / "notebooks" / "one.html"

"""The Sphinx extensions of the book, on a small book of prose."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zsnas import __version__

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_extensions"
FILES = {
    "_toc.yml": """
root: book/index
parts:
  - chapters: [{file: book/one}, {file: book/survey}, {file: book/glossary}, {file: book/about}]
  - chapters: [{file: book/questions}]
""",
    "conf.py": """
extensions = ["myst_parser", "sphinx_design", "survey_places", "glossary_links", "page_findings"]
extensions += ["site_furniture", "legends", "figure_files", "drawings"]
myst_enable_extensions = ["colon_fence", "attrs_inline"]
root_doc = "book/index"
html_title = "A small book"
html_theme = "sphinx_book_theme"
""",
    "book/index.md": "# Front\n\n```{toctree}\none\ndrawn\nsurvey\nglossary\nquestions\nabout\n```",
    "book/one.md": """---
zsnas:
  survey: [Figure 6, Table II]
---

# Why a proxy?

A zero-cost proxy costs little, and proxies are many; a zero-cost proxy is mentioned twice here, enough
for a description that is cut at a word somewhere before the end of this very long paragraph of a small book.
In [3 of 4]{.pasted-text} cases, e.g. on CIFAR, [it costs 0.5 s. It pays]{.pasted-text}. Is it so?

In [2]{.pasted-text} cases not.
""",
    "book/drawn.md": """# Drawn

```{drawing}
What is seen.

From 7 networks.
```

:::{table} Kinds.
:name: tab-kinds

| a | b |
| :-- | --: |
| 1 | 2 |
:::

:::{legend}
From 8 *networks*.
:::
""",
    "drawings.py": """
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

DRAWING = '<svg version="1.1" width="72pt" height="36pt" viewBox="0 0 72 36">'
DRAWING += '<text y="9" font-family="DejaVu Sans">Hi</text></svg>'


class Drawing(SphinxDirective):
    has_content = True

    def run(self):
        caption, *others = self.parse_content_to_nodes()
        parts = nodes.caption("", "", *caption.children), nodes.legend("", *others)
        return [nodes.figure("", nodes.raw("", DRAWING * 2, format="html"), *parts, ids=["fig-drawn"])]


def setup(app):
    app.add_directive("drawing", Drawing)
""",
    "book/questions.md": "# Which page?\n\n```{finding} one\n```",
    "book/survey.md": "# Where?\n\nHere.",
    "book/glossary.md": """# Words

```{glossary}
proxy
zero-cost proxy
  A number.

cell
  A graph.
```
""",
    "book/about.md": "# About\n\nVersion {{version}}.",
}
SITE = {"ZSNAS_REPOSITORY": "https://github.com/someone/something", "ZSNAS_SITE": "https://example.org/book"}


def build(folder, **addresses):
    """Build the small book and return the folder of its pages."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "notebooks").mkdir()
    paths = os.pathsep.join(map(str, (folder, EXTENSIONS, ROOT)))
    environment = {key: value for key, value in os.environ.items() if key not in SITE}
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(folder), str(folder / "out")],
        env={**environment, "PYTHONPATH": paths, "SOURCE_DATE_EPOCH": "86400", **addresses},
        check=True,
    )
    return folder / "out"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return the small book, built without knowing where it will be."""
    return build(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def addressed(tmp_path_factory):
    """Return the small book, built for a site and a repository."""
    return build(tmp_path_factory.mktemp("addressed"), **SITE)


def read(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def test_a_page_says_below_its_title_which_figures_of_the_survey_it_has(plain):
    page = read(plain, "book/one.html").partition("<article")[2]
    badge = page[page.index("survey-badge") :]
    assert page.index("<h1>") < page.index("survey-badge") < page.index("costs little")
    assert re.sub("<[^>]+>", "", badge[: badge.index("</div>")]).endswith(
        "The survey’s Figure 6 and Table II\n"
    )


def test_the_table_leads_from_every_place_of_the_survey_to_its_pages(plain):
    text = re.sub("<[^>]+>", "", read(plain, "book/survey.html"))
    rows = text[text.index("Page\n") :].split("\n")
    places = [row for row in rows if re.match("(Figure|Table) ", row)]
    assert len(places) == 19 + 6
    assert rows[rows.index("Figure 6") + 1] == rows[rows.index("Table II") + 1] == "Why a proxy?"
    assert rows[rows.index("Figure 7") + 1] == "–"


def test_an_unknown_place_is_an_error(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    import survey_places

    with pytest.raises(
        ValueError, match=r"book/one is said to compute 'Fig\. 6', but the survey has Figures 1"
    ):
        survey_places._with_badge("# One", ("Fig. 6",), "book/one")


def test_the_first_use_of_a_term_leads_to_the_glossary(plain):
    page = read(plain, "book/one.html")
    links = re.findall(r'<a class="[^"]*term[^"]*" href="([^"]+)"><span>([^<]+)</span></a>', page)
    assert links == [("glossary.html#term-zero-cost-proxy", "zero-cost proxy")]


def test_a_search_for_another_name_looks_for_the_one_of_the_book(plain):
    search = read(plain, "search.html")
    [names] = re.findall(r"const names = (\[\[.*\]\]);", search)
    asked = {re.sub(pattern, here, "a zero-cost proxy") for pattern, here in json.loads(names)}
    assert asked == {"a zero-cost proxy", "a proxy"}
    asked = {re.sub(pattern, here, "zero-cost proxys") for pattern, here in json.loads(names)}
    assert "proxy" in asked
    assert "licence" in {re.sub(pattern, here, "license") for pattern, here in json.loads(names)}


def test_a_page_quotes_the_computed_sentences_of_the_opening_of_another(plain):
    page = read(plain, "book/questions.html")
    quotation = page[page.index("<blockquote") : page.index("</blockquote>")]
    assert " ".join(re.sub("<[^>]+>", "", quotation).split()) == (
        "In 3 of 4 cases, e.g. on CIFAR, it costs 0.5 s. It pays. → Why a proxy?"
    )
    assert 'href="one.html"' in quotation


def test_a_page_that_computes_nothing_cannot_be_quoted(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    import page_findings
    from docutils import nodes
    from sphinx.util.docutils import new_document

    document = new_document("page")
    document += nodes.section("", nodes.paragraph("", "Nothing is computed."))
    assert page_findings.found(document) == ""


def test_about_has_the_version(plain):
    assert f"Version {__version__}." in read(plain, "book/about.html")


def test_a_page_describes_itself_where_it_is_shared(plain, addressed):
    tags = dict(re.findall(r'<meta property="([^"]+)" content="([^"]*)">', read(plain, "book/one.html")))
    assert tags["og:title"] == "Why a proxy?"
    assert tags["og:description"].startswith("A zero-cost proxy costs little")
    assert len(tags["og:description"]) <= 202
    assert "og:image" not in tags
    tags = dict(re.findall(r'<meta property="([^"]+)" content="([^"]*)">', read(addressed, "book/one.html")))
    assert tags["og:image"] == "https://example.org/book/_static/card.png"
    assert (addressed / "_static" / "card.png").read_bytes().startswith(b"\x89PNG")


def test_the_site_map_has_every_page_when_the_address_is_known(plain, addressed):
    assert not (plain / "sitemap.xml").exists()
    found = re.findall("<loc>([^<]+)</loc>", read(addressed, "sitemap.xml"))
    names = ("about", "drawn", "glossary", "index", "one", "questions", "survey")
    assert found == [f"https://example.org/book/book/{name}.html" for name in names]


def test_lost_visitors_are_led_back(plain, addressed):
    assert 'href="/"' in read(plain, "404.html")
    assert 'href="https://example.org/book/"' in read(addressed, "404.html")


def test_no_page_loads_the_scripts_of_icons(plain):
    page = read(plain, "book/one.html")
    assert "fontawesome" in page
    assert not re.search("<script[^>]*fontawesome", page)
    assert "fa-brands" not in page


def test_files_that_no_page_loads_are_not_published(plain):
    static = plain / "_static"
    assert list(static.glob("vendor/fontawesome/*/webfonts/fa-solid-900.woff2"))
    assert not [*static.rglob("*.map"), *static.glob("vendor/fontawesome/*/js/*")]


def test_how_a_figure_and_a_table_were_computed_is_folded_below_them(plain):
    page = read(plain, "book/drawn.html")
    figure, _, rest = page.partition("</figure>")
    fold = '<details class="computed"><summary>How this was computed</summary>'
    assert "What is seen." in figure.partition(fold)[0]
    assert figure.partition(fold)[2].startswith("\n<p>From 7 networks.</p>\n</details>")
    assert f"</table>\n</div>\n{fold}\n<p>From 8 <em>networks</em>.</p>\n</details>" in rest


def test_every_figure_is_there_as_a_pdf(plain):
    page = read(plain, "book/drawn.html")
    caption = page[page.index("<figcaption>") : page.index("<details")]
    assert 'href="../figures/fig-drawn.pdf" download' in caption
    written = (plain / "figures" / "fig-drawn.pdf").read_bytes()
    assert written.startswith(b"%PDF")
    assert b"/Count 2/" in written  # one page for each drawing
    assert b"/ToUnicode" in written  # its text is text


def test_foot_and_launch_buttons(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    import site_furniture
    from sphinx.config import Config

    for key, value in SITE.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    config = Config()
    config.html_theme_options = {"other": 1}
    site_furniture._know_addresses(None, config)
    foot = site_furniture._foot({"pathto": lambda name: f"../{name}.html"}, "notebooks/fig13")

    assert f"zsnas {__version__}, built 1970-01-02." in foot
    assert "https://github.com/someone/something/edit/main/notebooks/ratio.md" in foot
    assert config.html_baseurl == "https://example.org/book/"
    assert config.html_theme_options["repository_url"] == "https://github.com/someone/something"
    assert config.html_theme_options["other"] == 1
    assert {"binderhub_url", "colab_url"} <= set(config.html_theme_options["launch_buttons"])

"""Every entry of the table of contents has its page."""

import re

import yaml
from built import BOOK, PAGES, ROOT


def test_every_entry_of_the_table_of_contents_has_a_page():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    entries = [toc["root"], *chapters, "index", "search"]
    expected = [BOOK / f"{entry}.html" for entry in entries]

    assert PAGES, "there is no book in _build/html; build it with `make book`"
    assert [page for page in expected if not page.is_file() or not page.stat().st_size] == []


def test_the_site_is_under_sixty_megabytes():
    assert sum(file.stat().st_size for file in BOOK.rglob("*") if file.is_file()) < 60_000_000


def test_what_a_page_says_in_its_prose_has_no_markup_left():
    """The text that code gives to a sentence is not read as Markdown."""
    said = {
        (page.name, text)
        for page in PAGES
        for text in re.findall(r'class="pasted-text">([^<]*)', page.read_text(encoding="utf-8"))
    }
    assert said
    assert [found for found in said if re.search(r"`|\*\*|\]\(", found[1])] == []

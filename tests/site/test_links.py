"""Every link of the built book that stays inside it leads to a file, and to an anchor where it names one."""

from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from built import BOOK, every_page, needs_book


class Page(HTMLParser):
    """The links and anchors of one HTML page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, _tag, attrs):
        attributes = dict(attrs)
        self.links += [attributes[key] for key in ("href", "src") if attributes.get(key)]
        self.anchors |= {attributes[key] for key in ("id", "name") if attributes.get(key)}


@cache
def read(path):
    return Page(path.read_text(encoding="utf-8"))


def broken(page, link):
    url = urlsplit(link)
    if url.scheme or url.netloc:
        return False
    target = (page.parent / unquote(url.path)).resolve() if url.path else page
    if not target.is_file():
        return True
    is_page = target.suffix == ".html" and target.is_relative_to(BOOK)
    return bool(url.fragment) and is_page and unquote(url.fragment) not in read(target).anchors


@needs_book
@every_page
def test_internal_links_lead_somewhere(page):
    assert [link for link in read(page).links if broken(page, link)] == []


@needs_book
@every_page
def test_nothing_is_loaded_from_another_host(page):
    text = page.read_text(encoding="utf-8")

    assert 'src="http' not in text
    assert 'rel="stylesheet" href="http' not in text

"""Every number of the leaderboard is the one of the page that it leads to, and both pages stay small."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from built import BOOK, needs_book
from chromium import opened

FOLDER = BOOK / "notebooks"
LEADERBOARD, EXPLORER, INDEX = (FOLDER / f"{name}.html" for name in ("leaderboard", "explorer", "index"))
PRINTED = {
    "kt": "KT, all",
    "kt_top": "KT, top",
    "spr": "SPR, all",
    "spr_top": "SPR, top",
    "regret": "below the best",
    "n": "n (missing)",
    "missing": "n (missing)",
    "cost": "bare passes",
}
"""How the other pages head the columns of the leaderboard."""

pytestmark = needs_book


class Tables(HTMLParser):
    """The tables of a page: their anchor, and rows of cells, each a text with attributes and a link."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.cell, self.anchor = [], None, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if attributes.get("id"):
            self.anchor = attributes["id"]
        if tag == "table":
            self.tables.append((attributes.get("id") or self.anchor, []))
        elif tag == "tr" and self.tables:
            self.tables[-1][1].append((attributes, []))
        elif tag in ("td", "th") and self.tables:
            self.cell = {"text": "", "href": "", **attributes}
            self.tables[-1][1][-1][1].append(self.cell)
        elif tag == "a" and self.cell is not None:
            self.cell["href"] = attributes.get("href", "")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell["text"] += data


@cache
def tables(page):
    return Tables((FOLDER / page).read_text(encoding="utf-8")).tables


def printed(link, label, column):
    """Return the cell of a proxy and a column in the table that a link leads to."""
    page, _, anchor = link.partition("#")
    for name, (head, *body) in tables(page):
        titles = [" ".join(cell["text"].split()) for cell in head[1]]
        found = [k for k, title in enumerate(titles) if title.startswith(PRINTED[column])]
        if not found or (anchor and anchor != name):
            continue
        texts = [[" ".join(cell["text"].split()) for cell in cells] for _, cells in body]
        cells = {re.sub(r", Eq\. [\d.]+", "", text[0]): text[found[0]] for text in texts}
        if label in cells or f"{label}, whole space" in cells:
            return cells.get(label, cells.get(f"{label}, whole space"))
    return None


def rows():
    [(_, body)] = [table for table in tables("leaderboard.html") if "data-proxy" in table[1][-1][0]]
    return [row for row in body if "data-proxy" in row[0]]


def shown(column, text):
    """Return what of a printed cell is the number of this column."""
    count = re.fullmatch(r"([\d,]+) \(([\d,]+)\)", text)
    if count and column in ("n", "missing"):
        return count[1 if column == "n" else 2]
    return text.partition(" ")[0] if column in ("regret", "cost") else text


def test_every_number_equals_the_one_of_its_page():
    compared, differences = 0, []
    for about, cells in rows():
        for cell in cells:
            column = cell.get("data-column")
            if column not in PRINTED or not cell["href"] or cell["href"].startswith("leaderboard.html"):
                continue
            own = " ".join(cell["text"].split())
            other = printed(cell["href"], about["data-label"], column)
            compared += 1
            if other is None or shown(column, own) != shown(column, other):
                differences.append((about["data-benchmark"], about["data-proxy"], column, own, other))
    assert differences == []
    assert compared > 500


def test_the_correlations_of_the_explorer_are_those_of_the_leaderboard(browser):
    found = {(about["data-benchmark"], about["data-proxy"]): cells for about, cells in rows()}
    benchmarks = re.findall(r'data-benchmark="([^"]+)">', EXPLORER.read_text(encoding="utf-8"))
    assert len(benchmarks) > 1
    with opened(browser, EXPLORER.as_uri()) as tab:
        for benchmark in benchmarks:
            tab.get_by_role("combobox", name="Benchmark").select_option(benchmark)
            computed = tab.evaluate(
                """() => { const { networks } = document.querySelector(".explorer").explorer;
                const [first] = networks.seeds;
                const { seed } = first;
                return Object.keys(first.ranks).map((proxy) => {
                  const { kt, spr, n } = networks.correlations(networks.ranks(seed, proxy), 1);
                  return [proxy, kt, spr, n]; }) }"""
            )
            for proxy, kt, spr, n in computed:
                cells = {cell.get("data-column"): cell for cell in found[benchmark, proxy]}
                if "data-value" in cells["kt"]:
                    assert n == float(cells["n"]["data-value"]), (benchmark, proxy)
                    assert [kt, spr] == pytest.approx(
                        [float(cells[name]["data-value"]) for name in ("kt", "spr")], abs=1e-5
                    ), (benchmark, proxy)


@pytest.mark.parametrize("page", [LEADERBOARD, EXPLORER], ids=lambda page: page.stem)
def test_a_page_is_under_a_megabyte_and_a_half(page):
    assert page.stat().st_size < 1_500_000


@pytest.mark.parametrize("page", [LEADERBOARD, EXPLORER, INDEX], ids=lambda page: page.stem)
def test_an_instrument_in_the_dark_has_the_page_s_colours_and_fits_a_phone(browser, page):
    with opened(browser, page.as_uri(), width=390, color_scheme="dark") as tab:
        shown = tab.locator(".text_html:has(:is(.leaderboard, .explorer))").first
        assert shown.evaluate("it => getComputedStyle(it).backgroundColor") == "rgba(0, 0, 0, 0)"
        wide = ":is(.explorer *, .leaderboard > *)"
        width = shown.evaluate("it => it.getBoundingClientRect().width")
        assert (
            shown.locator(wide).evaluate_all(
                "(found, width) => found.filter(it => it.getBoundingClientRect().width > width + 0.5).length",
                width,
            )
            == 0
        )

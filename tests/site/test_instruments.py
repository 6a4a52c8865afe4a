"""Every number of the leaderboard is the one of the page that it leads to, and both pages stay small."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from built import BOOK, needs_book
from chromium import opened

FOLDER = BOOK / "notebooks"
LEADERBOARD, EXPLORER, INDEX = (FOLDER / f"{name}.html" for name in ("leaderboard", "explorer", "index"))
CLAIMS = BOOK / "book" / "claims.html"
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
    tops = {about["data-benchmark"]: float(about["data-top"]) for about, _ in rows()}
    assert len(benchmarks) > 1
    compared = 0
    with opened(browser, EXPLORER.as_uri()) as tab:
        for benchmark in benchmarks:
            tab.get_by_role("combobox", name="Benchmark").select_option(benchmark)
            computed = tab.evaluate(
                """(share) => { const { networks } = document.querySelector(".explorer").explorer;
                const [first] = networks.seeds;
                const { seed } = first;
                return Object.keys(first.ranks).map((proxy) => {
                  const ranks = networks.ranks(seed, proxy);
                  const [all, top] = [1, share].map((part) => networks.correlations(ranks, part));
                  return [proxy, all.n, all.kt, all.spr, top.kt, top.spr] }) }""",
                tops[benchmark],
            )
            for proxy, n, *values in computed:
                cells = {cell.get("data-column"): cell for cell in found[benchmark, proxy]}
                assert n == float(cells["n"].get("data-value", n)), (benchmark, proxy)
                for column, value in zip(("kt", "spr", "kt_top", "spr_top"), values, strict=True):
                    if "data-value" in cells[column]:
                        expected = float(cells[column]["data-value"])
                        assert value == pytest.approx(expected, abs=1e-5), (benchmark, proxy, column)
                        compared += 1
    assert compared > 300


def test_the_dearest_pick_of_the_explorer_has_the_regret_of_the_leaderboard(browser):
    """Where candidates share the first score, the leaderboard takes their mean, the explorer the cheapest."""
    found = {(about["data-benchmark"], about["data-proxy"]): cells for about, cells in rows()}
    compared = 0
    with opened(browser, EXPLORER.as_uri()) as tab:
        # Those of which the best network is drawn.
        for benchmark in ("nb201/cifar100", "nats-sss/cifar100", "timm/imagenet-cnn"):
            tab.get_by_role("combobox", name="Benchmark").select_option(benchmark)
            picked = tab.evaluate(
                """() => { const it = document.querySelector(".explorer").explorer;
                it.set("seed", String(it.networks.seeds[0].seed));
                return it.networks.proxies.map(({ name }) => {
                  it.set("proxy", name);
                  it.state.budget = "1000";
                  const { pick, ties } = it.bought();
                  return [name, it.networks.accuracy[0] - it.networks.accuracy[pick], ties] }) }"""
            )
            for proxy, lost, ties in picked:
                cells = {cell.get("data-column"): cell for cell in found[benchmark, proxy]}
                if ties == 1 and "data-value" in cells["regret"]:
                    expected = float(cells["regret"]["data-value"])
                    assert lost == pytest.approx(expected, abs=0.011), (benchmark, proxy)
                    compared += 1
    assert compared > 10


@pytest.mark.parametrize("width", [1280, 390])
def test_a_researcher_is_answered_in_a_few_steps(browser, width):
    with opened(browser, LEADERBOARD.as_uri(), width) as tab:
        # Which proxy should I use for a mobile network on ImageNet, and how sure is that?
        chooser = tab.get_by_label("Benchmark")
        mobile = [title for title in chooser.locator("option").all_inner_texts() if "obile" in title]
        assert len(mobile) > 1
        for title in mobile:
            chooser.select_option(label=title)
            said = tab.locator(".leaderboard .told").inner_text()
            assert re.search(r"networks best, τ = 0\.\d\d \[0\.\d\d,.0\.\d\d\]; (not told|it is ahead)", said)
        assert "?benchmark=" in tab.url
    with opened(browser, EXPLORER.as_uri(), width) as tab:
        # Show me the networks that SynFlow gets most wrong.
        tab.get_by_label("Proxy").select_option("synflow")
        for words in ("too high", "too low"):
            tab.get_by_role("button", name=f"Rated {words}").click()
            said = tab.get_by_text(f"The 12 networks that SynFlow rates {words}")
            assert said.bounding_box()["y"] < tab.get_by_role("application").first.bounding_box()["y"]
            assert tab.locator(".marks .network svg").count() == 12
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("page", [LEADERBOARD, EXPLORER, CLAIMS], ids=lambda page: page.stem)
def test_a_page_is_under_a_megabyte_and_a_half(page):
    assert page.stat().st_size < 1_500_000


def test_the_ledger_needs_no_equations():
    """Which would load a megabyte of scripts."""
    assert "tex-chtml" not in CLAIMS.read_text(encoding="utf-8")


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

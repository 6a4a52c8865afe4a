"""On a phone the sections of a long page are folded, and whatever leads to one unfolds it."""

from importlib.resources import files

import pytest
from built import needs_book
from test_browser import CHROMIUM, EVERYTHING, SERIOUS, address, browser

__all__ = ["address", "browser"]  # fixtures

LONG, SHORT = "notebooks/fig12.html", "notebooks/first_proxy.html"
LINK = """id => document.querySelector(".bd-article h1").insertAdjacentHTML(
  "beforeend", `<a id="there" href="#${id}">there</a>`)"""
FOLDED = "h2 > button[aria-expanded=false]"

pytestmark = [needs_book, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: see test_browser.py")]


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page at the size of a phone, or of a desktop."""
    opened = []

    def at(place, width=390, height=844, **more):
        opened.append(browser.new_context(viewport={"width": width, "height": height}, **more))
        opened[-1].set_default_timeout(120_000)
        tab = opened[-1].new_page()
        tab.goto(f"{address}/{place}", wait_until="load")
        return tab

    yield at
    for context in opened:
        context.close()


def sections(tab):
    return tab.locator(".bd-article > section > section").count()


def test_a_long_page_is_a_list_of_its_sections(open_page):
    tab = open_page(LONG)
    assert tab.locator(FOLDED).count() == sections(tab) > 3
    assert tab.evaluate("document.querySelector('.bd-article').scrollHeight / innerHeight") < 8
    assert tab.locator("figure").first.is_visible()  # the answer stays


def test_a_short_page_a_desktop_and_a_reader_without_scripts_have_all_of_it(open_page):
    assert open_page(SHORT).locator(FOLDED).count() == 0
    assert open_page(LONG, 1280).locator(FOLDED).count() == 0
    assert open_page(LONG, java_script_enabled=False).locator("h2 > button").count() == 0


def test_a_heading_unfolds_its_section_by_keyboard_and_folds_it_again(open_page):
    tab = open_page(LONG)
    heading, text = tab.locator("h2 > button").first, tab.locator("h2.folds + .folded > p").first
    assert not text.is_visible()
    heading.focus()
    tab.keyboard.press("Enter")
    assert text.is_visible()
    assert heading.get_attribute("aria-expanded") == "true"
    tab.keyboard.press("Enter")
    assert not text.is_visible()


def test_a_link_unfolds_what_it_leads_to_also_the_second_time(open_page):
    tab = open_page(LONG)
    identity = tab.locator(".folded :is(table, figure)[id], .folded span[id]").first.get_attribute("id")
    target = tab.locator(f"[id='{identity}']")
    assert not target.is_visible()
    tab.evaluate("id => (location.hash = id)", identity)
    tab.wait_for_function(f"document.querySelectorAll({FOLDED!r}).length < {sections(tab)}")
    tab.locator("h2 > button[aria-expanded=true]").click()
    assert tab.locator(FOLDED).count() == sections(tab)
    tab.evaluate(LINK, identity)
    tab.locator("#there").click()
    tab.wait_for_function(f"document.querySelectorAll({FOLDED!r}).length < {sections(tab)}")
    fresh = open_page(f"{LONG}#{identity}")
    assert fresh.locator("h2 > button[aria-expanded=true]").count() == 1


def test_what_is_printed_is_whole(open_page):
    tab = open_page(LONG)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator(FOLDED).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_folded_page_shuts_nobody_out(open_page, scheme):
    tab = open_page(LONG, color_scheme=scheme)
    tab.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    assert tab.evaluate(SERIOUS, [EVERYTHING, {}]) == []


def test_the_leaderboard_folds_each_benchmark_below_its_best_proxy(open_page):
    tab = open_page("notebooks/leaderboard.html")
    folded = tab.locator(".leaderboard .area details")
    assert folded.count() > 20
    assert tab.locator(".leaderboard .area table").count() == 0
    folded.nth(2).locator("summary").click()
    rows = folded.nth(2).locator("tbody tr")
    rows.first.wait_for()
    assert folded.nth(2).locator("summary").inner_text().split(": ")[1].split(",")[0] in [
        row.locator("th").inner_text() for row in rows.all()
    ]
    folded.nth(2).locator("th button").nth(2).click()  # sorts, and stays open
    assert folded.nth(2).locator("tbody tr").count() == rows.count() > 0
    folded.nth(2).locator("summary").click()
    tab.wait_for_function("document.querySelectorAll('.leaderboard .area table').length === 0")


def test_one_proxy_s_rows_are_short(open_page):
    tab = open_page("notebooks/proxy_snip.html#how-well-it-ranks")
    row = tab.locator(".leaderboard tbody tr").first
    row.wait_for()
    assert [cell.get_attribute("data-column") for cell in row.locator("td:visible").all()] == [
        "benchmark",
        "rank",
        "kt",
    ]

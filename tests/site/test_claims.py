"""The page of claims in a real browser: filters, keyboard, state in the address, and without JavaScript."""

import html
import re
from html.parser import HTMLParser

import pytest
from built import BOOK, needs_book
from test_browser import CHROMIUM, WIDTHS, address, browser

__all__ = ["address", "browser"]  # fixtures

PAGE = "book/claims.html"
VISIBLE = ".claim:visible"

pytestmark = [needs_book, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: see test_browser.py")]


@pytest.fixture(params=WIDTHS, ids=lambda width: f"{width}px")
def tab(request, browser, address):
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(f"{address}/{PAGE}")
    tab.wait_for_selector(".claim-told")
    yield tab
    context.close()


def told(tab):
    shown, known = map(int, re.findall(r"\d+", tab.inner_text(".claim-told")))
    assert shown == tab.locator(VISIBLE).count()
    return shown, known


def unfold(tab):
    """Press the headings that a phone folds sections below."""
    folded = tab.locator("h2 > button[aria-expanded=false]")
    while folded.count():
        folded.first.click()


def test_everything_is_shown_at_first(tab):
    unfold(tab)
    shown, known = told(tab)
    assert shown == known == tab.locator(".claim").count() > 60


def test_a_word_finds_its_beginning_only(tab):
    tab.fill("input[name=word]", "vit")
    shown, known = told(tab)
    assert 0 < shown < known / 5
    assert "transformers (ViTs)" in tab.locator("#claim-vits").inner_text()
    texts = tab.locator(VISIBLE).all_text_contents()
    assert all(re.search(r"\bvit", text, re.IGNORECASE) for text in texts if "ViTs" not in text)
    assert "word=vit" in tab.url


def test_filters_work_together_and_are_reset(tab):
    verdict = tab.locator("select[name=verdict] option").nth(1).get_attribute("value")
    tab.select_option("select[name=verdict]", verdict)
    alone, known = told(tab)
    assert {claim.get_attribute("data-outcome") for claim in tab.locator(VISIBLE).all()} == {verdict}
    tab.select_option(
        "select[name=section]", tab.locator(VISIBLE).first.evaluate("e => e.parentElement.dataset.section")
    )
    assert 0 < told(tab)[0] <= alone
    tab.click("button[type=reset]")
    tab.wait_for_function("!location.search")
    assert told(tab) == (known, known)


def test_a_page_is_a_filter(tab):
    tab.select_option("select[name=page]", "fig17")
    assert {claim.get_attribute("data-pages") for claim in tab.locator(VISIBLE).all()} == {"fig17"}


def test_an_address_has_its_state(tab):
    tab.goto(f"{tab.url.split('?')[0]}?section=4.3")
    tab.wait_for_selector(".claim-told")
    assert tab.locator("select[name=section]").input_value() == "4.3"
    assert tab.locator(VISIBLE).evaluate_all("all => all.map((e) => e.id)") == ["claim-vits"]
    assert tab.locator("h2:visible", has_text="Section").count() == 1  # a section without a claim goes too


def test_the_keyboard_is_enough(tab):
    tab.locator("input[name=word]").focus()
    tab.keyboard.type("ViTs")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('#claim-vits summary')"):
            break
    tab.keyboard.press("Enter")
    assert tab.locator("#claim-vits .claim-verdict").first.is_visible()


def test_a_phone_shows_cards_and_nothing_is_wider(tab):
    width = tab.viewport_size["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    unfold(tab)
    tab.locator("#claim-vits summary").click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    display = tab.locator("#claim-vits").evaluate("e => getComputedStyle(e).display")
    assert display == ("grid" if width > 600 else "block")


def test_a_link_leads_to_the_page_that_has_the_numbers(tab):
    unfold(tab)
    tab.locator("#claim-vits summary").click()
    numbers = tab.locator("#claim-vits .claim-verdict > p:nth-of-type(2)").first.inner_text()
    tab.locator("#claim-vits .claim-tested a").first.click()
    tab.wait_for_url("**/notebooks/fig17.html")
    unfold(tab)
    assert plain(numbers) in plain(tab.locator("article").inner_text())


def test_it_is_the_whole_list_without_javascript(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/{PAGE}")
    assert tab.locator(VISIBLE).count() == tab.locator(".claim").count() > 60
    assert tab.locator(".claim-filters form").count() == 0
    assert tab.locator("#claim-vits .claim-tested a").first.get_attribute("href") == "../notebooks/fig17.html"
    context.close()


class Verdicts(HTMLParser):
    """The page and the paragraphs of every verdict."""

    def __init__(self, text):
        super().__init__()
        self.found, self.paragraph = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if attributes.get("class") == "claim-verdict":
            self.found.append((attributes["data-page"], []))
        elif tag == "p":
            self.paragraph = "" if self.found else None

    def handle_endtag(self, tag):
        if tag == "p" and self.paragraph is not None:
            self.found[-1][1].append(self.paragraph)
            self.paragraph = None

    def handle_data(self, data):
        if self.paragraph is not None:
            self.paragraph += data


def test_every_number_stands_on_the_page_that_computed_it():
    verdicts = Verdicts((BOOK / PAGE).read_text(encoding="utf-8")).found
    shown = {name: text_of(BOOK / "notebooks" / f"{name}.html") for name, _ in verdicts}
    absent = [(name, because) for name, (_, because, *_) in verdicts if squeezed(because) not in shown[name]]
    assert absent == []
    assert len(verdicts) > 80


def text_of(page):
    return squeezed(html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))))


def squeezed(text):
    """Set aside what Sphinx does to quotation marks, blanks and backslashes."""
    return re.sub(r"[\s'\"\\\N{LEFT SINGLE QUOTATION MARK}-\N{RIGHT DOUBLE QUOTATION MARK}]+", "", text)


def test_every_claim_has_a_verdict_and_a_page_or_a_reason():
    items = (BOOK / PAGE).read_text(encoding="utf-8").split('<li class="claim"')[1:]
    for item in items:
        assert re.search(r'<p class="claim-outcome"[^>]*>\w', item)
        assert '<a href="../notebooks/' in item or "Not tested: " in item


def plain(text):
    """Set aside what browser and Sphinx do to quotation marks and blanks."""
    return re.sub(r"\s+", " ", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))

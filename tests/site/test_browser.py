"""The book in a real browser: every page in light and dark, at the width of a desktop and of a phone.

A page is loaded once, then resized and darkened, which is far cheaper than loading it again.
Needs Chromium (Debian and Ubuntu: ``apt-get install chromium``); its path may be given in ``CHROMIUM``. With
``SCREENSHOTS=1`` every view goes to ``_build/screenshots``.
"""

import csv
import io
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from built import BOOK, PAGES, ROOT, every_page, needs_book
from playwright.sync_api import sync_playwright
from scipy.stats import kendalltau

SCREENSHOTS = ROOT / "_build" / "screenshots"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
]
LARGEST_SHIFT = 0.1
"""What the measure of layout shift calls good."""

WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
SERIOUS = """async ([parts, options]) => {
  // Without preload, since axe would ask for what a style sheet imports at the address of the page.
  const found = await axe.run(parts, { preload: false, resultTypes: ["violations"], ...options });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}`));
}"""
LETTERS = """() => Math.min(99, ...[...document.querySelectorAll("article svg[role=img][version='1.1'] text")]
  .filter((text) => text.checkVisibility())
  .map((text) => [parseFloat(getComputedStyle(text).fontSize), text.getScreenCTM()])
  .map(([size, { a, b }]) => size * Math.hypot(a, b)))"""
SMALLEST = 10.9
"""Pixels of the letters in a figure: below 11, one has to hold a phone close."""
CAPTIONS = """() => [...document.querySelectorAll("article :is(figcaption > p, table[id] > caption)")]
  .filter((caption) => {
    const range = document.createRange();
    range.selectNodeContents(caption);
    const saved = caption.querySelector(".downloads"); // beside what is seen
    if (saved) range.setEndBefore(saved);
    return range.getBoundingClientRect().height > 2.5 * parseFloat(getComputedStyle(caption).lineHeight);
  })
  .map((caption) => caption.innerText)"""
"""Those of more than two lines."""
SIDEWAYS = """() => [...document.querySelectorAll("article table")]
  .map((table) => [table, table.closest(".area, .pst-scrollable-table-container, .cell_output")])
  .filter(([table, box]) => table.checkVisibility() && box && box.scrollWidth > box.clientWidth + 1)
  .filter(([, box]) => innerWidth < 600 || box.getBoundingClientRect().right < innerWidth - 40)
  .map(([table]) => table.id || table.className)"""
"""Tables that scroll sideways, on a desktop while there is room beside them."""
STILL = """() => new Promise((done) => {
  let before = "", frames = 0;
  const look = () => {
    const article = document.querySelector("article");
    const now = String([document.documentElement.scrollWidth, article?.clientWidth, article?.scrollHeight]);
    frames = now === before ? frames + 1 : 0;
    before = now;
    frames > 10 ? done() : requestAnimationFrame(look);
  };
  look();
})"""
"""Waits until what watches sizes has done its work and the page has not moved for some frames."""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that look at colours, the same at every width; they take most of the time."""
RULES = {"label-content-name-mismatch": {"enabled": True}, "region": {"enabled": False}}
"""What is not usual: the one is experimental, the other slow and not serious."""
NOT_COLOURS = RULES | {rule: {"enabled": False} for rule in COLOURS}
"""They hold in one scheme when they hold in the other."""
MARK_ALIKE = """() => {
  const seen = new Set();
  for (const part of document.querySelectorAll("article :is(td, td *, .highlight *):not(:has(*))")) {
    delete part.dataset.alike;
    if (!part.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(part);
    const look = [color, fontSize, fontWeight];
    for (let around = part; around; around = around.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(around);
      look.push(backgroundColor, backgroundImage, opacity);
    }
    seen.has(String(look)) ? (part.dataset.alike = "") : seen.add(String(look));
  }
}"""
"""Of the words of code and the cells of tables, hundreds a page, the first of each look is enough."""
EVERYTHING = {"include": [["html"]]}
REPEATED = {"exclude": [[".bd-header"], [".bd-sidebar-primary"], [".bd-footer"]]}
"""What is the same around every page: it is looked at around those of `WHOLE`."""
WHOLE = {"notebooks/index.html", "book/reading.html", "search.html"}

pytestmark = [
    needs_book,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium: install the package chromium, or set CHROMIUM to its path"
    ),
]


class Handler(SimpleHTTPRequestHandler):
    """Serves the book without writing a log."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=BOOK)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def axe():
    """Return the script of axe-core, which finds what shuts readers out."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    return f'{script}; axe.configure({{rules: [{{id: "{COLOURS[0]}", selector: ":not([data-alike])"}}]}})'


@pytest.fixture(scope="module")
def context(browser):
    opened = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, accept_downloads=True)
    opened.set_default_timeout(120_000)  # a busy machine takes its time
    opened.add_init_script(WATCH_SHIFTS)
    yield opened
    opened.close()


@pytest.fixture
def view(context, address):
    """Return a function that opens a page, and everything that went wrong while it loaded."""
    tab = context.new_page()
    problems = []
    tab.on("console", lambda message: message.type == "error" and problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("requestfailed", lambda asked: problems.append(f"request failed: {asked.url}"))
    tab.on(
        "request", lambda asked: is_foreign(asked.url, address) and problems.append(f"leaves: {asked.url}")
    )
    tab.on(
        "response", lambda answer: answer.status >= 400 and problems.append(f"{answer.status}: {answer.url}")
    )

    def open_page(page, scheme=SCHEMES[0]):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(f"{address}/{page}", wait_until="load")
        tab.evaluate("window.MathJax?.startup?.promise")
        return tab

    yield open_page, problems
    tab.close()


def is_foreign(url, address):
    return not url.startswith((address, "data:", "blob:"))


def test_front_page_leads_to_the_book(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/index.html")
    tab.wait_for_url("**/notebooks/index.html")
    assert "network" in tab.title()
    tab.close()


@every_page
def test_page_is_sound(view, axe, page):
    open_page, problems = view
    place = str(page.relative_to(BOOK))
    tab = open_page(place)
    parts = EVERYTHING if place in WHOLE else REPEATED

    assert problems == []
    assert tab.evaluate("window.shift") < LARGEST_SHIFT
    assert tab.locator(".math:not(:has(mjx-container))").count() == 0, "an equation is not typeset"
    assert tab.locator("mjx-merror").count() == 0, "an equation has an error"
    assert tab.locator("article img:not([alt]), article img[alt='']").count() == 0, "an image has no alt text"
    assert tab.locator("article table:not(:has(th))").count() == 0, "a table has no header cells"
    tab.evaluate(axe)
    for width, rules in zip(reversed(WIDTHS), (NOT_COLOURS, RULES), strict=True):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.evaluate(STILL)  # what watches sizes has seen the new one
        keep(tab, place, width, SCHEMES[0])
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(LETTERS) >= SMALLEST or width > 600
        assert tab.evaluate(SIDEWAYS) == [], f"at {width} px"
        assert width < 600 or tab.evaluate(CAPTIONS) == []
        tab.evaluate(MARK_ALIKE)
        assert tab.evaluate(SERIOUS, [parts, {"rules": rules}]) == [], f"at {width} px"
    tab.emulate_media(color_scheme=SCHEMES[1])
    tab.evaluate(STILL)
    tab.evaluate(MARK_ALIKE)
    keep(tab, place, WIDTHS[0], SCHEMES[1])
    assert tab.evaluate("document.documentElement.dataset.theme") == SCHEMES[1]
    assert tab.evaluate(SERIOUS, [parts, {"runOnly": COLOURS}]) == []
    assert problems == [], "in the dark or at another width"
    assert tab.evaluate("window.shift") < LARGEST_SHIFT


@pytest.mark.parametrize("place", sorted(WHOLE))
def test_a_page_that_is_dark_from_the_first_loads_as_well(view, place):
    open_page, problems = view
    tab = open_page(place, SCHEMES[1])
    assert problems == []
    assert tab.evaluate("document.documentElement.dataset.theme") == SCHEMES[1]
    assert tab.evaluate("window.shift") < LARGEST_SHIFT


def test_what_is_the_same_around_all_pages_is_looked_at():
    assert {str(page.relative_to(BOOK)) for page in PAGES} >= WHOLE


def keep(tab, place, width, scheme):
    """Take a screenshot when they are asked for; nothing rests on it."""
    if os.environ.get("SCREENSHOTS"):
        name = "-".join(Path(place).with_suffix("").parts)
        tab.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)


def order_and_answer(tab):
    """Return the accuracies in the order of the list, and the τ that stands below it."""
    accuracies = tab.locator("ol.ranking li").evaluate_all("items => items.map(one => +one.dataset.accuracy)")
    answer = tab.locator("#ranking-answer").inner_text()
    return accuracies, answer


def test_reordering_ten_networks_gives_kendall_s_tau(view):
    open_page, _ = view
    tab = open_page("book/reading.html")

    def right():
        accuracies, answer = order_and_answer(tab)
        tau = kendalltau(range(10), [-one for one in accuracies]).statistic
        return f"τ = {tau:.2f}.".replace("-", "−") in answer

    assert right()
    before, _ = order_and_answer(tab)
    tab.get_by_role("button", name="Move A down").focus()
    tab.keyboard.press("Enter")  # by keyboard alone
    after, _ = order_and_answer(tab)
    assert after == [before[1], before[0], *before[2:]]
    assert right()
    tab.get_by_role("button", name="Right order").click()
    assert "τ = 1.00." in order_and_answer(tab)[1]
    tab.get_by_role("button", name="Reverse").click()
    assert "τ = −1.00." in order_and_answer(tab)[1]


def test_without_scripts_the_ten_networks_and_their_tau_are_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/book/reading.html")
    accuracies = [int(text.split()[1]) for text in tab.locator("ol.ranking li").all_inner_texts()]
    tau = kendalltau(range(10), [-one for one in accuracies]).statistic
    best = sorted(accuracies, reverse=True)[:5]
    top = kendalltau(range(5), [-one for one in accuracies if one in best]).statistic
    answer = tab.locator("#ranking-answer").inner_text()
    context.close()
    assert f"τ = {tau:.2f}." in answer
    assert f"τ = {top:.2f}.".replace("-", "−") in answer


def test_a_table_is_saved_as_csv_and_a_figure_as_svg_and_pdf(view):
    open_page, _ = view
    tab = open_page("notebooks/fig01.html")

    with tab.expect_download() as table:
        tab.get_by_role("link", name="CSV").first.click()
    rows = list(csv.reader(io.StringIO(table.value.path().read_text(encoding="utf-8"))))
    assert rows[0][0] == "Kind of search"
    assert [row[0] for row in rows[1:]] == ["multi-shot", "one-shot", "zero-shot"]
    assert len({len(row) for row in rows}) == 1

    with tab.expect_download() as figure:
        tab.get_by_role("link", name="SVG").first.click()
    assert figure.value.suggested_filename.endswith(".svg")
    drawing = figure.value.path().read_text(encoding="utf-8")
    assert drawing.startswith("<svg")
    assert "multi-shot" in drawing

    with tab.expect_download() as printed:
        tab.get_by_role("link", name="PDF").first.click()
    assert printed.value.suggested_filename == "fig-search-cost.pdf"
    assert printed.value.path().read_bytes().startswith(b"%PDF")


def test_a_wide_table_takes_the_margin_and_the_contents_fold(view):
    open_page, _ = view
    tab = open_page("notebooks/claims_ranking.html")
    contents, table = tab.locator(".bd-sidebar-secondary"), tab.locator(".wide:has(#tab-board)")
    assert "hide" not in contents.get_attribute("class").split()
    assert table.bounding_box()["width"] > tab.locator("article").bounding_box()["width"]
    table.scroll_into_view_if_needed()
    tab.wait_for_function("document.querySelector('.bd-sidebar-secondary').classList.contains('hide')")


def test_on_a_phone_a_row_is_a_card_that_says_what_its_values_are(browser, address):
    context = browser.new_context(viewport={"width": WIDTHS[1], "height": 900})
    tab = context.new_page()
    tab.goto(f"{address}/notebooks/fig06.html#tab-nb201-cifar100")
    card = tab.locator("#tab-nb201-cifar100 tbody tr").first
    assert card.locator("td").evaluate_all("all => all.map((one) => one.dataset.title)")[:3] == [
        *("Proxy", "KT, all", "KT, top 5\N{NO-BREAK SPACE}%"),
    ]
    assert card.bounding_box()["width"] <= WIDTHS[1]
    shown = card.locator("td").nth(1)
    assert shown.evaluate("it => getComputedStyle(it, '::before').content") == '"KT, all"'
    context.close()


def test_what_every_page_loads_is_under_a_megabyte(browser, address):
    tab = browser.new_page()
    answers = []
    tab.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - playwright takes no method
    tab.goto(f"{address}/book/about.html", wait_until="load")  # which has no equations
    sizes = {answer.url: len(answer.body()) for answer in answers}
    tab.close()
    assert len(sizes) > 10
    assert sum(sizes.values()) < 1_000_000, sizes


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("Kendall", "How do you measure a ranking?"),
        ("zero-cost proxy", "Can you tell a good network"),  # as it is called elsewhere
        ("Kendall tau", "How do you measure a ranking?"),  # no word of one letter is in the index
        ("carbon footprint", "What does it cost to find a network?"),
        ("license", "How do you cite and reuse this book?"),
        ("limitations", "How do you measure a ranking?"),
    ],
)
def test_search_finds(view, asked, page):
    open_page, problems = view
    tab = open_page(f"search.html?q={asked}")
    tab.locator("#search-results li a", has_text=page).first.wait_for()  # the results come one by one
    assert problems == []


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("NAS-Bench-101", "Do proxies rank NAS-Bench-101?"),  # the index has no numbers
        ("the batch size", "Do the seed and the batch size matter?"),
        ("which proxy should I use", "Which proxy should I use?"),
    ],
)
def test_search_shows_what_is_called_so_first(view, asked, page):
    open_page, problems = view
    tab = open_page(f"search.html?q={asked}")
    first = tab.locator("#search-results li a").first
    first.wait_for()
    assert page in first.inner_text()
    assert problems == []

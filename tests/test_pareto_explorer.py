"""The explorer holds all that it needs, and answers a reader who moves the budget, without a network."""

import json
import os
import re
import shutil

import pandas as pd
import pytest
from playwright.sync_api import sync_playwright

from zsnas import pareto, pareto_explorer
from zsnas.benchmarks import Benchmark

COST = "edgegpu_energy_mj"
CELLS = [
    f"|{first}~0|+|none~0|none~1|+|none~0|none~1|{last}~2|"
    for first in ("none", "nor_conv_3x3")
    for last in ("skip_connect", "avg_pool_3x3", "nor_conv_1x1")
]
ACCURACIES = [50.0, 60.0, 55.0, 70.0, 65.0, 52.0]
SNIP = [1.0, 2.0, 3.0, 0.0, 3.0, 4.0]  # picks networks 0, 1, 2 (a tie with 4) and 5
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
)


def explored(costs, **settings):
    """Return the page for networks with these costs."""
    table = pd.DataFrame({"arch": CELLS, COST: costs, "test_accuracy": ACCURACIES})
    bench = Benchmark("toy", table, space="nb201", batch="toy", licence="none", citation="none")
    scores = pd.DataFrame({"arch": CELLS, "seed": 0, "snip": SNIP, "params": [-s for s in SNIP]})
    picked = pareto.selections(bench, scores, COST)
    selected = {name: picked[picked["proxy"] == name] for name in ("snip", "params")}
    some = pd.Series(CELLS[:5])
    return pareto_explorer.explorer(bench, COST, some, selected, 'a "front" & picks', **settings)


def data_of(page):
    return json.loads(re.search(r'class="data">(.*?)</script>', page).group(1))


@pytest.fixture
def page():
    return explored([5.0, 10, 15, 20, 25, 30])


def test_data_stand_in_the_page(page):
    data = data_of(page)

    assert [cell for cell, _, _ in data["networks"]] == [f"{a}0000{b}" for a in (0, 3) for b in (1, 4, 2)]
    assert data["networks"][3][1:] == [20, 70]
    assert data["candidates"] == [0, 1, 2, 3, 4]
    assert data["front"] == [0, 1, 3]
    assert data["proxies"] == [
        {"label": "SNIP", "picks": [0, 1, 2, 5], "ties": [1, 1, 2, 1]},
        {"label": "#Params", "picks": [0, 3], "ties": [1, 1]},
    ]
    assert data["unit"] == "mJ"


@pytest.mark.parametrize(("settings", "floor"), [({}, 50), ({"cut": 0.5}, 60)])
def test_axis_leaves_a_part_of_the_candidates_out(settings, floor):
    assert data_of(explored([5.0, 10, 15, 20, 25, 30], **settings))["floor"] == floor


def test_a_network_of_another_space_keeps_its_name():
    table = pd.DataFrame(
        {"arch": ["8:8:8:8:8", "8:8:8:8:16"], COST: [1.0, 2.0], "test_accuracy": [10.0, 20.0]}
    )
    bench = Benchmark("toy", table, space="nats-sss", batch="toy", licence="none", citation="none")
    scores = pd.DataFrame({"arch": table["arch"], "seed": 0, "snip": [1.0, 2.0]})
    selected = {"snip": pareto.selections(bench, scores, COST)}

    data = data_of(pareto_explorer.explorer(bench, COST, table["arch"], selected, "front and picks"))

    assert [name for name, _, _ in data["networks"]] == ["8:8:8:8:8", "8:8:8:8:16"]
    assert data["operations"] == []


# Rounded to 3 decimals, the lowest cost goes down and the highest up.
def test_the_slider_reaches_every_network():
    page = explored([0.12349, 0.12352, 15, 20, 29.98765, 29.99978])
    costs = [cost for _, cost, _ in data_of(page)["networks"]]
    least, most = (float(re.search(rf'{end}="(.*?)"', page).group(1)) for end in ("min", "max"))

    assert costs == [0.123, 0.124, 15, 20, 29.988, 30]
    assert (least, most) == (min(costs), max(costs)) == (0.123, data_of(page)["dearest"])


def test_page_refers_to_nothing_outside(page):
    assert re.findall(r"(?:src|href)=|@import|url\(|fetch\(", page) == []
    assert set(re.findall(r"https?://[^\"']+", page)) == {"http://www.w3.org/2000/svg"}  # a name, no address


def test_drawing_has_its_words_for_screen_readers(page):
    assert 'aria-label="a &quot;front&quot; &amp; picks"' in page


@pytest.fixture
def tab(page, tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium, or set CHROMIUM to its path")
    (tmp_path / "page.html").write_text(f'<!doctype html><meta charset="utf-8">{page}', encoding="utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = chromium.new_context(offline=True)
        opened, problems = context.new_page(), []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.goto(f"file://{tmp_path / 'page.html'}")
        yield opened
        assert problems == []
        chromium.close()


def set_budget(tab, budget):
    tab.locator("input").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')) }", budget
    )
    return tab.locator(".answer").inner_text()


def test_moving_the_slider_changes_the_pick(tab):
    assert set_budget(tab, 12) == (
        f"Budget 12.0 mJ: SNIP picks {CELLS[1]}: 60.00 %, 10.00 mJ. "
        f"The best is {CELLS[1]}: 60.00 %, 10.00 mJ. Lost: 0.00 points."
    )
    picked = tab.locator("circle.picked")
    before = picked.get_attribute("cx")
    assert set_budget(tab, 29) == (
        f"Budget 29.0 mJ: SNIP picks {CELLS[2]}: 55.00 %, 15.00 mJ (cheapest of 2 with the same score). "
        f"The best is {CELLS[3]}: 70.00 %, 20.00 mJ. Lost: 15.00 points."
    )
    assert picked.get_attribute("cx") != before
    assert tab.locator("circle.best").get_attribute("cx") != picked.get_attribute("cx")


def test_slider_obeys_the_keyboard(tab):
    set_budget(tab, 10)
    tab.locator("input").press("End")
    assert tab.locator(".answer").inner_text().startswith(f"Budget 30.0 mJ: SNIP picks {CELLS[5]}")
    assert tab.locator("input").get_attribute("aria-valuetext") == "30.0 mJ"


def test_another_proxy_has_other_picks(tab):
    before = tab.locator("path.picks").get_attribute("d")
    tab.locator("select").select_option(label="#Params")

    assert f"#Params picks {CELLS[0]}" in set_budget(tab, 12)
    assert tab.locator("path.picks").get_attribute("d") != before


def test_pointing_at_a_network_names_it(tab):
    named = tab.locator(".named")
    set_budget(tab, 21)
    box = tab.locator("circle.best").bounding_box()  # of network 3
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert named.inner_text() == f"{CELLS[3]}: 70.00 %, 20.00 mJ"
    assert tab.locator("circle.hovered").is_visible()

    frame = tab.locator("svg").bounding_box()
    tab.mouse.move(frame["x"] + 2, frame["y"] + 2)
    assert named.inner_text() == "Point at a network to see its name."


def test_drawing_fits_a_phone(tab):
    tab.set_viewport_size({"width": 390, "height": 800})

    assert tab.evaluate("document.documentElement.scrollWidth") <= 390

"""The explorer holds all that it draws, and answers a reader as zsnas.statistics and zsnas.pareto would."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from chromium import opened, page_with

from zsnas import pareto, statistics
from zsnas.benchmarks import Benchmark
from zsnas.book.figures import explorer as drawing
from zsnas.proxies import proxy as find
from zsnas.spaces import space

COST = "edgegpu_energy_mj"
CELLS = space("nb201").architectures[:60]
SIZE = 100  # of the benchmark, of which these are scored


def toy():
    """Return a benchmark of 100 cells, and scores of 60 with seed 0 and of 20 with seed 1; two are equal."""
    draw = np.random.default_rng(0)
    every = space("nb201").architectures[:SIZE]
    accuracy = np.round(draw.uniform(40, 70, SIZE), 2)
    accuracy[7] = accuracy[3]
    table = pd.DataFrame(
        {"arch": every, COST: np.round(draw.uniform(1, 30, SIZE), 2), "test_accuracy": accuracy}
    )
    bench = Benchmark("toy", table, space="nb201", batch="toy", licence="none", citation="none")
    scores = pd.DataFrame({"arch": CELLS, "seed": 0})
    scores["params"] = np.round(draw.uniform(1e5, 1e6, 60), -5)  # with ties
    scores["snip"] = accuracy[:60] + draw.normal(0, 10, 60)
    scores.loc[5, "snip"] = np.nan
    scores["reasons"] = [json.dumps({"snip": "it is constant"}) if k == 5 else None for k in range(60)]
    again = scores.head(20).assign(seed=1, snip=np.arange(20.0))
    return bench, pd.concat([scores, again], ignore_index=True)


BENCH, SCORES = toy()
FIRST = SCORES[SCORES["seed"] == 0]
CANDIDATES = list(CELLS[:40])
BLOCK = drawing.data(BENCH, SCORES, CANDIDATES, "Toy cells", [COST], sampled_top=0.2)
HTML = drawing.explorer([BLOCK], "<p>a static figure</p>", keeps_address=True)


def test_networks_are_those_of_scores_and_front_by_accuracy():
    table = BENCH.table.set_index("arch")
    front = table.index[pareto.front(table[COST], table["test_accuracy"])]
    drawn = table.loc[sorted(set(CELLS) | set(front))].sort_values("test_accuracy", ascending=False)
    assert BLOCK["n"] == len(drawn)
    steps = np.frombuffer(base64.b64decode(BLOCK["accuracy"]), "<u2")
    assert ((steps + BLOCK["lowest"]) / 100).tolist() == pytest.approx(drawn["test_accuracy"].tolist())
    assert len(BLOCK["archs"]) == 6 * len(drawn)


def test_what_the_data_do_not_hold():
    text = json.dumps(BLOCK)
    assert not set(re.findall(r"[a-z]+_[a-z_]+", text)) - {
        *("edgegpu_energy_mj", "grad_norm", "skip_connect"),
        *("nor_conv_", "avg_pool_"),
    }
    assert "it is constant" not in text


def test_page_refers_to_the_books_folder_alone():
    assert set(re.findall(r'(?:src|href)="([^"]*)"', HTML)) == {
        "../_static/instruments.css",
        "../_static/explorer.js",
    }


def test_nothing_to_draw_leaves_the_figure():
    few = drawing.data(BENCH, FIRST.head(4), CANDIDATES, "few")
    assert drawing.explorer([few], "<p>figure</p>") == (
        "<p>figure</p><p>Too few networks are scored here to explore.</p>"
    )


@pytest.fixture(scope="module")
def tab(browser, tmp_path_factory):
    address = page_with(HTML, tmp_path_factory.mktemp("explorer") / "page.html")
    with opened(browser, address) as tab:
        yield tab


@pytest.fixture(autouse=True)
def fresh(request):
    """Open the page anew, without what a test before has chosen, and let it draw itself."""
    if "tab" in request.fixturenames:
        tab = request.getfixturevalue("tab")
        tab.goto(tab.url.split("?")[0])
        tab.evaluate(TWO_FRAMES)


TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def move(tab, name, value):
    """Move a slider and return what is said beside it."""
    slider = tab.get_by_label(name)
    slider.evaluate("(it, value) => { it.value = value; it.dispatchEvent(new Event('input')) }", value)
    told = tab.locator(".slider", has=slider).locator(".told")
    tab.evaluate(TWO_FRAMES)
    return told.inner_text()


def written(value):
    return f"{value:z.2f}".replace("-", "−")


@pytest.mark.parametrize("proxy", ["params", "snip"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_correlations_are_those_of_the_library(tab, proxy, share):
    tab.get_by_label("Proxy").select_option(proxy)
    found = statistics.ratio_correlations(BENCH, FIRST, [share], [proxy], resamples=0, sampled_top=0.2)
    kt, spr = found["value"]
    exact = tab.evaluate(
        "share => { const it = document.querySelector('.explorer').explorer;"
        " return it.networks.correlations(it.ranks, share) }",
        share,
    )
    assert [exact["kt"], exact["spr"], exact["n"]] == pytest.approx([kt, spr, found["n"].iloc[0]])
    told = move(tab, "Kept at the top", 100 * share)
    assert f"τ = {written(kt)}, ρ = {written(spr)}, n = {found['n'].iloc[0]}." in told


def test_another_seed_has_its_own_correlation(tab):
    tab.get_by_label("Proxy").select_option("snip")
    tab.get_by_label("Seed").select_option("1")
    second = SCORES[SCORES["seed"] == 1]
    found = statistics.correlations(BENCH, second, proxies=["snip"], resamples=0, sampled_top=0.2)
    assert f"τ = {written(found['value'].iloc[0])}" in move(tab, "Kept at the top", 100)


@pytest.mark.parametrize("proxy", ["params", "snip"])
@pytest.mark.parametrize("place", [0, 300, 700, 1000])
def test_a_budget_buys_what_the_library_picks(tab, proxy, place):
    tab.get_by_label("Proxy").select_option(proxy)
    told = move(tab, "Budget", place)
    table = BENCH.table.set_index("arch")
    front = table.index[pareto.front(table[COST], table["test_accuracy"])]
    drawn = np.log(table[COST][table.index.isin([*CELLS, *front])])
    budget = float(np.exp(drawn.min() + place / 1000 * (drawn.max() - drawn.min()))) * 1.0001
    pool = FIRST[FIRST["arch"].isin(CANDIDATES)].dropna(subset=proxy).set_index("arch")
    cost = table[COST][pool.index]
    if (cost > budget).all():
        assert "no candidate with a score is that cheap" in told
        return
    score = pool[proxy] * find(proxy).orientation
    chosen = pool.index[pareto.pick(cost, score, budget)]
    accuracy, best = table["test_accuracy"][chosen], table["test_accuracy"][table[COST] <= budget].max()
    assert f"picks {accuracy:.2f}" in told
    assert f"the best has {best:.2f}. Lost: {best - accuracy:.2f}." in told
    same = int((score[cost <= budget] == score[chosen]).sum())
    assert (f"the cheapest of {same} with the same score" in told) == (same > 1)


def test_rated_too_high_marks_the_largest_gaps(tab):
    tab.get_by_label("Proxy").select_option("snip")
    tab.get_by_role("button", name="Rated too high").click()
    known = FIRST.dropna(subset="snip").set_index("arch")["snip"]
    accuracy = BENCH.table.set_index("arch")["test_accuracy"]
    gap = known.rank() - accuracy[known.index].rank()
    worst = accuracy[gap.sort_values(ascending=False).index[0]]
    assert tab.locator(".marks .network").count() == 12
    assert tab.locator(".marks .network dd").first.inner_text().startswith(f"{worst:.2f}, place ")
    tab.get_by_role("button", name="Unmark").click()
    assert tab.locator(".marks .network").count() == 0


def test_a_drag_marks_the_same_networks_in_both_plots(tab):
    box = tab.locator(".plane canvas + canvas").first.bounding_box()
    tab.mouse.move(box["x"] + 60, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] - 20, box["y"] + 120)
    tab.mouse.up()
    told = tab.get_by_text("networks are marked").inner_text()
    count = int(told.split()[0])
    assert 0 < count < 60
    assert tab.evaluate("document.querySelector('.explorer').explorer.order.length") == count
    tab.wait_for_function("location.search.includes('brush=0%2C')")
    address = tab.url
    tab.goto(address)
    assert tab.get_by_text("networks are marked").inner_text() == told


def test_pointing_draws_the_cell_and_gives_its_numbers(tab):
    where = tab.evaluate(
        """() => { const it = document.querySelector('.explorer').explorer; it.draw('resize');
        const [x, y] = it.planes[0].place(...it.at(0, 0));
        const box = it.planes[0].over.getBoundingClientRect(); return [box.left + x, box.top + y] }"""
    )
    tab.mouse.move(*where)
    best = BENCH.table[BENCH.table["arch"].isin(CELLS)].nlargest(1, "test_accuracy").iloc[0]
    shown = tab.locator(".drawn > .network")
    shown.get_by_text("This network:").wait_for()
    assert f"{best['test_accuracy']:.2f}, place" in shown.inner_text()
    words = shown.locator("svg").get_attribute("aria-label")
    operations = re.findall(r"\|?(\w+)~", best["arch"])
    assert [part.split(" ", 1)[1] for part in words.split(", ")] == [
        {
            "none": "none",
            "skip_connect": "skip connection",
            "nor_conv_1x1": "1×1 convolution",
            "nor_conv_3x3": "3×3 convolution",
            "avg_pool_3x3": "3×3 average pooling",
        }[name]
        for name in operations
    ]


COUNTED = """
window.calls = {};
const { explorer } = document.querySelector(".explorer");
const count = (object, name) => {
  const known = object[name].bind(object);
  window.calls[name] = 0;
  object[name] = (...given) => (window.calls[name]++, known(...given));
};
["drawPoints", "list", "stairs"].forEach((name) => count(explorer, name));
["correlations", "ranks"].forEach((name) => count(explorer.networks, name));
"""
UNTOUCHED = dict.fromkeys(("drawPoints", "list", "stairs", "correlations", "ranks"), 0)


@pytest.mark.parametrize(
    ("act", "calls"),
    [
        (lambda tab: move(tab, "Budget", 300), {}),
        (lambda tab: tab.get_by_role("application").first.press("ArrowLeft"), {}),
        (lambda tab: tab.locator("canvas + canvas").first.hover(), {}),
        (lambda tab: move(tab, "Kept at the top", 50), {"drawPoints": 1, "correlations": 1}),
        (lambda tab: tab.get_by_role("button", name="too low").click(), {"drawPoints": 1, "list": 1}),
    ],
)
def test_only_what_has_changed_is_computed_again(tab, act, calls):
    tab.evaluate(TWO_FRAMES)
    tab.evaluate(COUNTED)
    act(tab)
    tab.evaluate(TWO_FRAMES)
    assert tab.evaluate("window.calls") == UNTOUCHED | calls


def test_a_slider_that_moves_often_is_drawn_once_a_frame(tab):
    tab.get_by_role("button", name="too high").click()
    tab.evaluate(TWO_FRAMES)
    tab.evaluate(COUNTED)
    slider = tab.get_by_label("Kept at the top")
    slider.evaluate(
        """it => new Promise((done) => requestAnimationFrame(() => {
          for (let k = 90; k > 50; k--) { it.value = k; it.dispatchEvent(new Event("input")) }
          requestAnimationFrame(() => requestAnimationFrame(done)) }))"""
    )
    tab.wait_for_function("window.calls.list > 0")  # the list of marks follows when there is time
    calls = tab.evaluate("window.calls")
    assert calls.pop("drawPoints") in (1, 2)  # and not 40: a page that still settles may draw once more
    assert calls == dict.fromkeys(calls, 0) | {"list": 1, "correlations": 1}


@pytest.mark.parametrize("proxy", ["params", "snip"])
def test_every_network_that_is_kept_is_drawn(tab, proxy):
    tab.get_by_label("Proxy").select_option(proxy)
    move(tab, "Kept at the top", 50)
    accuracy = BENCH.table.set_index("arch")["test_accuracy"]
    top = accuracy[accuracy.rank(ascending=False, method="min") <= SIZE / 2].index
    known = FIRST.dropna(subset=proxy)["arch"]
    front = BENCH.table["arch"].iloc[pareto.front(BENCH.table[COST], BENCH.table["test_accuracy"])]
    expected = [top.isin(known).sum(), top.isin([*CELLS, *front]).sum()]
    assert (
        tab.evaluate("document.querySelector('.explorer').explorer.planes.map((it) => it.drawn)") == expected
    )
    for plot, count in zip(tab.get_by_role("application").all(), expected, strict=True):
        assert f", {count} networks." in plot.get_attribute("aria-label")


def test_points_have_the_colours_of_their_kind(tab):
    tab.get_by_role("button", name="Rated too high").click()
    tab.evaluate(TWO_FRAMES)
    colours = tab.evaluate(
        """() => { const { explorer } = document.querySelector(".explorer");
        const { points, width, frame } = explorer.planes[0];
        return explorer.order.map((k) => { const ratio = points.width / width;
          const [x, y] = explorer.planes[0].place(...explorer.at(0, k)).map((it) => Math.floor(it * ratio));
          return [...points.getContext("2d").getImageData(x, y, 1, 1).data] }) }"""
    )
    assert len(colours) == 12
    assert set(map(tuple, colours)) == {(0xC1, 0x4E, 0x00, 255)}


def test_the_nearest_network_is_found(tab):
    """As by looking at all of them."""
    tab.evaluate(TWO_FRAMES)
    found, expected = tab.evaluate(
        """() => { const [plane] = document.querySelector(".explorer").explorer.planes;
        const [xs, ys] = plane.spots;
        const places = Array.from({ length: 400 }, (_, k) => [(k % 20) * 25, Math.floor(k / 20) * 18]);
        const near = ([x, y]) => { let [best, least] = [null, 256];
          xs.forEach((_, k) => { const distance = (xs[k] - x) ** 2 + (ys[k] - y) ** 2;
            if (distance < least) [best, least] = [k, distance] });
          return best };
        return [places.map(([x, y]) => plane.nearest(x, y) ?? null), places.map(near)] }"""
    )
    assert found == expected
    assert len(set(found)) > 30


def test_the_keyboard_alone_walks_and_marks(tab):
    plot = tab.get_by_role("application").first
    plot.focus()
    plot.press("End")  # the most accurate one
    best = BENCH.table[BENCH.table["arch"].isin(FIRST.dropna(subset="params")["arch"])]["test_accuracy"].max()
    shown = tab.locator(".drawn > .network")
    shown.get_by_text("This network:").wait_for()
    assert f"{best:.2f}, place" in shown.inner_text()
    plot.press("Enter")
    plot.press("Shift+ArrowDown")
    assert tab.locator(".marks .network").count() == 2
    plot.press("Escape")
    assert tab.locator(".marks .network").count() == 0
    slider = tab.get_by_label("Kept at the top")
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") is not None


def test_a_link_with_state_opens_what_it_says(tab):
    tab.goto(f"{tab.url.split('?')[0]}?proxy=snip&keep=50&cost=params&budget=800&wrong=under")
    assert tab.get_by_label("Proxy").input_value() == "snip"
    assert tab.get_by_label("Kept at the top").input_value() == "50"
    assert tab.get_by_role("combobox", name="Cost").input_value() == "params"
    assert "SNIP rates too low" in tab.get_by_text("rates too low").inner_text()
    tab.goto(f"{tab.url.split('?')[0]}?proxy=nonsense&at=&keep=")
    assert tab.get_by_label("Proxy").input_value() == "params"


def test_it_fits_a_phone(tab):
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.set_viewport_size({"width": 1000, "height": 900})


def test_without_scripts_there_is_the_figure(browser, tmp_path):
    with opened(browser, page_with(HTML, tmp_path / "page.html"), java_script_enabled=False) as tab:
        assert tab.get_by_text("a static figure").is_visible()


def test_the_other_spaces_have_their_pictures(browser, tmp_path):
    pictures = {}
    for name, archs in {
        "nats-sss": ["8:8:8:8:64", "64:32:8:8:8"],
        "accel-nasbench": ["e6k3l1-e4k5l2s-e6k3l2-e6k3l2-e6k3l2-e6k3l2-e6k3l1"],
        "transnas-micro": ["64-41414-3_12_300"],
        "resnets": ["resnet-18-x1-k1-r224"],
    }.items():
        pictures[name] = drawing._architectures(name, archs)
    assert pictures["nats-sss"]["archs"] == "0000773000"
    assert pictures["transnas-micro"]["archs"] == "312300"
    assert [pictures[name]["drawing"] for name in pictures] == ["widths", "stages", "cell", "name"]
    block = BLOCK | pictures["accel-nasbench"] | {"archs": pictures["accel-nasbench"]["archs"] * BLOCK["n"]}
    with opened(browser, page_with(drawing.explorer([block], ""), tmp_path / "page.html")) as tab:
        shown = tab.locator(".drawn > .network svg")
        assert shown.locator("rect").count() == 1 + 2 + 2 + 2 + 2 + 2 + 1
        assert shown.locator("rect.excited").count() == 2
        words = shown.get_attribute("aria-label")
        assert words.startswith("seven stages, e6k3l1-e4k5l2s-e6k3l2-e6k3l2-e6k3l2-e6k3l2-e6k3l1; ")


def test_each_network_of_stages_is_drawn_as_itself(browser, tmp_path):
    stages = [f"e{e}k{k}l{n}{s}" for e in (1, 4, 6) for k in (3, 5) for n in (1, 2, 3) for s in ("", "s")]
    names = [f"{one}-{other}" + 5 * "-e6k3l2" for one in stages for other in stages][: BLOCK["n"]]
    block = BLOCK | drawing._architectures("accel-nasbench", names)
    with opened(browser, page_with(drawing.explorer([block], ""), tmp_path / "page.html")) as tab:
        place = re.search(r"place (\d+) of", tab.locator(".drawn").inner_text())
        words = tab.locator(".drawn > .network svg").get_attribute("aria-label")
    k = np.frombuffer(base64.b64decode(BLOCK["better"]), "<u2").tolist().index(int(place[1]) - 1)
    assert k > 0
    assert words.startswith(f"seven stages, {names[k]}; ")

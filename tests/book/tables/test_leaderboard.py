"""The table of the leaderboard, and what its script makes of it in a real browser."""

import json
import math
import re

import pandas as pd
import pytest
from chromium import opened, page_with

from zsnas.book.tables import leaderboard as tables
from zsnas.leaderboard import COLUMNS, ESTIMATES, ranked

BENCHMARKS = {
    "mobilenet-v2/imagenet": ("mobilenet-v2", "imagenet1k", 0.5),
    "nb201/cifar100": ("nb201", "cifar100", 0.05),
    "transnas-micro/normal": ("transnas-micro", "photographs-64/normal", 0.05),
}
# Kendall's τ over all; an interval reaches 0.1 to each side. The other numbers follow from it.
TAUS = {
    "mobilenet-v2/imagenet": {"flops": 0.9, "params": 0.75, "synflow": -0.1},
    "nb201/cifar100": {"flops": 0.5, "params": 0.5, "synflow": 0.55, "naswot": 0.8},
    "transnas-micro/normal": {"flops": 0.3, "synflow": 0.6},
}
LABELS = {"flops": "#FLOPs", "params": "#Params", "synflow": "SynFlow", "naswot": "NASWOT"}
KINDS = {"flops": "naive", "params": "naive", "synflow": "gradient-based", "naswot": "gradient-free"}


def frame():
    parts = []
    for name, taus in TAUS.items():
        space, batch, top = BENCHMARKS[name]
        rows = pd.DataFrame({"proxy": list(taus), "kt": list(taus.values())})
        for column, shift in zip(ESTIMATES, (0, -0.2, 0.1, -0.1, 1), strict=True):
            rows[column] = rows["kt"] + shift
            rows[f"{column}_low"], rows[f"{column}_high"] = rows[column] - 0.1, rows[column] + 0.1
        about = {"benchmark": name, "space": space, "batch": batch, "top": top, "metric": "test_accuracy"}
        rows = rows.assign(**about, unit="%", n=100, n_top=50, missing=0, seeds=1, candidates=90)
        rows["label"], rows["kind"] = rows["proxy"].map(LABELS), rows["proxy"].map(KINDS)
        rows["cost"] = 0.25
        rows["seed_sd"] = math.nan
        parts.append(ranked(rows))
    found = pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
    found.attrs["absent"] = {}
    return found


FRAME = frame()
HTML = tables.table(FRAME, "Proxies and benchmarks")
OWN = {"benchmark": "mobilenet-v2/imagenet", "proxy": "mine", "label": "Mine", "kind": "naive", "top": 0.5}
OWN |= {"kt": 0.85, "kt_low": 0.8, "kt_high": 0.99, "spr": 0.9, "n": 36, "missing": 1, "kt_top": None}


def test_every_number_stands_in_its_cell_with_a_link():
    [row] = re.findall(
        r'^<tr data-proxy="synflow" data-benchmark="nb201/cifar100".*</tr>$', HTML, re.MULTILINE
    )
    assert (
        '<td data-column="kt" data-title="τ, all" data-value="0.55" data-low="0.45" data-high="0.65">' in row
    )
    assert '<a href="fig06.html#tab-nb201-cifar100">0.55 [0.45,\N{NO-BREAK SPACE}0.65]</a>' in row
    assert '<a href="tab04.html#tab-nb201-first-0">1.55' in row
    assert '<a href="cost.html">0.25</a>' in row
    # By 0.1 to each side, 0.55 is behind 0.8 and not told apart from both 0.5.
    assert f'<a href="{tables.HERE}">2–4 of 4</a>' in row
    assert '<td data-column="seed_sd" data-title="τ, seeds ±">–</td>' in row


@pytest.mark.parametrize(
    ("column", "benchmark", "proxy", "page"),
    [
        ("spr_top", "nb201/cifar100", "snip", "fig06.html#tab-nb201-cifar100"),
        ("kt", "nb201/cifar100", "naswot", tables.HERE),
        ("regret", "mobilenet-v2/imagenet", "snip", tables.HERE),
        ("rank", "nb201/cifar100", "snip", tables.HERE),
        ("cost", "nb201/cifar10", "snip", "cost.html"),
    ],
)
def test_a_number_leads_to_the_page_that_prints_it(column, benchmark, proxy, page):
    assert tables.page_of(column, benchmark, proxy) == page


def test_finding_counts_who_is_in_front():
    every = "#FLOPs, on 1 of 3 benchmarks; NASWOT, on 1 of 1 benchmarks; #Params, on 1 of 2 benchmarks; "
    assert tables.finding(FRAME) == (
        f"Most often in front: {every}SynFlow, on 1 of 3 benchmarks. No proxy is in front on all 3. "
        "For MobileNet-v2 on ImageNet it is #FLOPs, τ = 0.90 [0.80,\N{NO-BREAK SPACE}1.00], 1 other not told "
        "apart from it."
    )
    assert "No benchmark" in tables.finding(FRAME.assign(rank=math.nan))


def test_a_row_is_cut_out_of_the_executed_page(tmp_path):
    notebook = tmp_path / "leaderboard.ipynb"
    outputs = [{"data": {"text/html": HTML.splitlines(keepends=True)}}]
    notebook.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
    row = tables.row_of("synflow", notebook)
    assert re.findall(r'<tr data-proxy="(\w+)" data-benchmark="([^"]*)"', row) == [
        ("synflow", name) for name in TAUS
    ]
    with pytest.raises(ValueError, match="the leaderboard has no proxy 'snip'"):
        tables.row_of("snip", notebook)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return page_with(HTML, tmp_path_factory.mktemp("leaderboard") / "page.html")


@pytest.fixture
def tab(browser, address):
    with opened(browser, address) as tab:
        yield tab


def proxies(tab):
    return tab.locator(".area tbody th").all_inner_texts()


def cells(tab, row):
    found = tab.locator(".area tbody tr").nth(row).locator("td").all_inner_texts()
    return [" ".join(text.split()) for text in found]


def test_all_benchmarks_stand_side_by_side(tab):
    assert tab.locator(".area thead th").all_inner_texts()[2:] == [
        "MobileNet-v2, ImageNet",
        "NAS-Bench-201, CIFAR-100",
        "TransNAS-Bench-101, surface normals",
    ]
    first = dict(zip(proxies(tab), (cells(tab, k) for k in range(4)), strict=True))
    assert first["SynFlow"] == ["1 of 3", "−0.10 [−0.20, 0.00]", "0.55 [0.45, 0.65]", "0.60 [0.50, 0.70]"]
    assert first["NASWOT"] == ["1 of 1", "–", "0.80 [0.70, 0.90]", "–"]
    assert tab.get_by_text("4 proxies, 3 benchmarks.").is_visible()


def test_bold_is_who_is_ahead_of_all_others(tab):
    bold = tab.locator(".area td.alone").all_inner_texts()
    assert sorted(text.split()[0] for text in bold) == ["0.60", "0.80"]
    assert tab.locator(".area td.first").count() == 4  # these, and the two that share MobileNet-v2


def test_sorting_by_a_benchmark_puts_unknown_last(tab):
    button = tab.get_by_role("button", name="MobileNet-v2, ImageNet")
    button.click()
    assert proxies(tab) == ["#FLOPs", "#Params", "SynFlow", "NASWOT"]
    assert tab.locator("th[aria-sort=descending]").count() == 1
    tab.get_by_role("button", name="MobileNet-v2, ImageNet").click()
    assert proxies(tab) == ["SynFlow", "#Params", "#FLOPs", "NASWOT"]
    assert tab.locator("th[aria-sort=ascending]").count() == 1


def test_filters_by_kind_space_and_task(tab):
    tab.get_by_label("Kind of proxy").select_option("naive")
    assert sorted(proxies(tab)) == ["#FLOPs", "#Params"]
    tab.get_by_label("Task").select_option("surface normals")
    assert tab.locator(".area caption").inner_text().startswith("TransNAS-Bench-101, surface normals.")
    tab.get_by_label("Kind of proxy").select_option("")
    assert proxies(tab) == ["SynFlow", "#FLOPs"]
    tab.get_by_label("Task").select_option("")
    tab.get_by_label("Space").select_option("NAS-Bench-201")
    assert proxies(tab)[0] == "NASWOT"


def test_another_statistic_has_its_own_numbers(tab):
    tab.get_by_label("Statistic").select_option("regret")
    found = dict(zip(proxies(tab), (cells(tab, k) for k in range(4)), strict=True))
    assert found["SynFlow"][1:] == ["0.90 [0.80, 1.00]", "1.55 [1.45, 1.65]", "1.60 [1.50, 1.70]"]
    assert found["SynFlow"][0] == "2 of 3"  # low is better; on CIFAR-100 shared with two


def test_one_benchmark_has_all_statistics(tab):
    tab.get_by_label("Benchmark").select_option("mobilenet-v2/imagenet")
    assert proxies(tab) == ["#FLOPs", "#Params", "SynFlow"]
    assert cells(tab, 0)[:3] == ["1–2 of 3", "0.90 [0.80, 1.00]", "0.70 [0.60, 0.80]"]
    assert tab.url.endswith("?benchmark=mobilenet-v2%2Fimagenet")
    tab.goto(tab.url)
    assert proxies(tab) == ["#FLOPs", "#Params", "SynFlow"]


def test_ranks_of_the_script_are_those_of_the_library(tab):
    for name, rows in FRAME.groupby("benchmark"):
        tab.get_by_label("Benchmark").select_option(name)
        tab.evaluate(
            """name => { const it = document.querySelector('.leaderboard').leaderboard;
            it.load(JSON.stringify({ rows: [{ benchmark: name, proxy: 'x', n: 5, kt: 0 }] })) }""",
            name,
        )
        shown = dict(zip(proxies(tab), (cells(tab, k)[0] for k in range(len(rows))), strict=False))
        for row in rows.itertuples():
            ends = dict.fromkeys((f"{row.rank:.0f}", f"{row.rank_to:.0f}"))
            assert shown[row.label] == f"{'–'.join(ends)} of {row.ranked}"


def test_one_benchmark_is_answered_in_a_sentence(tab):
    tab.get_by_label("Benchmark").select_option("mobilenet-v2/imagenet")
    front = FRAME[(FRAME["benchmark"] == "mobilenet-v2/imagenet") & (FRAME["rank"] == 1)]
    best, *level = front.sort_values("kt", ascending=False).itertuples()
    said = tab.locator(".told").inner_text()
    assert f"{best.label} ranks these {best.n} networks best, τ = {best.kt:.2f} [" in said
    assert f"not told apart from it: {', '.join(f'{row.label} ({row.kt:.2f})' for row in level)}." in said
    tab.get_by_label("Kind of proxy").select_option("gradient-based")
    assert "it is ahead of all others." in tab.locator(".told").inner_text()


def load(tab, tmp_path, content):
    path = tmp_path / "my.json"
    path.write_text(content)
    tab.get_by_label("Your own proxy").set_input_files(path)


def test_a_proxy_of_ones_own_takes_its_rank(tab, tmp_path):
    load(tab, tmp_path, json.dumps({"rows": [OWN]}))
    tab.get_by_text("Mine: place 1–3 of 4 on MobileNet-v2, ImageNet").wait_for()
    assert proxies(tab) == ["#FLOPs", "Mine (yours)", "#Params", "SynFlow"]
    mine = cells(tab, 1)
    assert mine[:4] == ["1–3 of 4", "0.85 [0.80, 0.99]", "–", "0.90"]
    assert cells(tab, 0)[0] == "1–3 of 4"
    load(tab, tmp_path, json.dumps({"rows": [OWN]}))  # again: it takes the place of the first
    assert len(proxies(tab)) == 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "This file is not JSON."),
        ("[]", "This file is not what `zsnas evaluate FILE --output my.json` writes."),
        (json.dumps({"rows": [OWN | {"benchmark": "a/b"}]}), "None of the benchmarks in this file is on the"),
        (json.dumps({"rows": [OWN | {"label": "<img src=x onerror=alert(1)>"}]}), "<img src=x"),
    ],
)
def test_a_wrong_file_costs_nothing(tab, tmp_path, content, told):
    load(tab, tmp_path, content)
    tab.get_by_text(told).first.wait_for()
    assert tab.locator(".leaderboard img").count() == 0
    assert "#FLOPs" in proxies(tab)


def test_download_has_what_is_shown(tab):
    tab.get_by_label("Benchmark").select_option("mobilenet-v2/imagenet")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download as CSV").click()
    table = pd.read_csv(download.value.path())
    expected = FRAME[FRAME["benchmark"] == "mobilenet-v2/imagenet"]
    assert table["proxy"].tolist() == expected["proxy"].tolist()
    for column in ("kt", "kt_low", "spr_top_high", "regret", "n", "cost"):
        assert table[column].tolist() == pytest.approx(expected[column].tolist())


def test_keyboard_alone(tab):
    tab.get_by_label("Benchmark").focus()
    tab.keyboard.press("ArrowDown")
    assert proxies(tab) == ["#FLOPs", "#Params", "SynFlow"]
    tab.get_by_role("button", name="proxy", exact=True).focus()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Enter")  # the focus has stayed
    assert proxies(tab) == ["SynFlow", "#Params", "#FLOPs"]


def test_a_phone_shows_a_narrow_table(tab):
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.reload()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert (tab.locator(".area summary").count(), tab.locator(".area table").count()) == (3, 0)
    tab.locator(".area summary").first.click()
    tab.locator(".area details table").wait_for()
    tab.get_by_label("Benchmark").select_option("nb201/cifar100")
    assert cells(tab, 0) == ["1 of 4", "0.80 [0.70, 0.90]", "100"]
    assert tab.locator(".area").evaluate("it => it.scrollWidth <= it.clientWidth")


@pytest.mark.parametrize("width", [1000, 390])
def test_without_scripts_it_is_a_table(browser, address, width):
    with opened(browser, address, width, java_script_enabled=False) as tab:
        assert tab.locator("tbody tr").count() == len(FRAME)
        assert tab.get_by_role("link", name="0.55 [0.45, 0.65]").first.is_visible()
        assert tab.locator("caption").inner_text() == "Proxies and benchmarks"

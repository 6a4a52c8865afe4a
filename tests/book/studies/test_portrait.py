"""A portrait says of a proxy what the register and the leaderboard say."""

import pandas as pd
import pytest

from zsnas.book.studies import portrait
from zsnas.book.studies.portrait import Portrait
from zsnas.proxies import list_proxies, proxy


@pytest.fixture(scope="module")
def small():
    return portrait.of("snip", portrait.SMALL)


def board(**taus):
    """Make rows of a leaderboard, of 50 networks each."""
    rows = [
        {"benchmark": f"{name}/imagenet", "kt": kt, "kt_top": kt - 0.1, "n": 50, "missing": 5, "cost": 1.25}
        for name, kt in taus.items()
    ]
    return pd.DataFrame(rows)


def test_benchmarks_are_in_the_order_of_tau_and_need_thirty_networks():
    known = board(a=0.1, b=0.9, c=0.5)
    known.loc[1, "n"] = 29
    assert Portrait(proxy("snip"), known).ranked["benchmark"].tolist() == ["c/imagenet", "a/imagenet"]


def test_a_single_benchmark_says_nothing_of_best_and_worst():
    alone = Portrait(proxy("snip"), board(a=0.1))
    assert alone.finding() == "Too few networks are scored here to say how well it ranks."
    assert "svg" not in alone.extremes().data
    assert alone.caption() == ""


def test_facts_are_those_of_the_register():
    text = Portrait(proxy("snip"), board(a=0.1, b=0.2)).facts("tab-it").data
    assert "| Formula | {eq}`eq-snip` |" in text
    assert "| Cost | 1.25 bare passes" in text
    assert "| Defined | for 100 of 110 networks on 2 benchmarks |" in text
    assert "SNIP as printed, {eq}`eq-snip-printed`" in text
    assert "a higher score" in text


@pytest.mark.parametrize("name", list_proxies(), ids=str)
def test_the_code_is_the_function_without_its_docstring(name):
    if proxy(name).variant_of:
        return
    text = Portrait(proxy(name), board()).code().data
    assert f"def {proxy(name).function.__name__}(" in text
    assert '"""' not in text
    compile(text.removeprefix("```python\n").removesuffix("```"), name, "exec")


def test_best_and_worst_are_drawn_and_told(small):
    best, worst = small.ranked.itertuples()
    assert best.kt > worst.kt
    assert f"τ of {best.kt:.2f} over {best.n:,} networks, and worst on" in small.finding()
    assert small.extremes().data.count("<svg") == 2
    assert small.caption().count("n = ") == 2


def test_the_legend_is_within_its_small_figure(small, monkeypatch):
    drawn = []
    monkeypatch.setattr(portrait.figures, "svg", lambda figure, _alt: drawn.append(figure) or "")
    small.extremes()
    for figure in drawn:
        figure.canvas.draw()
        [legend] = figure.legends
        box = legend.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1

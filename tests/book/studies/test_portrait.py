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


def test_no_benchmark_says_nothing():
    none = Portrait(proxy("snip"), board(a=0.1).assign(n=3))
    assert none.finding() == "Too few networks are scored here to say how well it ranks."
    assert "svg" not in none.extremes().data
    assert none.caption() == "No benchmark has enough networks with a score of it."


def test_a_single_benchmark_is_neither_best_nor_worst(small):
    alone = Portrait(small.proxy, small.board[small.board["benchmark"] == "resnets/imagenet"])
    tau = alone.board["kt"].iloc[0]
    assert alone.finding() == (
        f"It is scored on one benchmark, ResNets, ImageNet, where it has a Kendall's τ of {tau:.2f} over "
        "42 networks."
    )
    assert alone.extremes().data.count("<svg") == 1
    assert alone.caption().endswith(" Its only benchmark.")
    assert alone.legend() == f"ResNets, ImageNet: τ = {tau:.2f}, n = 42"


def test_a_proxy_that_nothing_was_scored_with_has_a_portrait():
    text = portrait.of("gradsign", portrait.SMALL).facts("tab-it").data
    assert "for 0 of 0 networks on 0 benchmarks" in text
    assert "not measured" in text


def test_the_code_of_another_proxy():
    assert "def flops(" in Portrait(proxy("params"), board()).code("flops").data


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
    assert small.legend().count("n = ") == 2


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

import pandas as pd
import pytest

import zsnas
from zsnas.benchmarks import Benchmark
from zsnas.book.figures.families import score_panels, score_panels_alt

BENCH = Benchmark(
    "tiny",
    pd.DataFrame({"arch": list("abcd"), "test_accuracy": [1.0, 2.0, 3.0, 4.0]}),
    "nb201",
    "cifar10",
    "",
    "",
)
SCORES = pd.DataFrame(
    {
        "arch": list("abcd"),
        "synflow": [1.0, 1e3, 1e6, None],
        "params": [4.0, 3.0, 2.0, 1.0],
        "zen_score": [1.0, 2.0, 3.0, None],
    }
)
GROUPS = dict(zip("abcd", ("left", "left", "right", "right"), strict=True))


def test_one_panel_a_proxy_with_a_mark_for_each_group():
    figure = score_panels(BENCH, SCORES, ["synflow", "params"], GROUPS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["SynFlow", "#Params"]
    (points,) = figure.axes[1].collections
    assert points.get_offsets().tolist() == [[4, 1], [3, 2], [2, 3], [1, 4]]
    shapes = [path.vertices.tolist() for path in points.get_paths()]
    assert shapes[0] == shapes[1] != shapes[2] == shapes[3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["left", "right"]


@pytest.mark.parametrize("proxies", [["fisher", "params"], ["params", "fisher"], ["fisher"]])
def test_a_proxy_that_no_network_has_gets_an_empty_panel(proxies):
    figure = score_panels(BENCH, SCORES.assign(fisher=float("nan")), proxies, GROUPS)
    assert len(figure.axes) == len(proxies)
    named = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert named == (["left", "right"] if "params" in proxies else [])


def test_scores_that_range_widely_are_placed_by_their_logarithm():
    far = SCORES.assign(synflow=[1.0, 1e3, 1e292, None])
    axes = score_panels(BENCH, far, ["synflow"], GROUPS).axes[0]
    assert axes.collections[0].get_offsets()[:, 0].tolist() == [0, 3, 292]
    assert axes.xaxis.get_major_formatter()(292, 0) == "$10^{292}$"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.15, "0.15"), (-8.0002, "−8.0002"), (6000, "6000"), (-16000, "−16k"), (2.5e6, "2.5M")],
)
def test_ticks_are_short(value, written):
    axes = score_panels(BENCH, SCORES, ["params"], GROUPS).axes[0]
    assert axes.xaxis.get_major_formatter()(value, 0) == written


def test_a_line_joins_networks_in_the_order_of_accuracy():
    shuffled = SCORES.iloc[::-1]
    figure = score_panels(BENCH, shuffled, ["params"], GROUPS, joined={"a": 1, "c": 1, "d": 1})
    assert _joined(figure) == [[[4, 1], [2, 3], [1, 4]]]
    assert _joined(score_panels(BENCH, SCORES, ["params"], GROUPS)) == []


def _joined(figure):
    """The points of each line that is drawn; a legend has lines without points."""
    return [line.get_xydata().tolist() for line in figure.axes[0].lines if len(line.get_xydata())]


@pytest.mark.parametrize(("proxy", "value"), [("params", "−1.00"), ("zen_score", "1.00")])
def test_the_words_give_the_correlation(proxy, value):
    assert score_panels_alt(BENCH, SCORES, [proxy]).endswith(f"{zsnas.proxy(proxy).label} {value}.")

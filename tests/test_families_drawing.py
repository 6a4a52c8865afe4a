import pandas as pd
import pytest

from zsnas.benchmarks import Benchmark
from zsnas.families_drawing import score_panels, score_panels_alt

BENCH = Benchmark(
    "tiny",
    pd.DataFrame({"arch": list("abcd"), "test_accuracy": [1.0, 2.0, 3.0, 4.0]}),
    "nb201",
    "cifar10",
    "",
    "",
)
SCORES = pd.DataFrame(
    {"arch": list("abcd"), "synflow": [1.0, 1e3, 1e6, None], "params": [4.0, 3.0, 2.0, 1.0]}
)
GROUPS = dict(zip("abcd", ("left", "left", "right", "right"), strict=True))


def test_one_panel_a_proxy_with_a_mark_for_each_group():
    figure = score_panels(BENCH, SCORES, ["synflow", "params"], GROUPS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["SynFlow", "#Params"]
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "linear"]
    left, right = figure.axes[1].collections
    assert left.get_offsets().tolist() == [[4, 1], [3, 2]]
    assert right.get_offsets().tolist() == [[2, 3], [1, 4]]


@pytest.mark.parametrize(("proxy", "value"), [("params", "−1.00"), ("synflow", "1.00")])
def test_the_words_give_the_correlation(proxy, value):
    assert score_panels_alt(BENCH, SCORES, [proxy]).endswith(f"{value}.")

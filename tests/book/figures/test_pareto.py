"""The panels show the front, the picks and the candidates where the numbers say; the words say the same."""

import numpy as np
import pandas as pd
import pytest

from zsnas import figures, pareto
from zsnas.benchmarks import Benchmark
from zsnas.book.figures import pareto as pareto_drawing
from zsnas.figures import INK, VERMILION

COST = "edgegpu_energy_mj"
PROXIES = ["snip", "synflow", "jacob_cov", "params"]


@pytest.fixture
def bench():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"arch": [f"a{i}" for i in range(100)], COST: np.linspace(2, 40, 100)})
    table["test_accuracy"] = 60 + table[COST] / 4 + rng.normal(0, 3, 100)
    table.loc[[0, 30], "test_accuracy"] = [1.0, 2.0]  # below the axis
    return Benchmark("toy", table, space="toy", batch="toy", licence="none", citation="none")


@pytest.fixture
def selected(bench):
    scores = pd.DataFrame({"arch": bench.table["arch"], "seed": 0, "snip": np.arange(100.0) // 15})
    scores = scores.assign(synflow=scores["snip"], jacob_cov=-scores["snip"], params=np.arange(100.0))
    table = pareto.selections(bench, scores, COST)
    return {name: table[table["proxy"] == name] for name in PROXIES}


@pytest.fixture
def figure(bench, selected):
    return pareto_drawing.front_panels(bench, COST, bench.table["arch"], selected)


def line(axes, colour, marker="None"):
    [found] = [drawn for drawn in axes.lines if (drawn.get_color(), drawn.get_marker()) == (colour, marker)]
    return found


def test_cost_is_written_with_device_and_unit():
    assert pareto_drawing.cost_label("edgegpu_energy_mj") == "Energy on the edge GPU (Jetson TX2), mJ"
    assert pareto_drawing.cost_label("titanx_256_latency_ms") == "Latency on titanx_256, ms"
    assert pareto_drawing.cost_label("million_macs") == "Multiply-accumulates, millions"


def test_axis_starts_at_a_multiple_of_five_below_most():
    assert pareto_drawing.floor(pd.Series([1.0, *[48.0] * 99])) == 45


def test_axis_can_leave_nothing_out(bench, selected):
    whole = pareto_drawing.front_panels(bench, COST, bench.table["arch"], selected, cut=0)
    [axes, *_] = whole.axes
    assert axes.get_ylim()[0] == 0
    assert not [drawn for drawn in axes.lines if drawn.get_marker() == "v"]


def test_many_picks_are_drawn_finer(bench):
    """Four times as many picks as a panel draws in full have circles and lines half as large."""
    table = bench.table.assign(test_accuracy=60.0)
    picked = pd.concat([table] * 2).head(4 * pareto_drawing.MANY)
    chosen = {"snip": picked.head(pareto_drawing.MANY), "synflow": picked}
    few, many = pareto_drawing.front_panels(bench, COST, table["arch"], chosen).axes
    for marker, size in (("o", "get_markersize"), ("None", "get_linewidth")):
        full, finer = (getattr(line(axes, VERMILION, marker), size)() for axes in (few, many))
        assert finer == pytest.approx(full / 2)


def test_every_proxy_has_a_panel_and_no_panel_is_left(figure):
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["SNIP", "SynFlow", "Jacob_cov", "#Params"]


def test_front_is_a_black_staircase_to_the_dearest_network(bench, figure):
    drawn = line(figure.axes[0], INK)
    on_front = bench.table.iloc[pareto.front(bench.table[COST], bench.table["test_accuracy"])]

    assert drawn.get_drawstyle() == "steps-post"
    assert drawn.get_xdata() == pytest.approx([*on_front[COST], 40])
    assert drawn.get_ydata()[-2:] == pytest.approx([on_front["test_accuracy"].iloc[-1]] * 2)


def test_picks_are_circles_on_a_vermilion_staircase(selected, figure):
    axes, picked = figure.axes[0], selected["snip"]
    shown = picked[picked["test_accuracy"] > 10]

    assert line(axes, VERMILION).get_xdata() == pytest.approx([*picked[COST], 40])
    circles = line(axes, VERMILION, "o")
    assert circles.get_xdata() == pytest.approx(shown[COST])
    assert circles.get_ydata() == pytest.approx(shown["test_accuracy"])


def test_a_pick_below_the_axis_is_a_triangle_on_its_edge(selected, figure):
    axes, picked = figure.axes[0], selected["snip"]
    triangles = line(axes, VERMILION, "v")
    below = picked[picked["test_accuracy"] < 10]

    assert len(below) == 2
    assert triangles.get_xdata() == pytest.approx(below[COST])
    assert set(triangles.get_ydata()) == {axes.get_ylim()[0]}


# The layout warns when an artist has no finite extent, and warnings are errors.
def test_a_panel_without_a_pick_below_the_axis_keeps_its_size(bench, selected):
    bottom = pareto_drawing.floor(bench.table["test_accuracy"])
    above = {name: rows[rows["test_accuracy"] >= bottom] for name, rows in selected.items()}
    wide = {"synflow": selected["synflow"], "snip": above["snip"], "params": above["params"]}
    figure = pareto_drawing.front_panels(bench, COST, bench.table["arch"], wide)
    figures.svg(figure)

    has_triangles = [any(drawn.get_marker() == "v" for drawn in axes.lines) for axes in figure.axes]
    assert has_triangles == [True, False, False]
    widths = [axes.get_position().width for axes in figure.axes]
    assert widths == pytest.approx([widths[0]] * 3)
    assert widths[0] > 0.2


def test_every_candidate_colours_a_pixel(bench, selected):
    three = bench.table["arch"][[50, 51, 99]]
    axes = pareto_drawing.front_panels(bench, COST, three, selected).axes[0]
    [picture] = axes.images
    rows, columns = np.nonzero(~np.ma.getmaskarray(picture.get_array()))
    left, right, bottom, top = picture.get_extent()
    costs = left + (columns + 0.5) * (right - left) / pareto_drawing.PIXELS[1]
    accuracies = bottom + (rows + 0.5) * (top - bottom) / pareto_drawing.PIXELS[0]

    expected = bench.table.loc[three.index].sort_values(COST)
    order = np.argsort(costs)
    assert costs[order] == pytest.approx(expected[COST], abs=0.201)
    assert accuracies[order] == pytest.approx(expected["test_accuracy"], abs=0.5 * (top - bottom) / 90)


def test_a_panel_costs_a_page_few_bytes(figure):
    assert len(figures.svg(figure)) < 15_000 * len(PROXIES)


def test_drawing_is_the_same_bytes_each_time(bench, selected):
    one, other = (
        figures.svg(pareto_drawing.front_panels(bench, COST, bench.table["arch"], selected)) for _ in range(2)
    )
    assert one == other


def test_words_count_the_front_and_tell_the_last_picks(bench, selected):
    words = pareto_drawing.front_panels_alt(bench, COST, selected)
    count = len(pareto.front(bench.table[COST], bench.table["test_accuracy"]))
    best = bench.table["test_accuracy"].max()

    assert f"The Pareto front has {count} networks and rises to {best:.1f}\N{NO-BREAK SPACE}%." in words
    last = selected["params"]["test_accuracy"].iloc[-1]
    assert words.endswith(f"#Params {last:.1f}\N{NO-BREAK SPACE}%.")

"""Figures show the numbers of their table, as text that stays text, in the same bytes each time."""

import html
import itertools
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from zsnas import figures
from zsnas.benchmarks import Benchmark
from zsnas.book.figures.pareto import CANDIDATES
from zsnas.book.figures.skips import FAINT

ROOT = Path(__file__).parents[1]

PROXIES = {"params": "#Params", "synflow": "SynFlow", "zen_score": "Zen-score"}
ARCH = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = list(itertools.product(PROXIES, ("KT", "SPR"), ("all", "top")))
    frame = pd.DataFrame(rows, columns=["proxy", "statistic", "subset"])
    frame["value"] = rng.uniform(-0.5, 0.8, len(frame))
    frame["low"], frame["high"] = frame["value"] - 0.1, frame["value"] + 0.15
    return frame.assign(seed_sd=0.01, seeds=5, n=np.where(frame["subset"] == "all", 1735, 782), missing=0)


@pytest.fixture
def ratios():
    ratio = np.arange(1, 21) / 20
    frames = [
        pd.DataFrame({"proxy": proxy, "statistic": statistic, "ratio": ratio, "value": ratio / (2 + k)})
        for k, (proxy, statistic) in enumerate(itertools.product(("params", "flops"), ("KT", "SPR")))
    ]
    table = pd.concat(frames, ignore_index=True)
    table["low"], table["high"] = table["value"] - 0.01, table["value"] + 0.02
    return table.assign(seeds=1, n=(15_625 * table["ratio"]).astype(int), missing=0)


@pytest.fixture
def bench():
    names = [f"a{i}" for i in range(100)]
    accuracy = pd.DataFrame({"arch": names, "test_accuracy": np.arange(100.0)})
    return Benchmark("toy", accuracy, space="toy", batch="toy", licence="none", citation="none")


@pytest.fixture
def scores():
    return pd.DataFrame({"arch": [f"a{i}" for i in range(100)], "params": np.arange(100.0) ** 2})


def expected(table, statistic, subset, column):
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset)].set_index("proxy")
    order = table[(table["statistic"] == "KT") & (table["subset"] == "all")].sort_values(
        "value", ascending=False
    )
    return rows.loc[order["proxy"], column].to_numpy()


def words(figure):
    return re.findall(r"<text[^>]*>([^<]+)</text>", figures.svg(figure))


# Dumbbells of correlations


@pytest.mark.parametrize(("line", "subset"), [(0, "all"), (1, "top")])
def test_dots_are_the_values_and_whiskers_the_intervals(table, line, subset):
    axes = figures.correlation_dumbbells(table).axes[0]
    dots = [drawn for drawn in axes.lines if drawn.get_marker() == "o"][line]
    np.testing.assert_allclose(dots.get_xdata(), expected(table, "KT", subset, "value"))
    segments = np.array(axes.collections[line].get_segments())
    np.testing.assert_allclose(segments[:, 0, 0], expected(table, "KT", subset, "low"))
    np.testing.assert_allclose(segments[:, 1, 0], expected(table, "KT", subset, "high"))
    np.testing.assert_allclose(segments[:, 0, 1], dots.get_ydata())


def test_a_line_joins_the_two_dots_of_each_proxy(table):
    axes = figures.correlation_dumbbells(table).axes[0]
    joins = [drawn for drawn in axes.lines if drawn.get_marker() == "None"][: len(PROXIES)]
    over_all, over_top = (drawn for drawn in axes.lines if drawn.get_marker() == "o")
    for place, join in enumerate(joins):
        ends = [(dots.get_xdata()[place], dots.get_ydata()[place]) for dots in (over_all, over_top)]
        np.testing.assert_allclose(join.get_xydata(), ends)


def test_proxies_are_in_the_order_of_kendall_over_all(table):
    figure = figures.correlation_dumbbells(table)
    order = table[(table["statistic"] == "KT") & (table["subset"] == "all")].sort_values("value")["proxy"][
        ::-1
    ]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [PROXIES[name] for name in order]
    assert figure.axes[0].yaxis_inverted()  # the first is at the top


def test_labels_name_the_statistic_the_subsets_and_n(table):
    text = words(figures.correlation_dumbbells(table, top=0.1))
    for label in (
        *("#Params", "Kendall’s τ with test accuracy", "all architectures (n = 1,735)"),
        "top 10\N{NO-BREAK SPACE}% by accuracy (n = 782)",
    ):
        assert text.count(label) == 1, label


@pytest.mark.parametrize(("truth", "metric"), [("top-1 accuracy", "accuracy"), ("mIoU", "mIoU")])
def test_the_top_is_by_what_the_scores_are_correlated_with(table, truth, metric):
    text = words(figures.correlation_dumbbells(table, truth=truth))
    assert text.count(f"top 5\N{NO-BREAK SPACE}% by {metric} (n = 782)") == 1
    assert text.count(f"Kendall’s τ with {truth}") == 1


def test_an_undefined_correlation_has_no_dot(table):
    table.loc[table["proxy"] == "synflow", ["value", "low", "high"]] = np.nan
    figure = figures.correlation_dumbbells(table)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][-1] == "SynFlow"
    assert "SynFlow" in words(figure)


def test_text_stays_legible_on_a_phone():
    phone, smallest = 350, 11  # px
    size = min(figures.STYLE["xtick.labelsize"], figures.STYLE["font.size"]) / 72  # inches
    assert phone / figures.PHONE_WIDTH * size >= smallest


def test_dumbbells_alt_names_the_best_the_worst_and_the_drops(table):
    table["value"] = np.where(table["subset"] == "all", 0.5, 0.6)
    kendall = table["statistic"] == "KT"
    table.loc[kendall & (table["proxy"] == "params"), "value"] = [0.71, -0.04]
    alt = figures.correlation_dumbbells_alt(table)
    assert "3 proxies" in alt
    assert "over all architectures from 0.71 (#Params) down to 0.50" in alt
    assert "down to −0.04 (#Params)" in alt
    assert "for 1 of the 3 proxies" in alt


def test_dumbbells_alt_of_undefined_correlations(table):
    table.loc[table["subset"] == "top", "value"] = np.nan
    assert "the top 5\N{NO-BREAK SPACE}% from undefined" in figures.correlation_dumbbells_alt(table)


# Ratio curves


def test_curves_and_bands_are_the_table_and_narrow_to_the_right(ratios):
    figure = figures.ratio_curves(ratios)
    for axes, statistic in zip(figure.axes, ("KT", "SPR"), strict=True):
        for line, band, proxy in zip(axes.lines, axes.collections, ("params", "flops"), strict=False):
            rows = ratios[(ratios["proxy"] == proxy) & (ratios["statistic"] == statistic)]
            np.testing.assert_allclose(line.get_xdata(), 100 * rows["ratio"])
            np.testing.assert_allclose(line.get_ydata(), rows["value"])
            ends = band.get_paths()[0].vertices[:, 1]
            assert (ends.min(), ends.max()) == pytest.approx((rows["low"].min(), rows["high"].max()))
        left, right = axes.get_xlim()
        assert left > 100
        assert right < 5
    assert {"#Params", "#FLOPs", "Networks kept, best by test accuracy (%)", "5", "100"} <= set(words(figure))


def test_curves_that_coincide_are_told_apart():
    for first, second in itertools.combinations(figures.CURVES, 2):
        assert first.marker != second.marker
        assert (first.dash, first.width) != (second.dash, second.width)
        assert first.width >= second.width


def test_too_many_curves_are_refused(ratios):
    many = pd.concat([ratios.assign(proxy=f"p{k}") for k in range(7)])
    with pytest.raises(ValueError, match="7 curves cannot be told apart; choose at most 6"):
        figures.ratio_curves(many)


def test_ratio_alt_says_where_each_curve_starts_and_ends(ratios):
    alt = figures.ratio_curves_alt(ratios).replace("\N{NO-BREAK SPACE}", " ")
    assert "from the best 100 % to the best 5 %" in alt
    assert "#Params goes from 0.50 to 0.03" in alt
    assert "#FLOPs goes from 0.25 to 0.01" in alt


# Scatter


def test_scatter_sets_the_top_apart_and_rasterises_only_the_points(bench, scores):
    figure = figures.score_scatter(bench, scores, "params", top=0.1)
    others, top = figure.axes[0].collections
    assert len(others.get_offsets()) == 90
    np.testing.assert_allclose(top.get_offsets(), [[i + 1, i] for i in range(90, 100)])
    text = figures.svg(figure)
    assert text.count("<image") == 1
    assert {"Percentile by #Params", "Test accuracy (%)", "others (n = 90)"} <= set(words(figure))


def test_thousands_of_points_stay_small(bench, scores):
    thousands = scores.loc[np.arange(20_000) % 100].assign(params=np.arange(20_000.0))
    assert len(figures.svg(figures.score_scatter(bench, thousands, "params"))) < 200_000


def test_scatter_leaves_nan_out_and_alt_gives_the_medians(bench, scores):
    scores.loc[0, "params"] = np.nan
    alt = figures.score_scatter_alt(bench, scores, "params")
    assert "99 architectures" in alt
    # accuracies 1 to 99: the quarter up to the 24th and that from the 75th
    assert "12.5 % in the lowest quarter and 87.0 % in the highest" in alt


# Cell and network


def test_the_cell_has_four_nodes_and_five_candidates_on_each_of_six_edges():
    axes = figures.cell_drawing().axes[0]
    nodes = [patch for patch in axes.patches if isinstance(patch, mpl.patches.Circle)]
    arrows = [patch for patch in axes.patches if isinstance(patch, mpl.patches.FancyArrowPatch)]
    assert (len(nodes), len(arrows)) == (4, 30)
    assert len({arrow.get_edgecolor() for arrow in arrows}) == 5


def test_an_architecture_has_its_operation_on_each_edge():
    axes = figures.cell_drawing(ARCH).axes[0]
    drawn = {}
    for arrow in axes.patches:
        if isinstance(arrow, mpl.patches.FancyArrowPatch):
            ends = arrow._path_original.vertices[[0, -1]]
            colour = mpl.colors.to_hex(arrow.get_edgecolor())
            drawn[nearest_node(ends[0]), nearest_node(ends[1])] = colour
    names = {
        (0, 1): "nor_conv_3x3",
        (0, 2): "none",
        (1, 2): "nor_conv_1x1",
        (0, 3): "skip_connect",
        (1, 3): "avg_pool_3x3",
        (2, 3): "nor_conv_3x3",
    }
    assert drawn == {edge: figures.OPERATION_LINES[name].colour for edge, name in names.items()}


def nearest_node(point):
    return min(figures.NODES, key=lambda node: np.hypot(*(np.array(figures.NODES[node]) - point)))


def test_curves_stop_at_the_rims_of_their_nodes():
    curve = figures._curve((0, 2), 0.2)
    for node in (0, 2):
        distance = np.hypot(*(curve - figures.NODES[node]).T)
        assert figures.NODE_RADIUS < distance.min() < figures.NODE_RADIUS + 0.2


def test_parallel_lines_keep_their_distance():
    middle, shifted = (figures._curve((1, 2), shift) for shift in (0.0, 0.1))
    assert shifted[:, 1] == pytest.approx(0.1)
    assert middle[:, 1] == pytest.approx(0)


def test_the_legend_and_alt_name_every_operation():
    text = words(figures.cell_drawing())
    for label in figures.OPERATION_LABELS.values():
        assert label in text
        assert label in figures.cell_drawing_alt()
    assert {"input", "output", "0", "1", "2", "3"} <= set(text)


def test_alt_of_one_architecture():
    alt = figures.cell_drawing_alt(ARCH)
    assert "0 to 1 3×3 convolution" in alt
    assert "0 to 2 none (no connection)" in alt
    assert "1 to 3 3×3 average pooling" in alt


def test_a_string_that_is_no_architecture_is_refused():
    with pytest.raises(ValueError, match="conv"):
        figures.cell_drawing("|conv~0|")


def test_the_network_has_three_stages_of_five_cells():
    text = words(figures.network_drawing())
    assert text.count("cell") == 15
    assert text.count("residual block, stride 2") == 2
    for part in ("stem: 3×3 convolution", "stage 1:", "global average pooling", "linear classifier"):
        assert text.count(part) == 1
    # 16 channels at 32 pixels, twice: stem and stage 1; the others after their residual block and their stage
    assert [text.count(shape) for shape in ("16 × 32 × 32", "32 × 16 × 16", "64 × 8 × 8")] == [2, 2, 2]
    assert "100 classes" in text


def test_the_network_of_a_smaller_image():
    assert {"3 × 16 × 16", "64 × 4 × 4", "120 classes"} <= set(words(figures.network_drawing(120, 16)))
    alt = figures.network_drawing_alt(120, 16)
    assert alt.index("image (3 × 16 × 16)") < alt.index("stage 1 (16 × 16 × 16)") < alt.index("120 classes")


# Captions


def test_caption_states_what_the_figure_was_computed_from(table):
    table.loc[table["proxy"] == "synflow", ["n", "missing"]] -= [3, -3]
    text = figures.caption(table, batch_size=64, resamples=1000)
    assert text == (
        "n = 1,732 to 1,735 architectures (779 to 782 in the top 5\N{NO-BREAK SPACE}%); 5 seeds; "
        "batch size 64; "
        "whiskers: 95 % bootstrap interval over architectures (1,000 resamples). "
        "Left out because the score is undefined: SynFlow 3."
    )


def test_caption_of_ratios_is_about_all_architectures(ratios):
    text = figures.caption(ratios, batch_size=32, resamples=500)
    assert text.startswith("n = 15,625 architectures; 1 seed; batch size 32; bands: 95 % bootstrap")
    assert "Left out" not in text


# Files


def every_figure(table, ratios):
    return [
        figures.correlation_dumbbells(table),
        figures.ratio_curves(ratios),
        figures.cell_drawing(),
        figures.network_drawing(),
    ]


def test_the_same_figure_gives_the_same_bytes(table, ratios):
    first, second = ([figures.svg(figure) for figure in every_figure(table, ratios)] for _ in range(2))
    assert first == second
    assert not any(re.search(r"<dc:date|Matplotlib v", text) for text in first)


def test_text_is_at_least_nine_points_on_a_page_of_720_pixels(table, ratios):
    for figure in every_figure(table, ratios):
        text = figures.svg(figure)
        width = float(re.search(r'width="([\d.]+)pt"', text)[1])
        assert width <= 720 * 0.75
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", text)]
        assert min(sizes) >= 9


def test_svg_is_one_element_with_its_alt_text(table):
    alt = 'a < b & "c"'
    text = figures.svg(figures.correlation_dumbbells(table), alt)
    root = ET.fromstring(text)  # noqa: S314
    assert root.tag.endswith("svg")
    assert root.get("role") == "img"
    assert root.get("aria-label") == alt
    assert html.escape(alt) in text
    assert "max-width: 100%" in root.get("style")
    assert "role" not in ET.fromstring(figures.svg(figures.correlation_dumbbells(table))).attrib  # noqa: S314


def test_drawing_leaves_the_global_style_alone(table, ratios):
    before = dict(mpl.rcParams)
    for figure in every_figure(table, ratios):
        figures.svg(figure)
    assert dict(mpl.rcParams) == before


def test_bars_differ_in_grey():
    def lightness(colour):
        return np.dot(mpl.colors.to_rgb(colour), [0.299, 0.587, 0.114])

    dark, light = (lightness(colour) for colour in figures.SUBSETS.values())
    assert light - dark > 0.2


def luminance(rgb):
    linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def in_the_dark(rgb):
    """Return what the filter of the book's style makes of a colour, as CSS defines its two steps."""
    style = (ROOT / "book" / "_static" / "book.css").read_text()
    [(share, degrees)] = re.findall(r"filter: invert\(([\d.]+)\) hue-rotate\((\d+)deg\)", style)
    inverted = float(share) + (1 - 2 * float(share)) * rgb
    assert degrees == "180"  # which turns every colour around the grey of its lightness
    grey = inverted @ [0.213, 0.715, 0.072]
    return np.clip(2 * grey - inverted, 0, 1)


@pytest.mark.parametrize("colour", sorted({*figures.PALETTE, CANDIDATES, FAINT}))
def test_marks_are_seen_on_paper_and_in_the_dark(colour):
    mark, paper = (np.array(mpl.colors.to_rgb(one)) for one in (colour, figures.PAPER))
    assert contrast(mark, paper) >= 3
    assert contrast(in_the_dark(mark), in_the_dark(paper)) >= 3


def test_no_identifier_of_a_figure_is_there_for_nothing(table):
    text = figures.svg(figures.correlation_dumbbells(table))
    identifiers = re.findall(r' id="([^"]+)"', text)
    assert identifiers
    assert all(f"#{identifier}" in text for identifier in identifiers)


def test_the_caption_of_counts_has_no_seed_and_no_batch(ratios):
    text = figures.caption(ratios, batch_size=None, resamples=500)
    assert text.startswith("n = 15,625 architectures; bands: 95 %")


def test_level_bars_have_one_bar_a_value_as_high_as_its_count():
    values = pd.Series([2e6, 1e6, 2e6, 5e6])
    axes = figures.level_bars(values, "Parameters (millions)", 1e6).axes[0]
    (bars,) = axes.collections
    assert [segment.tolist() for segment in bars.get_segments()] == [
        [[1, 0], [1, 1]],
        [[2, 0], [2, 2]],
        [[5, 0], [5, 1]],
    ]
    assert axes.get_xlabel() == "Parameters (millions)"
    assert figures.level_bars_alt(values.astype(int), "parameters") == (
        "Bar chart: 4 architectures have 3 different values of parameters, from 1,000,000 to 5,000,000; "
        "2 of them share the most frequent, 2,000,000."
    )

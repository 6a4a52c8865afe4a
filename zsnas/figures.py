"""The book's figures: one function per kind of figure, one style, and for each what it shows in words.

Every function takes data and returns a matplotlib ``Figure`` that belongs to no window and no global state.
Its companion ``…_alt`` returns the alternative text, computed from the same data. :func:`svg` writes a figure
with text as text and the same bytes each time.

The style: colours of Okabe and Ito, the two lightest darkened until they are seen on paper (3 : 1), told
apart in grey by lightness, dash or marker too; 10 and 11 pt text on a figure that is 6 in (576 px) wide,
which stays legible when a phone shrinks it to 350 px.
"""

from __future__ import annotations

import functools
import html
import io
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator, PercentFormatter

import zsnas.proxies
import zsnas.spaces
import zsnas.statistics
from zsnas.proxies import label_of
from zsnas.statistics import orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zsnas.benchmarks import Benchmark

    Floats = NDArray[np.float64]

__all__ = [
    "caption",
    "cell_drawing",
    "cell_drawing_alt",
    "level_bars",
    "level_bars_alt",
    "correlation_dumbbells",
    "correlation_dumbbells_alt",
    "network_drawing",
    "network_drawing_alt",
    "rank_dots",
    "rank_dots_alt",
    "ratio_curves",
    "ratio_curves_alt",
    "score_scatter",
    "score_scatter_alt",
    "svg",
]

Parameters = ParamSpec("Parameters")

INK, GRID, PAPER = "#222222", "#d5d5d5", "#ffffff"
BLUE, ORANGE, GREEN = "#0072b2", "#cd8500", "#009e73"
VERMILION, SKY, PURPLE = "#d55e00", "#3a9bd3", "#cc79a7"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE)
WIDTH = 6.0  # inches
PHONE_WIDTH = 4.4  # inches; a phone shrinks it so little that its text stays as large as that beside it

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.unicode_minus": True,
    "figure.dpi": 96,
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 11,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "savefig.dpi": 192,  # of rasterised layers
    "svg.fonttype": "none",
    "svg.hashsalt": "zsnas",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 10,
    "ytick.color": INK,
    "ytick.labelsize": 11,
}

STATISTIC_NAMES = {"KT": "Kendall’s τ (KT)", "SPR": "Spearman’s ρ (SPR)"}
SUBSETS = {"all": BLUE, "top": ORANGE}
CEILINGS = {"all": "what noise allows, all", "top": "what noise allows, top"}
APART = 0.16  # of the distance between two rows: how far the ends of a dumbbell are off its middle


class Line(NamedTuple):
    """How a line is drawn."""

    colour: str
    dash: Literal["-", "--", "-.", ":"] | tuple[float, tuple[float, ...]]
    width: float  # points
    marker: str = ""
    marker_size: float = 0.0  # points

    @property
    def stroke(self) -> dict[str, Any]:
        """Colour, dash and width by matplotlib's names."""
        return {"color": self.colour, "linestyle": self.dash, "linewidth": self.width}

    @property
    def style(self) -> dict[str, Any]:
        """The stroke and its marker by matplotlib's names."""
        return {**self.stroke, "marker": self.marker, "markersize": self.marker_size}


# Wide under narrow and dark under light, so that curves which coincide are both seen.
CURVES = (
    Line(BLUE, "-", 3.0, "o", 6.5),
    Line(ORANGE, "--", 1.5, "s", 3),
    Line(VERMILION, "-.", 1.5, "^", 4.5),
    Line(GREEN, (0.0, (6.0, 1.0, 1.0, 1.0, 1.0, 1.0)), 1.4, "D", 4),
    Line(PURPLE, ":", 1.4, "v", 4.5),
    Line(SKY, "-", 1.2, "x", 5),
)

OPERATION_LINES = {
    "none": Line("#8c8c8c", (0.0, (1.0, 2.0)), 1.6),
    "skip_connect": Line(INK, "-", 1.2),
    "nor_conv_1x1": Line(ORANGE, (0.0, (5.0, 1.5)), 2.2),
    "nor_conv_3x3": Line(BLUE, "-", 3.0),
    "avg_pool_3x3": Line(GREEN, (0.0, (4.0, 1.2, 1.0, 1.2)), 2.2),
}
OPERATION_LABELS = {
    "none": "none (no connection)",
    "skip_connect": "skip connection",
    "nor_conv_1x1": "1×1 convolution",
    "nor_conv_3x3": "3×3 convolution",
    "avg_pool_3x3": "3×3 average pooling",
}


def _styled(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    @functools.wraps(draw)
    def styled(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


def svg(figure: Figure, alt: str = "") -> str:
    """Write a figure as an ``<svg>`` element, for a file or to stand in a page.

    Text stays text, and the same figure gives the same bytes: no date, no version, and identifiers from a
    fixed salt.

    Parameters
    ----------
    figure : Figure
    alt : str
        The alternative text; becomes the label of the element for screen readers.
    """
    target = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(
            target, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None}
        )
    text = _without_unused_ids(target.getvalue())
    role = f'role="img" aria-label="{html.escape(alt)}" ' if alt else ""
    return text[text.index("<svg ") :].replace(
        "<svg ", f'<svg {role}style="max-width: 100%; height: auto" ', 1
    )


def _without_unused_ids(text: str) -> str:
    """Remove the identifiers that nothing refers to; several figures on a page would repeat them."""
    used = set(re.findall(r"#([^\s\"')]+)", text))
    return re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in used else "", text)


# Correlation of each proxy (Figures 6 and 7)


@_styled
def correlation_dumbbells(
    table: pd.DataFrame,
    *,
    top: float = 0.05,
    truth: str = "test accuracy",
    ceiling: Mapping[str, float] | None = None,
) -> Figure:
    """Draw Kendall’s τ of every proxy with accuracy, over all architectures and over the top ones.

    A filled dot is the value over all, a ring the one over the top, each with a whisker from ``low`` to
    ``high``. The proxies are in the order of their value over all. What is absent is undefined (NaN).

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.correlations`.
    top : float
        The fraction that the subset "top" stands for.
    truth : str
        What the scores are correlated with, in words; the top is the best by it.
    ceiling : mapping of float, optional
        By subset, the highest Kendall's τ that the noise of the truth lets any score have: a dashed line.
    """
    proxies = _ranked(table)
    places = np.arange(len(proxies), dtype=np.float64)
    figure = Figure(figsize=(PHONE_WIDTH, 1.6 + 0.4 * len(proxies)), layout="constrained")
    axes = figure.subplots()
    rows = {subset: _select(table, proxies, "KT", subset) for subset in SUBSETS}
    ends = [rows[subset]["value"] for subset in SUBSETS]
    axes.plot(ends, [places - APART, places + APART], color=INK, linewidth=1, alpha=0.5, zorder=1)
    for subset, offset in zip(SUBSETS, (-APART, APART), strict=True):
        _dots(axes, rows[subset], places + offset, subset, _pool_words(table, subset, top, truth))
        if ceiling is not None:
            axes.axvline(ceiling[subset], color=SUBSETS[subset], linestyle="--", label=CEILINGS[subset])
    axes.invert_yaxis()
    _finish_panel(axes, [label_of(name) for name in proxies])
    axes.set_xlabel(f"Kendall’s τ with {truth}")
    figure.legend(loc="outside upper left", ncols=1)
    return figure


def correlation_dumbbells_alt(table: pd.DataFrame, *, top: float = 0.05, truth: str = "test accuracy") -> str:
    """Say what :func:`correlation_dumbbells` shows: best and worst over all and the top, and how many drop.

    Parameters
    ----------
    table, top, truth
        As for :func:`correlation_dumbbells`.
    """
    labels = {name: label_of(name) for name in table["proxy"].unique()}
    kendall = (
        table[table["statistic"] == "KT"]
        .pivot(index="proxy", columns="subset", values="value")
        .rename(labels)
    )
    ranges = " and ".join(
        f"over {words} from {_extreme(kendall[subset], best=True)} down to "
        f"{_extreme(kendall[subset], best=False)}"
        for subset, words in (("all", "all architectures"), ("top", f"the top {_percent(top)}"))
    )
    drops = int((kendall["top"] < kendall["all"]).sum())
    return (
        f"Dots with intervals: Kendall’s τ of {len(kendall)} proxies with {truth}, "
        f"{ranges}. It is lower over the top {_percent(top)} than over all "
        f"for {drops} of the {len(kendall)} proxies."
    )


def _ranked(table: pd.DataFrame) -> list[str]:
    """Proxies, highest Kendall's τ over all architectures first, undefined ones last."""
    order = table[(table["statistic"] == "KT") & (table["subset"] == "all")]
    return [str(name) for name in order.sort_values("value", ascending=False, kind="stable")["proxy"]]


def _select(table: pd.DataFrame, proxies: Sequence[str], statistic: str, subset: str) -> pd.DataFrame:
    rows = table[(table["statistic"] == statistic) & (table["subset"] == subset)]
    return rows.set_index("proxy").reindex(pd.Index(proxies))


def _dots(axes: Axes, rows: pd.DataFrame, places: Floats, subset: str, words: str) -> None:
    colour = SUBSETS[subset]
    axes.hlines(places, rows["low"], rows["high"], colors=colour, linewidth=2)
    face = colour if subset == "all" else PAPER
    axes.plot(
        rows["value"],
        places,
        "o",
        color=colour,
        markerfacecolor=face,
        markeredgewidth=2,
        markersize=8,
        label=words,
    )


def _finish_panel(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=INK, linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    axes.grid(axis="x")


def _pool_words(table: pd.DataFrame, subset: str, top: float, truth: str) -> str:
    metric = "accuracy" if "accuracy" in truth else truth  # which accuracy, the axis says
    words = "all architectures" if subset == "all" else f"top {_percent(top)} by {metric}"
    return f"{words} (n = {_span(table.loc[table['subset'] == subset, 'n'])})"


def _span(counts: pd.Series[int]) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _extreme(values: pd.Series[float], *, best: bool) -> str:
    if values.isna().all():
        return "undefined"
    place = int(values.argmax() if best else values.argmin())
    return f"{_number(values.iloc[place])} ({values.index[place]})"


def _percent(fraction: float) -> str:
    return f"{round(100 * fraction, 6):g}\N{NO-BREAK SPACE}%"


def _number(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−")


# Ranks of networks of one's own


@_styled
def rank_dots(ranking: pd.DataFrame) -> Figure:
    """Draw the rank of every network by every proxy, the best on the left, and a bar for the mean.

    Parameters
    ----------
    ranking : DataFrame
        Of :func:`zsnas.rank`.
    """
    ranks = ranking.xs("rank", axis=1, level=1)
    figure = Figure(figsize=(WIDTH, 1.3 + 0.42 * len(ranks)), layout="constrained")
    axes = figure.subplots()
    for place, (mean, *by_proxy) in enumerate(ranks.to_numpy().tolist()):
        for rank, count in Counter(rank for rank in by_proxy if not math.isnan(rank)).items():
            axes.plot(rank, place, "o", color=BLUE, alpha=0.7, markersize=3 + 3 * count**0.5)
        axes.plot(mean, place, "|", color=INK, markersize=18, markeredgewidth=3)
    axes.set_yticks(range(len(ranks)), ranks.index)
    axes.set_ylim(len(ranks) - 0.5, -0.5)
    axes.set_xlabel("Rank, 1 is the best; larger dots: more proxies; bar: mean of all")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def rank_dots_alt(ranking: pd.DataFrame) -> str:
    """Return the alternative text of :func:`rank_dots`.

    Parameters
    ----------
    ranking : DataFrame
        Of :func:`zsnas.rank`.
    """
    places = ", ".join(f"{model} {mean:.1f}" for model, mean in ranking["all", "rank"].items())
    proxies = ranking.columns.get_level_values(0).nunique() - 1
    return f"Ranks of {len(ranking)} networks by {proxies} proxies. Mean ranks: {places}."


# Correlation against the ratio of top networks (Figure 13)


@_styled
def ratio_curves(table: pd.DataFrame) -> Figure:
    """Draw correlation against the ratio of top networks, from all of them (left) to the best 5 % (right).

    One panel for Kendall's τ, one for Spearman's ρ; in each a curve per proxy through ``value``, in a band
    from ``low`` to ``high``.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.statistics.ratio_correlations`; at most 6 proxies.

    Raises
    ------
    ValueError
        For more proxies than can be told apart.
    """
    proxies = list(dict.fromkeys(table["proxy"]))
    if len(proxies) > len(CURVES):
        raise ValueError(f"{len(proxies)} curves cannot be told apart; choose at most {len(CURVES)} proxies")
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, statistic in zip(panels, STATISTIC_NAMES, strict=True):
        for proxy, line in zip(proxies, CURVES, strict=False):
            rows = table[(table["proxy"] == proxy) & (table["statistic"] == statistic)].sort_values("ratio")
            _curve_with_band(axes, rows, label_of(proxy), line)
        axes.set_title(STATISTIC_NAMES[statistic])
        axes.axhline(0, color=INK, linewidth=1)
        axes.grid()
    panels[0].set(xlim=(103, 2), xticks=(100, 80, 60, 40, 20, 5), ylabel="Correlation with test accuracy")
    figure.supxlabel("Networks kept, best by test accuracy (%)", fontsize=11)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=3)
    return figure


def _curve_with_band(axes: Axes, rows: pd.DataFrame, label: str, line: Line) -> None:
    percent = 100 * rows["ratio"]
    axes.fill_between(percent, rows["low"], rows["high"], color=line.colour, alpha=0.25, linewidth=0)
    axes.plot(percent, rows["value"], **line.style, label=label)


def ratio_curves_alt(table: pd.DataFrame) -> str:
    """Say what :func:`ratio_curves` shows: where the curve of each proxy starts and ends."""
    kendall = table[table["statistic"] == "KT"].pivot(index="ratio", columns="proxy", values="value")
    courses = "; ".join(
        f"{label_of(name)} goes from {_number(values.iloc[-1])} to {_number(values.iloc[0])}"
        for name, values in kendall.items()
    )
    return (
        "Line chart with intervals: rank correlation with test accuracy as the networks are narrowed "
        f"from the best {_percent(kendall.index[-1])} to the best {_percent(kendall.index[0])}. "
        f"Kendall’s τ: {courses}."
    )


# Scores against accuracy


@_styled
def score_scatter(bench: Benchmark, scores: pd.DataFrame, proxy: str, *, top: float = 0.05) -> Figure:
    """Draw accuracy against the proxy's percentile: one point per architecture, the top ones set apart.

    The percentile is among the scored architectures of one seed, oriented so that the proxy prefers those on
    the right. The points are rasterised, everything else is vector.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        ``arch`` and a column of the proxy, one row per architecture; NaN is left out.
    proxy : str
    top : float
        Fraction of the whole benchmark that is set apart.
    """
    points = _percentiles(bench, scores, proxy, top)
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    axes = figure.subplots()
    for in_top, colour, marker, size, words in (
        (False, SKY, ".", 36, "others"),
        (True, VERMILION, "^", 14, f"top {_percent(top)} by accuracy"),
    ):
        rows = points[points["in_top"] == in_top]
        axes.scatter(
            rows["percentile"],
            rows["accuracy"],
            s=size,
            color=colour,
            marker=marker,
            linewidth=0,
            rasterized=True,
            label=f"{words} (n = {len(rows):,})",
        )
    axes.grid()
    axes.xaxis.set_major_formatter(PercentFormatter(100, symbol=" %"))
    axes.set_xlabel(f"Percentile by {label_of(proxy)}")
    axes.set_ylabel(f"{bench.metric.replace('_', ' ').capitalize()} ({bench.unit})")
    figure.legend(loc="outside upper center", ncols=2, markerscale=2)
    return figure


def score_scatter_alt(bench: Benchmark, scores: pd.DataFrame, proxy: str, *, top: float = 0.05) -> str:
    """Say what :func:`score_scatter` shows: median accuracy of the proxy's lowest and highest quarter.

    Parameters
    ----------
    bench, scores, proxy, top
        As for :func:`score_scatter`.
    """
    points = _percentiles(bench, scores, proxy, top)
    lowest, highest = points[points["percentile"] <= 25], points[points["percentile"] > 75]
    low, high = (f"{quarter['accuracy'].median():.1f} {bench.unit}" for quarter in (lowest, highest))
    return (
        f"Scatter plot of {len(points):,} architectures: {bench.metric.replace('_', ' ')} against the "
        f"percentile by {label_of(proxy)}. "
        f"The median is {low} in the lowest quarter and {high} in the highest."
    )


def _percentiles(bench: Benchmark, scores: pd.DataFrame, proxy: str, top: float) -> pd.DataFrame:
    known = scores.set_index("arch")[proxy].astype(float).dropna()
    best = zsnas.statistics.top_architectures(bench, top)
    return pd.DataFrame(
        {
            "percentile": 100 * (known * orientation(proxy)).rank(pct=True),
            "accuracy": bench.table.set_index("arch")[bench.metric].reindex(known.index),
            "in_top": known.index.isin(best),
        }
    )


# How many architectures share a value


@_styled
def level_bars(values: pd.Series[float], label: str, unit: float = 1.0) -> Figure:
    """Draw how many architectures have each of the values that occur: one bar a value.

    Parameters
    ----------
    values : Series
        One value per architecture, with few different ones.
    label : str
        Of the axis of values.
    unit : float
        What the values are divided by on that axis.
    """
    counts = values.value_counts().sort_index()
    figure = Figure(figsize=(WIDTH, 3), layout="constrained")
    axes = figure.subplots()
    axes.vlines(counts.index / unit, 0, counts, colors=BLUE, linewidth=5)
    axes.set(xlabel=label, ylabel="Architectures", ylim=(0, None))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y")
    return figure


def level_bars_alt(values: pd.Series[float], name: str) -> str:
    """Say what :func:`level_bars` shows: how many values there are, and which is the most frequent."""
    counts = values.value_counts()
    return (
        f"Bar chart: {values.size:,} architectures have {counts.size} different values of {name}, from "
        f"{values.min():,} to {values.max():,}; {counts.max():,} of them share the most frequent, "
        f"{counts.idxmax():,}."
    )


# The NAS-Bench-201 cell and network (Figure 5)

NODES = {0: (0.0, 0.0), 1: (2.4, 0.0), 2: (4.8, 0.0), 3: (7.2, 0.0)}
# (angle in degrees at which an edge leaves its node, distance of the control points of its curve)
BENDS = {
    (0, 1): (0, 1),
    (1, 2): (0, 1),
    (2, 3): (0, 1),
    (0, 2): (49, 2.2),
    (1, 3): (-49, 2.2),
    (0, 3): (104, 2.9),
}
NODE_RADIUS = 0.45
LANE = 0.1  # distance of the parallel lines of an edge


@_styled
def cell_drawing(arch: str | None = None) -> Figure:
    """Draw the NAS-Bench-201 cell: 4 nodes, and 6 edges that carry one of 5 operations each.

    Parameters
    ----------
    arch : str, optional
        Draw this architecture, one operation on every edge. Without it every edge shows all five candidates.

    Raises
    ------
    ValueError
        For a string that is not a NAS-Bench-201 architecture.
    """
    figure = Figure(figsize=(WIDTH, 4.1), layout="constrained")
    axes = figure.subplots()
    for edge, operations in _operations(arch).items():
        for lane, operation in enumerate(operations):
            _draw_edge(axes, edge, operation, LANE * (lane - (len(operations) - 1) / 2))
    for node, place in NODES.items():
        axes.add_patch(Circle(place, NODE_RADIUS, facecolor=PAPER, edgecolor=INK, linewidth=1.6, zorder=3))
        axes.text(*place, str(node), ha="center", va="center", zorder=4)
    axes.text(NODES[0][0], -0.62, "input", ha="center", va="top")
    axes.text(NODES[3][0] + 0.1, -0.62, "output", ha="center", va="top")
    axes.set(xlim=(-0.6, 8.0), ylim=(-1.6, 2.4), aspect="equal")
    axes.set_axis_off()
    figure.legend(handles=_operation_handles(), loc="outside lower center", ncols=2, handlelength=3)
    return figure


def cell_drawing_alt(arch: str | None = None) -> str:
    """Say what :func:`cell_drawing` shows: the edges, and what they carry."""
    if arch is None:
        candidates = ", ".join(OPERATION_LABELS.values())
        return (
            "Directed graph of the cell: node 0 is the input, node 3 the output, and each of the 6 pairs of "
            "the 4 nodes is joined by an edge from the lower to the higher number. Every edge is drawn as 5 "
            f"candidate operations: {candidates}."
        )
    edges = ", ".join(
        f"{source} to {target} {OPERATION_LABELS[operations[0]]}"
        for (source, target), operations in _operations(arch).items()
    )
    return f"Directed graph of one cell with 4 nodes; the edges carry: {edges}."


def _operations(arch: str | None) -> dict[tuple[int, int], tuple[str, ...]]:
    from zsnas.spaces.nb201 import EDGES, OPERATIONS

    if arch is None:
        return dict.fromkeys(EDGES, OPERATIONS)
    zsnas.spaces.space("nb201").index(arch)
    return {edge: (name,) for edge, name in zip(EDGES, re.findall(r"\|?(\w+)~", arch), strict=True)}


def _draw_edge(axes: Axes, edge: tuple[int, int], operation: str, shift: float) -> None:
    """Draw one operation as an arrow between the rims of two nodes, ``shift`` to the side of the edge."""
    line = OPERATION_LINES[operation]
    axes.add_patch(
        FancyArrowPatch(
            path=Path(_curve(edge, shift)),
            arrowstyle="-" if operation == "none" else "-|>",
            mutation_scale=6 + 2 * line.width,
            **line.stroke,
            fill=operation != "none",
        )
    )


def _curve(edge: tuple[int, int], shift: float) -> Floats:
    """Points of a cubic curve between two nodes, moved sideways and cut at the rims."""
    start, end = (np.array(NODES[node]) for node in edge)
    degrees, distance = BENDS[edge]
    lean = distance * np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    t = np.linspace(0, 1, 50)[:, None]
    middle = _bezier(t, start, start + lean, end + lean * (-1, 1), end)
    along = np.gradient(middle, axis=0)
    points = middle + shift * along[:, ::-1] * (-1, 1) / np.hypot(*along.T)[:, None]
    rim = NODE_RADIUS + 0.06
    outside = (np.hypot(*(points - start).T) > rim) & (np.hypot(*(points - end).T) > rim)
    return np.asarray(points[outside])


def _bezier(t: Floats, *controls: Floats) -> Floats:
    degree = len(controls) - 1
    return np.asarray(
        sum(math.comb(degree, k) * (1 - t) ** (degree - k) * t**k * point for k, point in enumerate(controls))
    )


def _operation_handles() -> list[Line2D]:
    return [
        Line2D([], [], **line.stroke, label=OPERATION_LABELS[name]) for name, line in OPERATION_LINES.items()
    ]


@_styled
def network_drawing(num_classes: int = 100, image_size: int = 32) -> Figure:
    """Draw the NAS-Bench-201 network from the image to the classifier, with the shape after every part.

    A stem, three stages of equal cells with 16, 32 and 64 channels, a residual block of stride 2 before the
    second and the third, global average pooling and a linear classifier.

    Parameters
    ----------
    num_classes : int
    image_size : int
        Side of the square image in pixels: 32 for CIFAR, 16 for ImageNet16-120.
    """
    parts = _network_parts(num_classes, image_size)
    figure = Figure(figsize=(WIDTH, 0.3 + 0.46 * len(parts)), layout="constrained")
    axes = figure.subplots()
    for row, (name, shape, cells) in enumerate(parts):
        _draw_part(axes, -row, name, cells)
        axes.text(4.55, -row, shape, va="center")
        if row:
            axes.annotate(
                "",
                (2, 0.34 - row),
                (2, 0.66 - row),
                arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0},
            )
    axes.text(4.55, 0.75, "channels × height × width", va="center")
    axes.set(xlim=(-0.05, 7.6), ylim=(0.6 - len(parts), 1.0))
    axes.set_axis_off()
    return figure


def network_drawing_alt(num_classes: int = 100, image_size: int = 32) -> str:
    """Say what :func:`network_drawing` shows: the parts from top to bottom."""
    parts = "; ".join(f"{name} ({shape})" for name, shape, _ in _network_parts(num_classes, image_size))
    return f"Block diagram of the network, from top to bottom, with the shape after each part: {parts}."


def _network_parts(num_classes: int, image_size: int) -> list[tuple[str, str, int]]:
    """Name, output shape and number of cells of every part of the network."""
    from zsnas.spaces.nb201 import CELLS_PER_STAGE, CHANNELS

    sizes = [image_size // 2**stage for stage in range(len(CHANNELS))]
    shapes = [f"{channels} × {size} × {size}" for channels, size in zip(CHANNELS, sizes, strict=True)]
    parts = [("image", f"3 × {image_size} × {image_size}", 0), ("stem: 3×3 convolution", shapes[0], 0)]
    for stage, shape in enumerate(shapes, start=1):
        if stage > 1:
            parts.append(("residual block, stride 2", shape, 0))
        parts.append((f"stage {stage}", shape, CELLS_PER_STAGE))
    return [
        *parts,
        ("global average pooling", f"{CHANNELS[-1]}", 0),
        ("linear classifier", f"{num_classes} classes", 0),
    ]


def _draw_part(axes: Axes, y: float, name: str, cells: int) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (0, y - 0.3),
            4,
            0.6,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor="#cfe3f1" if cells else PAPER,
            edgecolor=INK,
        )
    )
    if not cells:
        axes.text(2, y, name, ha="center", va="center")
        return
    axes.text(0.15, y, f"{name}:", va="center")
    for cell in range(cells):
        axes.add_patch(
            Rectangle(
                (1.25 + 0.54 * cell, y - 0.19), 0.48, 0.38, facecolor=BLUE, edgecolor=INK, linewidth=0.6
            )
        )
        axes.text(1.49 + 0.54 * cell, y, "cell", ha="center", va="center", color=PAPER, fontsize=10)


def caption(table: pd.DataFrame, *, batch_size: int | None, resamples: int, top: float = 0.05) -> str:
    """Say what a figure of correlations was computed from, for its caption.

    Architectures, seeds, batch size, interval, and what is left out.

    Parameters
    ----------
    table : DataFrame
        Of :func:`zsnas.correlations` or :func:`zsnas.statistics.ratio_correlations`.
    batch_size : int, optional
        That the scores were computed with; None when they are counts, which have neither batch nor seed.
    resamples : int
        That the intervals were computed with.
    top : float
        The fraction that the subset "top" stands for.
    """
    is_ratio = "ratio" in table.columns
    everything = (
        table[table["ratio"] == table["ratio"].max()] if is_ratio else table[table["subset"] == "all"]
    )
    parts = [f"n = {_span(everything['n'])} architectures"]
    if not is_ratio:
        parts[0] += f" ({_span(table.loc[table['subset'] == 'top', 'n'])} in the top {_percent(top)})"
    if batch_size is not None:
        seeds = _span(everything["seeds"])
        parts += [f"{seeds} {'seed' if seeds == '1' else 'seeds'}", f"batch size {batch_size}"]
    mark = "bands" if is_ratio else "whiskers"
    parts.append(f"{mark}: 95 % bootstrap interval over architectures ({resamples:,} resamples)")
    return "; ".join(parts) + "." + _left_out(everything)


def _left_out(table: pd.DataFrame) -> str:
    missing = table.drop_duplicates("proxy").set_index("proxy")["missing"]
    counts = [f"{label_of(name)} {count:,}" for name, count in missing.items() if count]
    return f" Left out because the score is undefined: {', '.join(counts)}." if counts else ""

"""A Pareto front that answers to a budget: HTML with data and script in it, without server or network.

A slider sets the budget, a list chooses the proxy, and pointing at a network names it. The drawing is made by
``pareto_explorer.js`` from the data that stands beside it.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import zsnas
from zsnas.figures import BLUE, GRID, INK, PAPER, VERMILION
from zsnas.pareto import costed, front
from zsnas.pareto_drawing import CANDIDATES, UNITS, cost_label, floor
from zsnas.spaces.nb201 import OPERATIONS, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from zsnas.benchmarks import Benchmark

__all__ = ["explorer"]

SCRIPT = Path(__file__).with_suffix(".js")

PAGE = Template("""<div id="pareto-explorer">
<style>
#pareto-explorer { background: $paper; color: $ink; padding: 0.5rem; max-width: 640px; }
#pareto-explorer label { display: block; margin-bottom: 0.5rem; }
#pareto-explorer :is(select, input) { width: 100%; accent-color: $vermilion; }
#pareto-explorer :is(.answer, .named) { min-height: 3em; margin: 0.25rem 0; overflow-wrap: anywhere; }
#pareto-explorer svg { width: 100%; height: auto; touch-action: pan-y; }
#pareto-explorer svg text { font: 13px sans-serif; fill: $ink; }
#pareto-explorer svg :is(path, circle) { fill: none; stroke-width: 1.5; }
#pareto-explorer .grid { stroke: $grid; }
#pareto-explorer svg .candidates { stroke: $grey; stroke-width: 3; stroke-linecap: round; }
#pareto-explorer :is(.front, .best) { stroke: $ink; }
#pareto-explorer :is(.picks, .picked) { stroke: $vermilion; }
#pareto-explorer svg :is(.best, .picked) { stroke-width: 3; }
#pareto-explorer .limit { stroke: $ink; stroke-dasharray: 4 3; }
#pareto-explorer .hovered { stroke: $blue; }
</style>
<label>Proxy <select></select></label>
<label>Budget <input type="range" min="$least" max="$most" step="any" value="$start"></label>
<p class="answer" aria-live="polite"></p>
<svg viewBox="0 0 600 370" role="img" aria-label="$alt"></svg>
<p class="named">Point at a network to see its name.</p>
<script type="application/json" class="data">$data</script>
<script>$script</script>
</div>""")


def explorer(
    bench: Benchmark,
    cost: str,
    candidates: pd.Series[str],
    selected: Mapping[str, pd.DataFrame],
    alt: str,
    cut: float = 0.05,
) -> str:
    """Return the front of a benchmark as HTML that a reader can ask for the picks under a budget.

    Parameters
    ----------
    bench : Benchmark
    cost, candidates, selected, cut
        As for :func:`zsnas.pareto_drawing.front_panels`.
    alt : str
        What the drawing shows, for screen readers.
    """
    table = costed(bench, cost)
    best = table.iloc[front(table[cost], table[bench.metric])]
    best = best.drop_duplicates([cost, bench.metric])
    table = table.assign(**{cost: table[cost].round(3)})  # before the slider's ends are taken from it
    shown = set(candidates) | set(best["arch"])
    shown = shown.union(*(picked["arch"] for picked in selected.values()))
    networks = table[table["arch"].isin(shown)]
    place = {arch: number for number, arch in enumerate(networks["arch"])}
    grey = networks[networks["arch"].isin(candidates)]
    is_cell = bench.space == "nb201"
    lowest, highest, dearest = floor(grey[bench.metric], cut), table[bench.metric].max(), table[cost].max()
    data = {
        "xLabel": cost_label(cost),
        "yLabel": f"Test accuracy ({bench.unit})",
        "unit": UNITS[cost.rpartition("_")[2]],
        "operations": OPERATIONS if is_cell else [],
        "networks": [
            [_digits(arch) if is_cell else arch, x, round(y, 2)]
            for arch, x, y in networks[["arch", cost, bench.metric]].itertuples(index=False)
        ],
        "candidates": [place[arch] for arch in grey["arch"]],
        "front": [place[arch] for arch in best["arch"]],
        "proxies": [
            {
                "label": zsnas.proxy(proxy).label,
                "picks": [place[arch] for arch in picked["arch"]],
                "ties": picked["ties"].to_list(),
            }
            for proxy, picked in selected.items()
        ],
        "dearest": dearest,
        "floor": lowest,
        "highest": highest + 0.05 * (highest - lowest),
        "xTicks": _ticks(0, dearest),
        "yTicks": _ticks(lowest, highest),
    }
    return PAGE.substitute(
        paper=PAPER,
        ink=INK,
        grid=GRID,
        grey=CANDIDATES,
        blue=BLUE,
        vermilion=VERMILION,
        least=table[cost].min(),
        most=dearest,
        start=dearest / 2,
        alt=html.escape(alt),
        data=json.dumps(data, separators=(",", ":")).replace("</", "<\\/"),
        script=SCRIPT.read_text(encoding="utf-8"),
    )


def _digits(arch: str) -> str:
    """Write a cell as six digits, one an edge, which makes the page shorter."""
    return "".join(str(OPERATIONS.index(operation)) for operation in parse(arch))


def _ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]

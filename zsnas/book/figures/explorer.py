"""The explorer: networks of a benchmark as points that answer, HTML with data in it, without a server.

``explorer.js`` of the book draws it: accuracy against the percentile by a proxy, and against a cost. Without
scripts a static figure stands in its place. What the data hold is what is drawn: the networks that were
scored, the order that each proxy puts them in, and accuracies and costs as precise as a point shows them.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zsnas.benchmarks import Benchmark
from zsnas.book.figures.pareto import UNITS, cost_label
from zsnas.book.studies.kinds import originals
from zsnas.leaderboard import FEWEST
from zsnas.pareto import front
from zsnas.proxies import label_of, proxy
from zsnas.spaces import accel_nasbench, nb201
from zsnas.spaces.transnas import TransNASMicro
from zsnas.statistics import SAMPLED_TOP, is_measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["block_of", "data", "explorer"]

UNDEFINED, UNMEASURED = 65535, 65534
"""What stands for the rank of a network without a score."""

COUNTS = {"params": ("#Params", "million parameters"), "flops": ("#FLOPs", "million multiply-accumulates")}
"""The proxies that are costs as well, with the title and the unit of their axis."""


def data(
    bench: Benchmark,
    scores: pd.DataFrame,
    candidates: Sequence[str],
    title: str,
    costs: Sequence[str] = (),
    sampled_top: float = SAMPLED_TOP,
) -> dict[str, Any]:
    """Return what the explorer draws of one benchmark.

    Parameters
    ----------
    bench : Benchmark
    scores : DataFrame
        See :func:`zsnas.scores`; it has #Params and #FLOPs, which are costs as well.
    candidates : sequence of str
        The architectures that a budget's pick is looked for among.
    title : str
        What the benchmark is called.
    costs : sequence of str
        Columns of the benchmark that are costs; the networks of their Pareto fronts are drawn too.
    sampled_top : float
        See :func:`zsnas.correlations`.

    Returns
    -------
    dict
        Ready for JSON: networks are in order of their accuracy, the best first; arrays of 16-bit numbers are
        written in base64.
    """
    truth = bench.truth
    fronts = [_front_of(bench, cost) for cost in costs]
    drawn = truth[truth.index.isin(set(scores["arch"]).union(*fronts))]
    drawn = drawn.sort_values(ascending=False, kind="stable")
    better = len(truth) - np.searchsorted(np.sort(truth), drawn, side="right")
    decimals = 2 if bench.unit == "%" else 4
    lowest = float(np.floor(drawn.min() * 10**decimals))
    names = [name for name in originals() if name in scores]
    seeds = [
        _seed(scores[scores["seed"] == seed], names, drawn.index) | {"seed": int(seed)}
        for seed in sorted(scores["seed"].unique())
    ]
    names = [name for name in names if any(name in seed["ranks"] for seed in seeds)]
    return {
        "name": bench.name,
        "title": title,
        "truth": f"{_words(bench.metric)}{f' ({bench.unit})' if bench.unit else ''}",
        "decimals": decimals,
        "lowest": lowest,
        "size": len(truth),
        "top": len(bench.top(sampled_top)),
        "sampledTop": sampled_top,
        "n": len(drawn),
        **_architectures(bench.space, list(drawn.index)),
        "accuracy": _packed(np.round(drawn.to_numpy() * 10**decimals) - lowest),
        "better": _packed(better),
        "candidates": _packed(np.flatnonzero(drawn.index.isin(candidates))),
        "costs": [*(_cost(bench, cost, drawn.index) for cost in costs), *_counts(scores, drawn.index)],
        "proxies": [{"name": name, "label": label_of(name), "kind": proxy(name).kind} for name in names],
        "seeds": seeds,
    }


def explorer(
    blocks: Sequence[dict[str, Any]], static: str, folder: str = "../_static", *, keeps_address: bool = False
) -> str:
    """Write the explorer of some benchmarks.

    Parameters
    ----------
    blocks : sequence of dict
        Of :func:`data`.
    static : str
        The figure that is there without scripts, as HTML.
    folder : str
        Where the page finds the book's script.
    keeps_address : bool
        Whether the address of the page says what is chosen.
    """
    blocks = [block for block in blocks if block["proxies"]]
    if not blocks:
        return f"{static}<p>Too few networks are scored here to explore.</p>"
    kept = " data-address" if keeps_address else ""
    scripts = "\n".join(block_of(block) for block in blocks)
    return (
        f'<link rel="stylesheet" href="{folder}/instruments.css">\n<div class="explorer"{kept}>\n'
        f'<div class="static">{static}</div>\n{scripts}\n</div>\n'
        f'<script defer src="{folder}/explorer.js"></script>'
    )


def block_of(block: dict[str, Any]) -> str:
    """Write the data of one benchmark as an element that no browser shows."""
    written = json.dumps(block, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/json" data-benchmark="{html.escape(block["name"])}">{written}</script>'


def _front_of(bench: Benchmark, cost: str) -> set[str]:
    table = bench.table.dropna(subset=[cost])
    return set(table["arch"].iloc[front(table[cost], table[bench.metric])])


def _words(metric: str) -> str:
    words = metric.replace("_", " ").replace("ssim", "SSIM").replace("miou", "mIoU")
    return words[0].upper() + words[1:]


def _packed(numbers: ArrayLike) -> str:
    return b64encode(np.asarray(numbers).astype("<u2").tobytes()).decode("ascii")


def _architectures(space: str, names: list[str]) -> dict[str, Any]:
    """Write architectures so that their pictures can be drawn: as digits, those without one by name."""
    if space == "nb201":
        cells = ["".join(str(nb201.OPERATIONS.index(part)) for part in nb201.parse(name)) for name in names]
        return {"drawing": "cell", "operations": list(nb201.OPERATIONS), "archs": "".join(cells)}
    if space == "transnas-micro":
        digits = ["".join(map(str, TransNASMicro().encoder(name).cell)) for name in names]
        same = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"]
        return {"drawing": "cell", "operations": same, "archs": "".join(digits)}
    if space == "nats-sss":
        widths = ["".join(str(int(part) // 8 - 1) for part in name.split(":")) for name in names]
        return {"drawing": "widths", "archs": "".join(widths)}
    if space == "accel-nasbench":
        stages = [stage for name in names for stage in accel_nasbench.parse(name)]
        return {"drawing": "stages", "archs": "".join(str(int(part)) for stage in stages for part in stage)}
    return {"drawing": "name", "archs": names}


def _counts(scores: pd.DataFrame, drawn: pd.Index[str]) -> list[dict[str, Any]]:
    one = scores.drop_duplicates("arch").set_index("arch").reindex(drawn)
    return [
        {"name": name, "label": f"{label}, {unit}", "unit": unit, **_logarithms(one[name] / 1e6)}
        for name, (label, unit) in COUNTS.items()
        if name in one
    ]


def _cost(bench: Benchmark, cost: str, drawn: pd.Index[str]) -> dict[str, Any]:
    values = bench.table.set_index("arch")[cost].reindex(drawn)
    unit = UNITS[cost.rpartition("_")[2]]
    return {"name": cost, "label": cost_label(cost), "unit": unit, **_logarithms(values)}


def _logarithms(values: pd.Series[float]) -> dict[str, Any]:
    """Write positive numbers as steps between the least and the most, equal on a scale of ratios."""
    numbers = np.log(values.to_numpy(dtype=np.float64))
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    steps = np.round((numbers - low) / max(high - low, 1e-12) * (UNMEASURED - 1))
    return {"low": low, "high": high, "values": _packed(np.where(np.isnan(steps), UNDEFINED, steps))}


def _seed(rows: pd.DataFrame, names: Sequence[str], drawn: pd.Index[str]) -> dict[str, Any]:
    """Write where the networks of one seed stand by each proxy, from 0; equal scores share a number."""
    of_seed = rows.set_index("arch")
    members = np.flatnonzero(drawn.isin(of_seed.index))
    of_seed = of_seed.loc[drawn[members]].reset_index()
    ranks = {}
    for name in names:
        values = of_seed[name].to_numpy(dtype=np.float64) * proxy(name).orientation
        _, levels = np.unique(values[~np.isnan(values)], return_inverse=True)
        rank = np.where(is_measured(of_seed, name), UNDEFINED, UNMEASURED)
        rank[~np.isnan(values)] = levels
        if (rank < UNMEASURED).sum() >= FEWEST:
            ranks[name] = _packed(rank)
    networks = {} if len(members) == len(drawn) else {"networks": _packed(members)}
    return networks | {"ranks": ranks}

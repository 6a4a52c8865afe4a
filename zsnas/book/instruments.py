"""The leaderboard and the explorer in other pages: small parts of both.

A page that is executed calls :func:`leaderboard_row` and :func:`explorer`. In a page of prose two directives
of the book do: ``leaderboard``, and ``explorer``, which takes what the executed explorer holds.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

from IPython.display import HTML

import zsnas.proxies
from zsnas import figures
from zsnas.book import materials
from zsnas.book.figures import explorer as drawing
from zsnas.book.pages.page import page
from zsnas.book.tables import leaderboard
from zsnas.leaderboard import ENOUGH, candidates
from zsnas.scores.sweep import visited
from zsnas.scores.table import published_path, scores
from zsnas.statistics import SAMPLED_TOP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from zsnas.benchmarks import Benchmark

__all__ = ["explorer", "explorer_of", "leaderboard_row"]

LARGE = 10_000
"""Scored networks, of which the explorer draws a sample and the top."""


def leaderboard_row(proxy: str, folder: str = "../_static") -> HTML:
    """Return the rows of one proxy of the executed leaderboard, or a sentence that it has none.

    Parameters
    ----------
    proxy : str
        Such as ``"synflow"``.
    folder : str
        Where the page that it is for finds the book's style.

    Raises
    ------
    ValueError
        When there is no such proxy.
    """
    known = zsnas.proxies.proxy(proxy).label
    try:
        return HTML(leaderboard.row_of(proxy, page("leaderboard").executed, folder))
    except ValueError:
        return HTML(f"<p>The leaderboard has no network that was scored with {known}.</p>")


def explorer(*benchmarks: str, proxies: Sequence[str] | None = None, keeps_address: bool = False) -> HTML:
    """Return an explorer of the published scores of benchmarks, without those that this machine lacks.

    Parameters
    ----------
    *benchmarks : str
        Such as ``"nb201/cifar100"``.
    proxies : sequence of str, optional
        By default all that have scores.
    keeps_address : bool
        Whether the address of the page says what is chosen. One explorer a page can.
    """
    here = [bench for bench in materials.benchmarks(*benchmarks) if published_path(bench.name).exists()]
    if not here:
        return HTML("<p>The benchmarks that the explorer draws are not on this machine.</p>")
    blocks = [_of_some(_block(bench), proxies) for bench in here]
    return HTML(drawing.explorer(blocks, _figure(here[0], blocks[0]), keeps_address=keeps_address))


def explorer_of(benchmark_name: str, proxies: Sequence[str] | None = None, folder: str = "../_static") -> str:
    """Return an explorer of one benchmark as HTML, out of the executed page.

    Parameters
    ----------
    benchmark_name : str
    proxies : sequence of str, optional
        By default all that the page has.
    folder : str
        Where the page that it is for finds the book's script.

    Raises
    ------
    ValueError
        When the page has no such benchmark.
    """
    executed = page("explorer").executed
    text = "".join(
        text
        for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        for text in output.get("data", {}).get("text/html", [])
    )
    blocks = dict(
        re.findall(r'<script type="application/json" data-benchmark="([^"]*)">(.*?)</script>', text)
    )
    if benchmark_name not in blocks:
        raise ValueError(f"the explorer has no benchmark {benchmark_name!r}; it has {', '.join(blocks)}")
    block = _of_some(json.loads(blocks[benchmark_name].replace("<\\/", "</")), proxies)
    link = f'<a href="../notebooks/explorer.html?benchmark={html.escape(benchmark_name)}">The explorer</a>'
    return drawing.explorer([block], f"<p>{link} needs scripts, which do not run here.</p>", folder)


def _block(bench: Benchmark) -> dict[str, Any]:
    table = scores(bench.name)
    if table["arch"].nunique() > LARGE:
        table = table[table["arch"].isin(visited(bench, 1000, SAMPLED_TOP))]
    pool = set(candidates(bench, table)["arch"])
    sampled_top = 1.0 if SAMPLED_TOP * len(bench.table) < ENOUGH else SAMPLED_TOP
    return drawing.data(bench, table, sorted(pool), leaderboard.title_of(bench), sampled_top=sampled_top)


def _of_some(block: dict[str, Any], proxies: Sequence[str] | None) -> dict[str, Any]:
    """Keep some of the proxies."""
    if proxies is None:
        return block
    names = [proxy for wanted in proxies for proxy in block["proxies"] if proxy["name"] == wanted]
    seeds = [
        seed | {"ranks": {name: rank for name, rank in seed["ranks"].items() if name in proxies}}
        for seed in block["seeds"]
    ]
    return block | {"proxies": names, "seeds": seeds}


def _figure(bench: Benchmark, block: dict[str, Any]) -> str:
    """Draw what the explorer shows first, for a reader without scripts."""
    table, proxy = scores(bench.name), block["proxies"][0]["name"]
    table = table[table["seed"] == table["seed"].min()]
    return figures.svg(
        figures.score_scatter(bench, table, proxy), figures.score_scatter_alt(bench, table, proxy)
    )

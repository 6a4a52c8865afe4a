"""The leaderboard as a table of HTML: a row a proxy and benchmark, for readers and for the page's script.

The table holds everything. ``leaderboard.js`` lays it out anew, sorts and filters it, and reads a visitor's
own result; without scripts it is a plain table, and cards on a phone.
"""

from __future__ import annotations

import html
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from zsnas.book.comparison import TEN
from zsnas.book.tables import interval, number
from zsnas.proxies import label_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from pathlib import Path

    import pandas as pd

    from zsnas.benchmarks import Benchmark

__all__ = [
    "DATA_SETS",
    "HERE",
    "SPACES",
    "absent",
    "caption",
    "counted",
    "finding",
    "page_of",
    "row_of",
    "table",
    "title_of",
]

HERE = "leaderboard.html#how-it-is-computed"
"""Where a number is from that no other page computes."""

SPACES = {
    "nb201": "NAS-Bench-201",
    "nb201-digits": "NB201-Digits",
    "nb101": "NAS-Bench-101",
    "nas-bench-macro": "NAS-Bench-Macro",
    "nats-sss": "NATS-Bench sizes",
    "transnas-micro": "TransNAS-Bench-101",
    "mobilenet-v2": "MobileNet-v2",
    "resnets": "ResNets",
    "segmentation": "segmentation networks",
    "accel-nasbench": "Accel-NASBench (mobile)",
    "vitbench-autoformer": "ViT-Bench-101’s AutoFormers",
    "vitbench-pit": "ViT-Bench-101’s PiTs",
    "flexibert": "NAS-Bench-BERT, as described",
    "flexibert-trained": "NAS-Bench-BERT, as trained",
    "timm/imagenet-cnn": "timm’s CNNs",
    "timm/imagenet-vit": "timm’s ViTs",
}
"""What a search space, or a benchmark of it, is called here; another one has its own name."""

DATA_SETS = {
    "digits": ("digits", "classification"),
    "cifar10": ("CIFAR-10", "classification"),
    "cifar100": ("CIFAR-100", "classification"),
    "imagenet16-120": ("ImageNet16-120", "classification"),
    "imagenet1k": ("ImageNet", "classification"),
    "ade20k": ("ADE20K", "segmentation"),
    "segmentsemantic": ("segmentation", "segmentation"),
    "normal": ("surface normals", "surface normals"),
    "autoencoder": ("autoencoding", "autoencoding"),
    "class_scene": ("scenes", "classification"),
    "class_object": ("objects", "classification"),
    "room_layout": ("room layout", "room layout"),
    "jigsaw": ("jigsaw", "jigsaw"),
    "tokens-128": ("GLUE", "language"),
}
"""What images are called, and their task, by the last part of the batch's name."""


class _Page(NamedTuple):
    address: str
    proxies: tuple[str, ...]


_FAMILY = (*TEN, "nn_mass", "nn_degree")
_WITHOUT_GRASP = tuple(name for name in TEN if name != "grasp")

CORRELATIONS = {
    "nb201/cifar100": _Page("fig06.html#tab-nb201-cifar100", TEN),
    "nb201/imagenet16-120": _Page("fig06.html#tab-nb201-imagenet16", TEN),
    "nats-sss/cifar100": _Page("fig08.html#tab-nats-cifar100", TEN),
    "nats-sss/imagenet16-120": _Page("fig08.html#tab-nats-imagenet16", TEN),
    "transnas-micro/segmentsemantic": _Page("fig10.html#tab-transnas-segmentation", TEN),
    "transnas-micro/normal": _Page("fig10.html#tab-transnas-normal", TEN),
    "transnas-micro/autoencoder": _Page("fig10.html#tab-transnas-autoencoder", TEN),
    "resnets/imagenet": _Page("fig11.html#tab-resnets-all", _FAMILY),
    "mobilenet-v2/imagenet": _Page("fig12.html#tab-mobilenet-all", _FAMILY),
    "timm/imagenet-cnn": _Page("fig15.html#tab-cnn", _WITHOUT_GRASP),
    "timm/imagenet-vit": _Page("fig17.html#tab-vit", _WITHOUT_GRASP),
    "ade20k/miou": _Page("fig16.html#tab-ade20k-all", TEN),
}
"""The table that prints the correlations of a benchmark, and of which proxies."""

REGRETS = {
    "nb201/cifar100": _Page("tab04.html#tab-nb201-first-0", TEN),
    "nb201/imagenet16-120": _Page("tab04.html#tab-nb201-first-1", TEN),
    "nats-sss/cifar100": _Page("tab04_nats.html#tab-nats-sss-first-0", TEN),
    "nats-sss/imagenet16-120": _Page("tab04_nats.html#tab-nats-sss-first-1", TEN),
    "transnas-micro/segmentsemantic": _Page("tab05.html#tab-transnas-micro-first-0", TEN),
    "transnas-micro/normal": _Page("tab05.html#tab-transnas-micro-first-1", TEN),
    "transnas-micro/autoencoder": _Page("tab05.html#tab-transnas-micro-first-2", TEN),
}
"""The table that prints how far the pick is from the best."""

COST = "cost.html"

COLUMNS = {
    "rank": "rank",
    "kt": "τ, all",
    "kt_top": "τ, top",
    "spr": "ρ, all",
    "spr_top": "ρ, top",
    "regret": "regret",
    "seed_sd": "τ, seeds ±",
    "n": "n",
    "missing": "undefined",
    "cost": "cost",
}
"""The columns of the table behind proxy and benchmark, and their titles."""


def page_of(column: str, benchmark_name: str, proxy: str) -> str:
    """Return the address of the page that computes a number of the leaderboard.

    Parameters
    ----------
    column, benchmark_name, proxy : str
    """
    if column == "cost":
        return COST
    found = (REGRETS if column == "regret" else CORRELATIONS).get(benchmark_name)
    printed = column in ("kt", "kt_top", "spr", "spr_top", "regret", "n", "missing")
    return found.address if found is not None and printed and proxy in found.proxies else HERE


def table(found: pd.DataFrame, caption: str, static: str = "../_static") -> str:
    """Write a leaderboard.

    Parameters
    ----------
    found : DataFrame
        Of :func:`zsnas.leaderboard`.
    caption : str
        Of the table.
    static : str
        Where the page finds the book's script.
    """
    head = "".join(
        f'<th scope="col" data-column="{name}">{title}</th>'
        for name, title in {"proxy": "proxy", "benchmark": "benchmark", **COLUMNS}.items()
    )
    written = _written(
        caption, f"<thead><tr>{head}</tr></thead>", map(_row, found.to_dict("records")), static
    )
    return f'{written}\n<script defer src="{static}/leaderboard.js"></script>'


def _written(caption: str, head: str, rows: Iterable[str], static: str) -> str:
    body = "\n".join(rows)
    return (
        f'<link rel="stylesheet" href="{static}/instruments.css">\n<div class="leaderboard"><table>\n'
        f"<caption>{html.escape(caption)}</caption>\n{head}\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def row_of(proxy: str, notebook: Path, static: str = "../_static") -> str:
    """Return the rows of one proxy out of the executed leaderboard, as a table of their own.

    Parameters
    ----------
    proxy : str
    notebook : Path
        ``notebooks/leaderboard.ipynb``.
    static : str
        Where the page finds the book's style.

    Raises
    ------
    ValueError
        When the leaderboard has no such proxy.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    text = next(
        text for data in outputs if 'class="leaderboard"' in (text := "".join(data.get("text/html", "")))
    )
    rows = re.findall(rf'^<tr data-proxy="{re.escape(proxy)}" .*</tr>$', text, re.MULTILINE)
    if not rows:
        raise ValueError(f"the leaderboard has no proxy {proxy!r}; it is in {notebook}")
    head = re.search(r"^<thead>.*</thead>$", text, re.MULTILINE)
    caption = f"{label_of(proxy)} on every benchmark: its row of the leaderboard."
    return _written(caption, head[0] if head else "", rows, static)


def _row(row: dict[Hashable, Any]) -> str:
    name, proxy = str(row["benchmark"]), str(row["proxy"])
    place, data_set, task = _place(name, str(row["space"]), str(row["batch"]))
    about = {
        "proxy": proxy,
        "benchmark": name,
        "label": row["label"],
        "kind": row["kind"],
        "space": place,
        "set": data_set,
        "task": task,
        "unit": "points" if row["unit"] == "%" else str(row["metric"]).rpartition("_")[2],
        "top": row["top"],
        "seeds": row["seeds"],
        "candidates": row["candidates"],
    }
    attributes = " ".join(f'data-{key}="{html.escape(str(value))}"' for key, value in about.items())
    cells = "".join(_cell(column, row) for column in COLUMNS)
    return (
        f'<tr {attributes}><th scope="row">{html.escape(str(row["label"]))}</th>'
        f'<td data-column="benchmark" data-title="benchmark">{html.escape(f"{place}, {data_set}")}</td>'
        f"{cells}</tr>"
    )


def title_of(bench: Benchmark) -> str:
    """Return what a benchmark is called here.

    Parameters
    ----------
    bench : Benchmark
    """
    return ", ".join(_place(bench.name, bench.space, bench.batch)[:2])


def _place(name: str, space: str, batch: str) -> tuple[str, str, str]:
    """Return what space and images of a benchmark are called, and the task."""
    short = batch.rpartition("/")[2]
    data_set, task = DATA_SETS.get(short, (short, "classification"))
    return SPACES.get(name) or SPACES.get(space, space), data_set, task


def _cell(column: str, row: dict[Hashable, Any]) -> str:
    values = [float(str(row.get(f"{column}{end}", math.nan))) for end in ("", "_low", "_high")]
    data = "".join(
        f' data-{key}="{value:.6g}"'
        for key, value in zip(("value", "low", "high"), values, strict=True)
        if not math.isnan(value)
    )
    text = _text(column, row, values)
    link = page_of(column, str(row["benchmark"]), str(row["proxy"]))
    inner = text if text == "–" else f'<a href="{link}">{text}</a>'
    return f'<td data-column="{column}" data-title="{COLUMNS[column]}"{data}>{inner}</td>'


def _text(column: str, row: dict[Hashable, Any], values: list[float]) -> str:
    value = values[0]
    if math.isnan(value):
        return "–"
    if column == "rank":
        last = float(str(row["rank_to"]))
        places = f"{value:.0f}" if value == last else f"{value:.0f}–{last:.0f}"
        return f"{places} of {row['ranked']}"
    if column in ("n", "missing"):
        return f"{value:,.0f}"
    if column in ("cost", "seed_sd"):
        return number(value, 2 if column == "cost" else 3)
    decimals = 3 if column == "regret" and str(row["unit"]) != "%" else 2
    return interval(value, values[1], values[2], decimals)


def finding(found: pd.DataFrame) -> str:
    """Say which proxy is most often in front, and who is first for a mobile network on ImageNet.

    Parameters
    ----------
    found : DataFrame
        Of :func:`zsnas.leaderboard`.
    """
    ranked = found[found["rank"].notna()]
    if ranked.empty:
        return "No benchmark of this execution has enough networks to rank the proxies."
    total = ranked["benchmark"].nunique()
    of_each = ranked.groupby("proxy")["rank"].agg(first=lambda rank: int((rank == 1).sum()), n="size")
    leaders = of_each[of_each["first"] == of_each["first"].max()]
    names = [
        f"{label_of(str(row.Index))}, on {row.first} of {row.n} benchmarks" for row in leaders.itertuples()
    ]
    words = f"Most often in front: {'; '.join(names)}"
    everywhere = of_each[(of_each["first"] == of_each["n"]) & (of_each["n"] == total)]
    if everywhere.empty:
        words += f". No proxy is in front on all {total}"
    mobile = ranked[ranked["benchmark"] == "mobilenet-v2/imagenet"]
    if mobile.empty:
        return f"{words}."
    first = mobile.iloc[0]
    tied = int((mobile["rank"] == 1).sum()) - 1
    others = (
        f"{tied} other{'s' if tied != 1 else ''} not told apart from it" if tied else "ahead of all others"
    )
    tau = interval(first["kt"], first["kt_low"], first["kt_high"])
    return f"{words}. For MobileNet-v2 on ImageNet it is {first['label']}, τ = {tau}, {others}."


def absent(found: pd.DataFrame) -> str:
    """Say which benchmarks are left out."""
    names = found.attrs["absent"]
    if not names:
        return "No benchmark with published scores is left out."
    listed = ", ".join(f"{name} ({remedy})" for name, remedy in names.items())
    return f"Left out, because this machine does not have them: {listed}."


def caption(found: pd.DataFrame) -> str:
    """Say what the table holds."""
    return (
        f"{found['proxy'].nunique()} proxies on {found['benchmark'].nunique()} benchmarks: "
        "Kendall’s τ and Spearman’s ρ with 95 % intervals, over all networks and over the top by accuracy; "
        "regret of the pick; cost in bare passes."
    )


def counted(found: pd.DataFrame) -> str:
    """Write how many networks, seeds and proxies each benchmark has."""
    rows = found.groupby("benchmark", sort=False).agg(
        networks=("n", "max"),
        top=("top", "first"),
        seeds=("seeds", "max"),
        ranked=("ranked", "first"),
        proxies=("proxy", "size"),
    )
    lines = [
        f"| `{row['benchmark']}` | {row['networks']:,} | {100 * row['top']:g} % | {row['seeds']} "
        f"| {row['ranked']} of {row['proxies']} |"
        for row in rows.reset_index().to_dict("records")
    ]
    head = "| Benchmark | networks | top | seeds | proxies with a rank |\n| :-- | --: | --: | --: | --: |"
    return "\n".join([head, *lines])

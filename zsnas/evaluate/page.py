"""The page of an evaluation: one HTML file that needs no network and reads on a phone."""

from __future__ import annotations

import html
import math
import re
import shlex
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from zsnas import figures
from zsnas._version import __version__
from zsnas.evaluate import RESAMPLES
from zsnas.proxies import NOTE, proxy
from zsnas.statistics import SAMPLED_TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from zsnas.evaluate import Evaluation, Result

TITLES = ("proxy", "KT all", "KT top 5 %", "SPR all", "SPR top 5 %", "n all/top", "missing")
"""Columns of the table; ``missing`` is of all architectures."""

_COLUMNS = (("KT", "all"), ("KT", "top"), ("SPR", "all"), ("SPR", "top"))

_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fff; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; }
h1, h2 { line-height: 1.2; }
figure { margin: 1rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #d5d5d5; }
th[scope=row], thead th:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
tr.yours th, tr.yours td { background: #fdf0d5; font-weight: 600; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: #f5f5f5; padding: .75rem; }
summary { cursor: pointer; }
@media (max-width: 48rem) {
  table { font-size: .875rem; }
  th, td { padding: .25rem .4rem; }
  td span, th[scope=row] span { display: block; }
}
"""


def cells(result: Result) -> list[tuple[str, ...]]:
    """Return the rows of the table in the order of :data:`TITLES`, highest Kendall's τ over all first."""
    return [(name, *_cells_of(result, name)) for name in result.ranked]


def _cells_of(result: Result, name: str) -> Iterator[str]:
    over_all, top, *spearman = (_row_of(result, name, *column) for column in _COLUMNS)
    yield from map(_estimate, (over_all, top, *spearman))
    yield f"{int(over_all['n']):,}/{int(top['n']):,}"
    yield f"{int(over_all['missing']):,}"


def _row_of(result: Result, name: str, statistic: str, subset: str) -> pd.Series[Any]:
    table = result.correlations
    is_it = (table["proxy"] == name) & (table["statistic"] == statistic) & (table["subset"] == subset)
    return table[is_it].iloc[0]


def _estimate(row: pd.Series[Any]) -> str:
    if math.isnan(row["value"]):
        return "undefined"
    return f"{_number(row['value'])} [{_number(row['low'])}, {_number(row['high'])}]"


def _number(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−")


def verdicts(result: Result) -> Iterator[str]:
    """Say for each of the user's proxies how well it ranks, and how it compares with #Params."""
    for name in result.yours:
        over_all, top = (_row_of(result, name, "KT", subset) for subset in ("all", "top"))
        label = proxy(name).label
        if not over_all["n"]:
            yield f"{label} has no score on any of these networks."
            continue
        place = result.ranked.index(name) + 1
        yield (
            f"{label} has Kendall’s τ {_estimate(over_all)} over all architectures, place {place} of "
            f"{len(result.ranked)}, and {_estimate(top)} over the top 5 %{_against_params(result, name)}."
        )


def _against_params(result: Result, name: str) -> str:
    found = result.differences
    rows = found[(found["proxy"] == name) & (found["statistic"] == "KT")]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    if row["low"] <= 0 <= row["high"]:
        told = "these networks do not tell the two apart"
    else:
        told = f"it ranks {'better' if row['value'] > 0 else 'worse'} than #Params"
    return f"; its τ over all minus that of #Params is {_estimate(row)}: {told}"


def reasons(result: Result) -> Iterator[str]:
    """Say why scores of the user's proxies are NaN and what is noted of them, the most frequent first."""
    for name, found in result.reasons.items():
        for reason, count in found.items():
            outcome = "" if reason.startswith(NOTE) else " is NaN"
            yield f"{name}{outcome} on {count:,} of {len(result.scores):,} networks: {reason}"


def page(evaluation: Evaluation) -> str:
    """Return the evaluation as one HTML page: verdicts, figure, table, and how it was made.

    The same scores give the same page.
    """
    labels = ", ".join(proxy(name).label for name in evaluation.yours)
    title = html.escape(f"How well does {labels} rank networks?")
    sections = [_section(result, f"b{k}-") for k, result in enumerate(evaluation.results)]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"{_list(evaluation.notes)}{''.join(sections)}{_making(evaluation)}</main>\n</body>\n</html>\n"
    )


def _section(result: Result, prefix: str) -> str:
    paragraphs = "".join(f"<p>{html.escape(sentence)}</p>\n" for sentence in verdicts(result))
    notes = _list([*reasons(result), *result.notes])
    return (
        f"<section>\n<h2>{html.escape(result.bench.name)}</h2>\n{paragraphs}{_figure(result, prefix)}"
        f"{_table(result)}{notes}</section>\n"
    )


def _figure(result: Result, prefix: str) -> str:
    """Draw the user's proxies and the published ones, without variants of these."""
    shown = [name for name in result.ranked if name in result.yours or proxy(name).variant_of is None]
    table = result.correlations[result.correlations["proxy"].isin(shown)]
    with mpl.rc_context({"text.parse_math": False}):  # a label may have a $ in it
        drawn = figures.correlation_dumbbells(table)
    for tick, name in zip(drawn.axes[0].get_yticklabels(), shown, strict=True):
        if name in result.yours:
            tick.set_fontweight("bold")
    yours = ", ".join(proxy(name).label for name in result.yours)
    alt = f"{figures.correlation_dumbbells_alt(table)} {' '.join(verdicts(result))}"
    caption = f"{yours} in bold. {_made(result)}"
    image = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", figures.svg(drawn, alt))
    return f"<figure>\n{image}\n<figcaption>{html.escape(caption)}</figcaption>\n</figure>\n"


def _made(result: Result) -> str:
    return figures.caption(result.correlations, batch_size=result.batch_size, resamples=RESAMPLES)


def _table(result: Result) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in TITLES)
    body = "".join(_row(fields, fields[0] in result.yours) for fields in cells(result))
    return (
        "<p>Kendall’s τ (KT) and Spearman’s ρ (SPR) of score and test accuracy, with 95 % intervals; "
        "sorted by KT over all architectures. Missing: the score is NaN.</p>\n"
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of correlations">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _row(fields: Sequence[str], is_yours: bool) -> str:
    name, *values = map(html.escape, fields)
    label = html.escape(proxy(fields[0]).label)
    mark = ' class="yours"' if is_yours else ""
    title = f"{label} <span>(yours)</span>" if is_yours else label
    data = "".join(f"<td>{_breakable(value)}</td>" for value in values)
    return f'<tr{mark}><th scope="row" title="{name}">{title}</th>{data}</tr>\n'


def _breakable(value: str) -> str:
    """Let a narrow screen show the interval below the value."""
    return re.sub(r"(\[.*\])", r"<span>\1</span>", value)


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(sentence)}</li>\n" for sentence in sentences)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _making(evaluation: Evaluation) -> str:
    entries = {
        "Command": command(evaluation),
        "Networks": _networks(evaluation),
        "Intervals": f"95 % bootstrap, {RESAMPLES:,} resamples within the top {SAMPLED_TOP:.0%} and the rest",
        "Page": f"zsnas {__version__}",
        **{result.bench.name: _materials(result) for result in evaluation.results},
    }
    items = "".join(
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>\n" for term, text in entries.items()
    )
    return (
        f"<section>\n<h2>How this page was made</h2>\n<dl>\n{items}</dl>\n"
        f"<details><summary>{html.escape(evaluation.file.name)}</summary>\n"
        f"<pre><code>{html.escape(evaluation.source)}</code></pre></details>\n</section>\n"
    )


def _materials(result: Result) -> str:
    seeds = ", ".join(map(str, result.seeds))
    return (
        f"{len(result.scores):,} networks, {result.scores['arch'].nunique():,} architectures; seeds {seeds}; "
        f"batches of {result.batch_size} images: {result.batch_source}. "
        f"Your scores were made with {result.made_with['yours']}; "
        f"the scores beside them with {result.made_with['beside']}. Accuracies: {result.bench.cite()}"
    )


def command(evaluation: Evaluation) -> str:
    """Return the command that makes this evaluation again."""
    names = ",".join(result.bench.name for result in evaluation.results)
    many = "" if evaluation.networks is None else f" --networks {evaluation.networks}"
    file = shlex.quote(evaluation.file.name)
    return f"zsnas evaluate {file} --benchmarks {names} --profile {evaluation.profile}{many}"


def _networks(evaluation: Evaluation) -> str:
    choice = {
        "quick": "A random sample of the top 5 % by accuracy and one as large of the rest, with one seed",
        "full": "Every network that has published scores",
    }
    return (
        f"{choice[evaluation.profile]}. A seed draws the weights and the images; every proxy is compared on "
        "the same networks. Each architecture counts for as many as it was drawn from."
    )

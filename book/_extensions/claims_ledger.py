"""Sphinx extension: the page of claims is made of what the executed pages show when the book is built."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from rereading import read_every_time

from zsnas.book import claims, pages
from zsnas.book.tables import interval
from zsnas.book.verdicts import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx

    from zsnas.book.claims import Claim, Found, Ledger
    from zsnas.book.verdicts import Part, Verdict

PAGE = "book/claims"
LINK = re.compile(r'href="(?!https?:|#)(?P<folder>(?:\.\./\w+/)?)(?P<page>[\w-]+)\.(?:md|ipynb)')
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
HOLDS = {True: "holds", False: "fails", None: "open"}
MEANINGS = {
    "agrees": "every comparison holds",
    "agrees in part": "some hold",
    "differs": "none holds",
    "contradicted by the survey's own table": "the numbers that it prints say otherwise",
    "left open": "all are within their intervals",
    "cannot be compared": "the data or the protocol are others",
    claims.UNTESTED: "and the reason why",
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    read_every_time(app, PAGE.__eq__)  # it collects other pages
    app.connect("source-read", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _fill(app: Sphinx, docname: str, content: list[str]) -> None:  # noqa: ARG001 - Sphinx passes it
    if docname == PAGE:
        content[0] = filled(content[0], claims.ledger())


def filled(text: str, ledger: Ledger) -> str:
    """Return the page with the claims and their numbers in the place of their names in double braces.

    Parameters
    ----------
    text : str
        The source of the page.
    ledger : Ledger
    """
    for name, value in _values(ledger).items():
        text = text.replace(f"{{{{{name}}}}}", str(value))
    return text


def _values(ledger: Ledger) -> dict[str, object]:
    counts = ledger.outcomes
    tested = sum(count for outcome, count in counts.items() if outcome != claims.UNTESTED)
    sampled = sum(bool(claim.sampled) for claim in ledger.claims)
    changed = len(ledger.changed)
    return {
        "sentences": len(ledger.claims),
        "finding": f"{tested} are tested. {counts.get('agrees', 0)} hold, {counts.get('agrees in part', 0)} "
        f"hold in part, {counts.get('differs', 0)} do not, and {counts.get(OUTCOMES[3], 0)} are contradicted "
        "by the survey's own tables; the others are open or cannot be compared.",
        "outcomes": "\n".join(
            [
                "| Verdict | Sentences | Meaning |",
                "|:--|--:|:--|",
                *(
                    f"| {_capital(outcome)} | {count} | {MEANINGS[outcome]} |"
                    for outcome, count in counts.items()
                ),
            ]
        ),
        "comparisons": f"{ledger.comparisons:,}",
        "decided": f"{ledger.decided:,}",
        "exact": f"{ledger.exact:,}",
        "by_chance": f"{ledger.by_chance:.0f}",
        "sentences_by_chance": f"{ledger.sentences_by_chance:.0f}",
        "sampled_sentences": sampled,
        "corrected": f"{changed or 'No'} verdict{'s change' if changed != 1 else ' changes'}.",
        "ledger": "\n\n".join(_section(ledger, section) for section in ledger.sections),
    }


def _section(ledger: Ledger, section: str) -> str:
    items = "".join(_item(claim) for claim in ledger.claims if claim.section == section)
    about = ledger.sections[section]
    return (
        f"## Section {section}: {about}\n\n"
        f'<ul class="claims" data-section="{section}" data-about="{escape(about)}">{items}</ul>'
    )


def _item(claim: Claim) -> str:
    outcome = claim.outcome
    count = f' <span class="claim-count">({claim.count})</span>' if claim.count else ""
    return (
        f'<li class="claim" id="claim-{claim.id}" data-outcome="{escape(outcome)}" '
        f'data-pages="{" ".join(dict.fromkeys(test["page"] for test in claim.tests))}">'
        f'<p class="claim-outcome" data-outcome="{escape(outcome)}">{escape(_capital(outcome))}</p>'
        f'<div class="claim-body"><p class="claim-says">{_inline(claim.says)}</p>'
        f'<p class="claim-tested">{_tested(claim)}{count}</p>{_corrected(claim)}{_details(claim)}</div></li>'
    )


def _tested(claim: Claim) -> str:
    if claim.why:
        return f"Not tested: {_inline(claim.why)}"
    places = dict.fromkeys(test["page"] for test in claim.tests)
    links = ", ".join(f'<a href="../notebooks/{name}.html">{_inline(_title(name))}</a>' for name in places)
    sizes = [check.n for part in _parts(claim.found) for check in part.checks if check.n]
    if not sizes:
        return f"Tested on {links}."
    few, many = min(sizes), max(sizes)
    size = f"{few:,}" if few == many else f"{few:,} to {many:,}"
    return f"Tested on {links}; n = {size}."


def _title(name: str) -> str:
    found = TITLE.search(pages.page(name).written())
    return found[1] if found else name


def _corrected(claim: Claim) -> str:
    if claim.corrected == claim.outcome:
        return ""
    return (
        '<p class="claim-corrected">With the number of comparisons accounted for: '
        f"<strong>{escape(claim.corrected)}</strong>.</p>"
    )


def _details(claim: Claim) -> str:
    if not claim.found:
        return ""
    body = "".join(
        "".join(_verdict(one) for one in group) for _, group in groupby(claim.found, lambda one: one.page)
    )
    return f"<details><summary>How we read it, and the numbers</summary>{body}</details>"


def _verdict(one: Found) -> str:
    verdict = one.verdict
    count = f" ({verdict.count})" if verdict.count else ""
    return (
        f'<div class="claim-verdict" data-page="{one.page}"><p class="claim-statement"><strong>'
        f"{escape(_capital(verdict.outcome))}</strong>{count}: {_inline(verdict.statement)} "
        f"({_inline(verdict.place)})</p><p>{_inline(verdict.because)}</p>{_comparisons(verdict.parts)}"
        f"{_exact(verdict)}</div>"
    )


def _exact(verdict: Verdict) -> str:
    """Say which comparisons have no interval, so that no correction for chance reaches them."""
    checks = [check for part in verdict.parts for check in part.checks]
    exact = [check for check in checks if check.p is None]
    if verdict.outcome == "cannot be compared" or (checks and not exact):
        return ""
    if len(checks) < 2:
        said = "This comparison has no interval: it is of a whole space, a count or a single number"
    else:
        which = f"{len(exact)} of these" if len(exact) < len(checks) else "None of these"
        has = "have no interval" if len(exact) < len(checks) else "has an interval"
        said = f"{which} {len(checks)} comparisons {has}: they are of whole spaces, counts or single numbers"
    return f'<p class="claim-exact">{said}, which the correction for chance does not touch.</p>'


def _comparisons(parts: Iterable[Part]) -> str:
    """Write the comparisons that have an interval as a table."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(part.name)}</th><td>{escape(check.what)}</td>"
        f"<td>{interval(check.value, check.low, check.high)}</td>"
        f"<td>{check.n:,}</td><td>{HOLDS[check.holds]}</td></tr>"
        for part in parts
        for check in part.checks
        if check.p is not None
    )
    if not rows:
        return ""
    head = "".join(
        f"<th scope='col'>{name}</th>" for name in ("on", "compared", "by, towards the claim", "n", "")
    )
    head = head.replace("<th scope='col'></th>", "<th scope='col'>it</th>")
    return (
        "<div class='claim-comparisons' tabindex='0' role='region' aria-label='Comparisons'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _parts(found: Iterable[Found]) -> list[Part]:
    return [part for one in found for part in one.verdict.parts]


def _inline(text: str) -> str:
    """Write a sentence in Markdown as HTML, with links that lead from this page."""
    html = MarkdownIt("commonmark", {"html": False}).renderInline(text)
    return LINK.sub(lambda link: f'href="{link["folder"] or "../notebooks/"}{link["page"]}.html', html)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

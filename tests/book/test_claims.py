"""The ledger has every verdict of every page, and says what follows from them."""

import json
import sys

import pytest
from scipy.stats import norm

from zsnas.book import claims, pages
from zsnas.book.claims import Claim, Found, Ledger
from zsnas.book.pages.page import PROJECT
from zsnas.book.verdicts import Check, Part, Verdict

sys.path.insert(0, str(PROJECT / "book" / "_extensions"))
import claims_ledger


@pytest.fixture(scope="module")
def ledger():
    return claims.ledger()


def verdict(outcome="agrees", parts=(), statement="A is best."):
    return Verdict(statement, "Section 1", outcome, "Because.", parts)


def claim(*verdicts, identity="a", section="1"):
    found = tuple(Found("fig06", one) for one in verdicts)
    return Claim(identity, section, "It is so.", ({"page": "fig06", "statement": "A"},), found)


def decided(z):
    """Return a part with one comparison, so many standard errors on the claimed side."""
    return Part("data", (Check.above("it", z, z - norm.ppf(0.975), z + norm.ppf(0.975), 100),))


def test_every_claim_that_names_a_page_is_found_there(ledger):
    absent = [
        (one.id, test)
        for one in ledger.claims
        for test in one.tests
        if not any(
            found.page == test["page"] and found.verdict.statement.startswith(test["statement"])
            for found in one.found
        )
    ]
    assert absent == []


@pytest.mark.parametrize("page", pages.list_notebooks())
def test_every_verdict_of_a_page_belongs_to_a_claim(ledger, page):
    found = {one.verdict for each in ledger.claims for one in each.found if one.page == page}
    assert [one.statement for one in claims.verdicts_of(page) if one not in found] == []


def test_claims_are_told_apart_and_their_sections_are_known(ledger):
    identities = [one.id for one in ledger.claims]
    assert len(set(identities)) == len(identities)
    assert {one.section for one in ledger.claims} == set(ledger.sections)


def test_every_number_of_the_ledger_is_one_of_the_page_that_computed_it(ledger):
    for one in ledger.claims:
        for page, found in one.found:
            notebook = json.loads(pages.page(page).executed.read_text(encoding="utf-8"))
            pages.restore(notebook)
            outputs = (output for cell in notebook["cells"] for output in cell.get("outputs", ()))
            text = "\n".join("".join(out.get("data", {}).get("text/markdown", "")) for out in outputs)
            assert f"> {found.statement} ({found.place})" in text
            assert found.because in text
            assert found.markdown().splitlines()[2] in text  # outcome and count


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ([], "not tested"),
        (["agrees", "agrees"], "agrees"),
        (["agrees", "differs"], "agrees in part"),
        (["left open", "differs"], "differs"),
        (["cannot be compared", "agrees"], "agrees"),
        (["cannot be compared"], "cannot be compared"),
        (["agrees", "contradicted by the survey's own table"], "contradicted by the survey's own table"),
    ],
)
def test_verdicts_on_one_sentence_are_summed_up(outcomes, together):
    assert claims.together([verdict(outcome) for outcome in outcomes]) == together


def test_the_count_is_over_all_verdicts_that_judge():
    whole = verdict("agrees in part", (decided(3), decided(-3)))
    silent = verdict("cannot be compared", (decided(3),))
    assert claim(whole, silent, verdict("agrees", (decided(3),))).count == "2 of 3 comparisons"
    assert claim(verdict("agrees", (decided(3),))).count == ""


def test_chance_on_paper():
    # Three comparisons with an interval, two of them decided (3 and 2.1 standard errors), one without.
    first = claim(verdict("agrees in part", (decided(3), decided(0.1))))
    second = claim(
        verdict("agrees in part", (decided(2.1), Part("b", (Check("counted", False),)))), identity="b"
    )
    third = claim(verdict("cannot be compared", (decided(3),)), identity="c")
    ledger = Ledger((first, second, third), {"1": "One"}, "the survey")
    assert (ledger.comparisons, ledger.decided, ledger.exact) == (3, 2, 1)
    assert ledger.by_chance == pytest.approx(0.15)
    assert ledger.sentences_by_chance == pytest.approx((1 - 0.95**2) + 0.05)
    assert ledger.changed == []
    pair = claim(verdict("agrees", (decided(2.1), decided(2.1))))  # p = 0.036, above 0.05 / 2
    assert Ledger((pair,), {"1": "One"}, "").changed == [pair]
    assert pair.corrected == "left open"


def test_a_claim_needs_tests_or_a_reason(tmp_path, monkeypatch):
    file = tmp_path / "claims.toml"
    file.write_text('source = ""\n[sections]\n[[claim]]\nid = "x"\nsection = "1"\nsays = "So."\n')
    monkeypatch.setattr(claims, "FILE", file)
    with pytest.raises(ValueError, match=r"claim 'x' in claims\.toml needs either tests or why"):
        claims.ledger()


def test_the_page_shows_verdict_reading_interval_and_link():
    found = verdict("agrees", (decided(3),), "A is <best>.")
    shown = claims_ledger.filled(
        "{{sentences}} {{finding}}\n{{ledger}}", Ledger((claim(found),), {"1": "One"}, "")
    )
    assert shown.startswith("1 1 are tested. 1 hold, 0 hold in part")
    assert "## Section 1: One" in shown
    assert 'data-outcome="agrees" data-pages="fig06"' in shown
    assert '<a href="../notebooks/fig06.html">' in shown
    assert "n = 100" in shown
    assert "A is &lt;best&gt;." in shown
    assert "<td>3.00 [1.04,\N{NO-BREAK SPACE}4.96]</td><td>100</td><td>holds</td>" in shown


def test_links_of_a_page_lead_from_the_ledger():
    assert claims_ledger._inline("see [it](fig13.md)") == 'see <a href="../notebooks/fig13.html">it</a>'
    assert (
        claims_ledger._inline("[rule](../book/reading.md#x)") == '<a href="../book/reading.html#x">rule</a>'
    )
    assert claims_ledger._inline("[far](https://a.org/b.md)") == '<a href="https://a.org/b.md">far</a>'


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((decided(3),), None),
        ((Part("", (Check("whole", True),)),), "This comparison has no interval"),
        ((), "This comparison has no interval"),
        ((decided(3), Part("", (Check("whole", True),))), "1 of these 2 comparisons have no interval"),
        ((Part("", (Check("a", True), Check("b", True))),), "None of these 2 comparisons has an interval"),
    ],
)
def test_the_page_says_which_comparisons_no_correction_touches(parts, said):
    ledger = Ledger((claim(verdict("agrees", parts)),), {"1": "One"}, "")
    shown = claims_ledger.filled("{{ledger}}", ledger)
    assert ("claim-exact" in shown) == (said is not None)
    assert said is None or f'<p class="claim-exact">{said}' in shown

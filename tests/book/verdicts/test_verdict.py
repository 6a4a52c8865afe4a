"""A verdict sums its comparisons up, is read back from its page, and can be corrected for their number."""

import math

import pandas as pd
import pytest
from scipy.stats import norm

from zsnas.book import verdicts
from zsnas.book.verdicts import Check, Part, Verdict


def decided(z, n=100):
    """Return a comparison whose estimate is so many standard errors above 0."""
    return Check.above("it", z, z - norm.ppf(0.975), z + norm.ppf(0.975), n)


def judged(*parts, statement="A is best."):
    return Verdict.of(statement, "Section 4.1", "Read as: so.", parts)


def test_a_part_holds_when_all_of_its_comparisons_do_or_most():
    checks = tuple(Check("it", holds) for holds in (True, True, False))
    assert Part("data", checks).holds is False
    assert Part("data", checks, most=True).holds is True
    assert Part("data", checks[1:], most=True).holds is False  # one of two is not most
    assert Part("data", (*checks[:2], Check("it", None), Check("it", None)), most=True).holds is None


def test_the_count_is_of_parts_and_only_of_a_judgement():
    verdict = judged(Part("a", (decided(3),)), Part("b", (decided(3), decided(-3))), Part("c", (decided(0),)))
    assert verdict.outcome == "agrees in part"
    assert verdict.count == "1 of 3 comparisons"
    assert verdict.without_judgement("Too few.").count == ""
    assert judged(Part("a", (decided(3),))).count == ""


def test_p_is_that_of_a_normal_estimate_with_this_interval():
    assert decided(1.959964).p == pytest.approx(0.05, abs=1e-6)
    assert decided(-2.575829).p == pytest.approx(0.01, abs=1e-6)
    assert Check("counted", True).p is None
    assert Check.above("same in every resample", 0.1, 0.1, 0.1).p == 0


def test_a_page_gives_back_the_verdicts_that_it_shows():
    parts = Part("data -- one", (decided(3), Check("counted", False))), Part("b", (decided(1),), most=True)
    first = judged(*parts, statement="A (not B) is > C.")
    plain = Verdict("Nothing is known.", "Table VI", "cannot be compared", "There are none.")
    own = judged(Part("a", (Check("x", True),)), Part("b", (Check("x", False),))).from_its_own_table()
    page = "\n".join(verdict.markdown() for verdict in (first, plain, own))
    assert "--" not in page.replace("<!--", "").replace("-->", "")
    found = verdicts.read(f"# A page\n\n{page}\n> A quotation\n\nand more text.\n")
    assert [verdict.outcome for verdict in found] == [first.outcome, "cannot be compared", own.outcome]
    assert found[1] == plain
    assert [(verdict.statement, verdict.place, verdict.because, verdict.count) for verdict in found] == [
        (verdict.statement, verdict.place, verdict.because, verdict.count) for verdict in (first, plain, own)
    ]
    check, counted = found[0].parts[0].checks
    assert check[2:] == pytest.approx(parts[0].checks[0][2:], abs=1e-6)
    assert (check.holds, check.n, counted.holds) == (True, 100, False)
    assert math.isnan(counted.low)
    assert found[0].parts[1].most


def test_a_claim_of_the_page_itself_is_not_the_surveys():
    for outcome in ("Does not hold", "Left open"):
        assert verdicts.read(f"> Ours. (a claim of this page)\n\n**{outcome}.** Because.\n") == []


@pytest.mark.parametrize(
    ("z", "stands"),
    [
        # m = 3: 0.05 / 3 = 0.0167, 0.05 / 2 = 0.025, 0.05.
        ((2.5, 2.3, 2.0), (True, True, True)),  # p = 0.0124, 0.0214, 0.0455
        ((2.5, 2.2, 2.0), (True, None, None)),  # p = 0.0124, 0.0278: it and the larger one are open
        ((2.3, 2.3, 2.3), (None, None, None)),  # p = 0.0214, above 0.0167
    ],
)
def test_holms_rule_on_paper(z, stands):
    given = judged(*(Part(str(i), (decided(each),)) for i, each in enumerate(z)))
    assert given.outcome == "agrees"
    (found,) = verdicts.corrected([given])
    assert tuple(part.holds for part in found.parts) == stands
    assert found.outcome == verdicts.outcome_of(stands)


def test_all_verdicts_on_a_sentence_are_corrected_together_but_those_that_judge_nothing():
    first, second = (judged(Part("a", (decided(z),))) for z in (2.1, 0.1))  # p = 0.036, 0.92
    assert [each.outcome for each in verdicts.corrected([first])] == ["agrees"]
    assert [each.outcome for each in verdicts.corrected([first, second])] == ["left open", "left open"]
    silent = second.without_judgement("Too few.")
    assert [each.outcome for each in verdicts.corrected([first, silent])] == ["agrees", "cannot be compared"]


def test_what_has_no_interval_keeps_its_verdict():
    counted = judged(Part("a", (Check("x", True),)), Part("b", (Check("x", False),)))
    plain = Verdict("B.", "Section 1", "differs", "No parts.")
    assert verdicts.corrected([counted, plain]) == [counted, plain]


def test_a_survey_that_its_own_table_denies_contradicts_itself():
    whole = judged(Part("a", (Check("x", True),)))
    part = judged(Part("a", (Check("x", True),)), Part("b", (Check("x", False),)))
    assert whole.from_its_own_table() == whole
    assert part.from_its_own_table().outcome == "contradicted by the survey's own table"
    shown = part.from_its_own_table().markdown()
    assert "**Contradicted by the survey's own table: 1 of 2 comparisons.**" in shown


def test_a_tie_by_construction_is_no_loss():
    rows = pd.DataFrame(
        {
            "proxy": ["flops", "snip", "params"],
            "statistic": "KT",
            "contrast": "reference",
            "value": [0.0, -0.2, 0.0],
            "low": [0.0, -0.3, 0.0],
            "high": [0.0, -0.1, 0.0],
            "n": 100,
            "missing": 0,
        }
    )
    own = pd.DataFrame({"proxy": ["params"], "statistic": "KT", "subset": "all", "value": 0.5})
    verdict = verdicts.works_best("best", "Section 1", {"data": own}, {"data": rows})
    assert verdict.outcome == "agrees"
    assert verdict.because.endswith("behind it: 1 of 1; in the same order, so not compared: #FLOPs.")
    level = rows.assign(low=[-0.1, -0.3, 0.0])  # level in the sample, but not in every resample
    assert verdicts.works_best("best", "Section 1", {"data": own}, {"data": level}).outcome == "left open"

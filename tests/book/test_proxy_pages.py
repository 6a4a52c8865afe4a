"""Every proxy has a page with a calculation by hand, a picture, and its blind spots as code."""

import re
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from zsnas.book.pages.page import PROJECT, pages
from zsnas.proxies import list_proxies, proxy

PARTS = {name.removeprefix("proxy_"): page for name, page in pages(PROJECT).items() if page.part}

BESIDE = {
    "az_complexity": "az_trainability",
    "az_expressivity": "az_trainability",
    "az_progressivity": "az_trainability",
    "flops": "params",
    "naswot": "logdet",
    "nn_degree": "nn_mass",
}
"""Proxies that the page of another one scores as well."""

WITHOUT = {"l2_norm", "nngp_filter"}
"""A baseline and a filter of one search space, neither of which the survey defines."""

CODE = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)
ROW = r"^\* - (.+)\n  - .+\n  - \[(.+)\]\(\.\./notebooks/proxy_(\w+)\.ipynb\)$"
SURVEY = pd.read_csv(PROJECT / "data" / "published" / "li2024_table_ii.csv")["proxy"].unique()


def test_every_proxy_has_a_page():
    proxies = {name for name in list_proxies() if proxy(name).variant_of is None}
    assert proxies - WITHOUT == PARTS.keys() | BESIDE.keys()


@pytest.mark.parametrize("name", SURVEY)
def test_every_proxy_of_the_survey_has_its_question_in_plain_words(name):
    table = (
        (PROJECT / "book" / "proxies.md").read_text().partition(":name: tab-needs\n")[2].partition(":::")[0]
    )
    first = "".join(re.findall(r"^\* - (.+)$", table, re.MULTILINE))
    assert re.search(rf"\b{re.escape(proxy(name).label.lstrip('#'))}\b", first)


@pytest.mark.parametrize("name", [*SURVEY, "params", "flops", "nn_degree", "zico"])
def test_every_proxy_that_the_survey_names_has_a_page(name):
    assert BESIDE.get(name, name) in PARTS


@pytest.mark.parametrize(("name", "page"), BESIDE.items())
def test_a_proxy_beside_another_is_scored_on_its_page(name, page):
    assert f'by="{name}"' in PARTS[page].part.read_text()


@pytest.mark.parametrize("name", PARTS)
def test_a_page_has_its_sections(name):
    assert PARTS[name].text.keys() == {"title", "introduction", "by hand", "blind spots", "to try"}


@pytest.mark.parametrize("name", PARTS)
def test_the_calculation_by_hand_is_asserted(name):
    code = "\n".join(CODE.findall(PARTS[name].text["by hand"]))
    assert "by_hand =" in code
    assert any(
        "score(" in line and "by_hand" in line for line in code.splitlines() if line.startswith("assert ")
    )


@pytest.mark.parametrize("name", PARTS)
def test_a_page_has_a_picture(name):
    assert re.search(r"^\w+\.picture\(", PARTS[name].part.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", PARTS)
def test_blind_spots_are_shown_as_code(name):
    assert any("\nassert " in cell for cell in CODE.findall(PARTS[name].text["blind spots"]))


def equations(words):
    """Return the numbers that stand in a cell of the table: one, a list of two, or a range."""
    first, *last = map(int, re.findall(r"\d+", words))
    return range(first, last[-1] + 1) if last else [first]


def test_every_equation_of_the_survey_leads_to_a_page():
    text = (PROJECT / "book" / "proxies.md").read_text()
    rows = re.findall(ROW, text, re.MULTILINE)

    assert [*chain(*(equations(words) for words, _, _ in rows if words != "–"))] == [*range(1, 21)]
    assert {name: title for _, title, name in rows} == {name: page.title for name, page in PARTS.items()}


def test_pages_are_short():
    assert max(len(Path(page.part).read_text().splitlines()) for page in PARTS.values()) <= 110

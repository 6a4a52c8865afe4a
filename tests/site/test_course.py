"""The built book holds no solution, in no page, source, download or index; its quiz works by keyboard."""

import re

import pytest
from built import BOOK, needs_book

from zsnas import course
from zsnas.book.course import exercises_of
from zsnas.book.pages.page import PROJECT, pages

READABLE = (".html", ".txt", ".js", ".json", ".ipynb")


@needs_book
def test_no_solution_is_in_what_is_published():
    texts = {path: path.read_text(encoding="utf-8") for path in BOOK.rglob("*") if path.suffix in READABLE}
    shown = "\n".join(course.exercise(identity).start for identity in course.list_exercises())
    secrets = [
        (one.id, line.strip())
        for one in map(course.exercise, course.list_exercises())
        for line in [
            *one.code.splitlines(),
            *re.sub(r"```.*?```", "", one.solution, flags=re.DOTALL).splitlines(),
        ]
        if len(line) > 60 and "{" not in line and line.strip() not in shown
    ]
    assert len(secrets) > 100
    whole = "\n".join(texts.values())
    assert [secret for secret in secrets if secret[1] in whole] == []
    assert "BEGIN SOLUTION" not in whole
    assert {path.name for path in (BOOK / "_static" / "course").iterdir()} >= {"lab.ipynb", "slides.html"}


@needs_book
def test_every_page_that_asks_leads_to_its_exercises():
    for page in pages(PROJECT).values():
        html = (BOOK / "notebooks" / f"{page.name}.html").read_text(encoding="utf-8")
        for identity in exercises_of(page):
            anchor = f"exercise-{identity}".replace("_", "-")
            [target] = set(re.findall(rf'href="\.\./book/course/(exercises_\w+\.html)#{anchor}"', html))
            there = (BOOK / "book" / "course" / target).read_text(encoding="utf-8")
            assert f'id="{anchor}"' in there


@needs_book
@pytest.mark.parametrize("scripts", [True, False])
def test_the_quiz_works_by_keyboard_with_and_without_scripts(browser, scripts):
    context = browser.new_context(java_script_enabled=scripts)
    tab = context.new_page()
    tab.goto((BOOK / "book" / "course" / "quiz.html").as_uri())
    first = tab.locator("fieldset.quiz").first
    right = int(first.get_attribute("data-right"))
    first.locator("input").nth(right).focus()
    tab.keyboard.press("Space")
    assert first.locator("input").nth(right).is_checked()
    answer = first.locator("details p").first
    assert not answer.is_visible()
    first.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert answer.is_visible()
    assert answer.inner_text() == first.locator("label").nth(right).inner_text()
    context.close()

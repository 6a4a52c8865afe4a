"""Every solution runs and is right, what is wrong is told from it, and sheets say what they lack."""

import pytest

from zsnas import course
from zsnas.book.course import exercises_of, questions
from zsnas.book.pages.page import PROJECT
from zsnas.book.pages.page import pages as every_page
from zsnas.course.exercises import LEVELS, read
from zsnas.sources import SourceUnavailable

IDS = course.list_exercises()


def test_ids_are_unique_and_name_a_page_of_the_book():
    every = [one for name in course.list_sheets() for one in course.sheet(name).exercises]
    assert [one.id for one in every] == IDS
    known = {*every_page(PROJECT), "book/reading"}
    assert {one.page for one in every} <= known
    assert {one.level for one in every} == set(LEVELS)


def test_every_question_of_a_page_is_an_exercise_and_the_other_way_round():
    pages = every_page(PROJECT).values()
    asked = {page.name: len(questions(page)) for page in pages}
    assert asked == {page.name: len(exercises_of(page)) for page in pages}
    assert asked["fig19"] == 3
    assert asked["proxy_swap"] == 1  # which has no number
    assert asked["tab04_nats"] == 4  # of which three are in the words of another page
    of_notebooks = {one for one in IDS if course.exercise(one).page != "book/reading"}
    assert of_notebooks == {identity for page in pages for identity in exercises_of(page)}


def disturbed(answer):
    """Return an answer of the same kind that is wrong."""
    if hasattr(answer, "to_dict"):
        answer = answer.to_dict()
    if isinstance(answer, dict):
        return {key: disturbed(value) for key, value in answer.items()}
    if isinstance(answer, str):
        return f"not {answer}"
    if isinstance(answer, set):
        return {*list(answer)[1:], "another"}
    if isinstance(answer, list):
        return [disturbed(answer[0]), *answer[1:]]
    return 3 * answer + 7


@pytest.mark.mirror
@pytest.mark.parametrize("identity", IDS)
def test_the_solution_is_right_and_others_are_not(identity):
    found = course.exercise(identity).solved
    assert course.check(identity, found["answer"]).text == f"{identity}: right."
    assert not course.check(identity, disturbed(found["answer"]))
    for explanation, value in found.get("wrong", {}).items():
        told = course.check(identity, value)
        assert not told, explanation
    assert "{{" not in course.exercise(identity).explained()


SHEET = """# Toys

Small.

## toy-1: How much?

:page: fig06
:level: 1
:answer: a number

Add.

### Start

```python
a = 1
```

### Hint

```python
## no heading, but a comment
```

### Solution

It is {{answer:.1f}}.

```python
answer = a + 1
```
"""


def test_a_sheet_is_read():
    sheet = read("toys", SHEET)
    (one,) = sheet.exercises
    assert (sheet.title, sheet.text) == ("Toys", "Small.")
    assert (one.id, one.title, one.page, one.level, one.form) == (
        "toy-1",
        "How much?",
        "fig06",
        1,
        "a number",
    )
    assert (one.question, one.start.strip()) == ("Add.", "a = 1")
    assert one.solved["answer"] == 2
    assert one.explained().startswith("It is 2.0.")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (":level: 1\n", "", "toy-1 lacks level"),
        ("### Hint\n", "### Hind\n", "toy-1 has a section 'Hind'; valid are Start, Hint, Solution"),
    ],
)
def test_a_sheet_that_is_not_complete_is_refused(old, new, told):
    with pytest.raises(ValueError, match=told):
        read("toys", SHEET.replace(old, new))


def test_unknown_exercises_and_sheets_are_named():
    with pytest.raises(ValueError, match=r"unknown exercise 'fig06-33'; did you mean 'fig06-3'"):
        course.check("fig06-33", 1)
    with pytest.raises(ValueError, match="unknown sheet 'rankings'; did you mean 'ranking'"):
        course.sheet("rankings")


def test_absent_accuracies_are_an_error_with_its_remedy(monkeypatch):
    one = read(
        "toys", SHEET.replace("answer = a + 1", "import zsnas\nanswer = zsnas.benchmark('nb201/cifar100')")
    ).exercises[0]

    def absent(_):
        raise SourceUnavailable("not here")

    monkeypatch.setattr("zsnas.benchmark", absent)
    with pytest.raises(SourceUnavailable):
        _ = one.solved

"""The pages of the course: what students get holds no solution, and instructors get all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from zsnas import course
from zsnas.book.course import (
    deck,
    exam,
    exercises,
    exercises_notebook,
    lab_notebook,
    question,
    sheet_table,
    with_links,
)
from zsnas.book.course.__main__ import COMMANDS
from zsnas.book.course.notes import MEASURED
from zsnas.book.course.slides import SOURCE, glued
from zsnas.book.pages import page as page_of
from zsnas.course.exercises import read

ROOT = Path(__file__).parents[3]
TOY = """# Toys

## toy-1: How much?

:page: fig06
:level: 1
:answer: a number

What is {doc}`one </notebooks/fig06>` and one?

### Start

```python
one = 1
```

### Hint

Add.

### Solution

Secret words {{answer}}.

```python
answer = one + 1
```
"""


def code_of(cells):
    return [cell.source for cell in cells if cell.cell_type == "code"]


def test_students_get_everything_but_the_solution():
    page = exercises(read("toys", TOY), solved=False)
    assert "(exercise-toy-1)=\n## How much?" in page
    assert all(
        text in page
        for text in ("one = 1", "Hint 1", 'import zsnas.course\n\nzsnas.course.check("toy-1", answer)')
    )
    assert "Your `answer` is a number." in page
    assert "Secret" not in page
    assert "one + 1" not in page


def test_instructors_get_the_solution_with_its_numbers():
    page = exercises(read("toys", TOY), solved=True)
    assert "Secret words 2." in page
    assert "answer = one + 1" in page
    assert "The answer is `2`." in page


@pytest.mark.parametrize("solved", [False, True])
def test_a_sheet_is_a_notebook_that_nbgrader_grades(solved):
    notebook = exercises_notebook(read("toys", TOY), solved=solved)
    nbformat.validate(notebook)
    answer, check = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert answer.metadata.nbgrader.solution
    assert not answer.metadata.nbgrader.locked
    assert (
        check.metadata.nbgrader.grade,
        check.metadata.nbgrader.locked,
        check.metadata.nbgrader.points,
    ) == (True, True, 1)
    assert ("### BEGIN SOLUTION\nanswer = one + 1\n### END SOLUTION" in answer.source) is solved
    assert "{doc}" not in "".join(cell.source for cell in notebook.cells)
    namespace = {}
    for source in [*code_of([answer])]:
        exec(source, namespace)  # noqa: S102 - the toy above
    assert (namespace["answer"] == 2) is solved


def test_the_lab_is_a_notebook_that_nbgrader_grades():
    notebook = lab_notebook()
    nbformat.validate(notebook)
    graded = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert sum(one.get("points", 0) for one in graded) == 10
    assert len({one.grade_id for one in graded}) == len(graded)
    # nbgrader would put its own words in the place of the code of a solution that has no marks in it.
    answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert [cell.cell_type for cell in answers] == ["markdown"]
    (proxy,) = [text for text in code_of(notebook.cells) if text.startswith("%%writefile my_proxy.py\n")]
    compile(proxy.partition("\n")[2], "my_proxy.py", "exec")


def test_below_the_questions_of_a_page_stands_a_line_that_leads_to_their_exercises():
    text = "## Before\n\nWords.\n\n## Exercises\n\n1. One?\n2. Two?\n\n## After\n\nMore."
    before, line, after = with_links(text, page_of("fig01")).partition(
        "\n\nWhere to start, hints, and a check of your answer: "
        "{ref}`exercise 1 <exercise-fig01-1>`, {ref}`exercise 2 <exercise-fig01-2>`.\n\n"
    )
    assert line
    assert (before[-12:], after) == ("One?\n2. Two?"[-12:], "## After\n\nMore.\n")
    single = with_links("## Exercise\n\nWhich?", page_of("proxy_swap"))
    assert single.endswith("answer: {ref}`the exercise <exercise-proxy_swap-1>`.\n")
    assert with_links("## Method\n\nWords.", page_of("fig01")) == "## Method\n\nWords."


def test_every_sheet_is_in_the_table():
    table = sheet_table()
    assert all(f"exercises_{name}.md" in table for name in course.list_sheets())


def test_everything_that_takes_time_has_been_measured():
    table = pd.read_csv(MEASURED)
    assert table["what"].tolist() == list(COMMANDS)
    assert (table[["seconds", "peak_mb"]] > 0).all(axis=None)


def test_a_question_has_one_right_choice_and_a_reason():
    found = question("Two?\n\n- ( ) 1\n- (x) 2\n\nOne and one.")
    assert (found.asked, found.choices, found.right, found.explained) == (
        "Two?",
        ("1", "2"),
        1,
        "One and one.",
    )
    with pytest.raises(ValueError, match="2 choices, 2 marked"):
        question("Two?\n\n- (x) 1\n- (x) 2\n\nOne and one.")
    with pytest.raises(ValueError, match="lacks the question or the explanation"):
        question("Two?\n\n- ( ) 1\n- (x) 2")


def test_every_part_of_the_quiz_has_five_questions():
    parts = (ROOT / "book" / "course" / "quiz.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert {part.partition("\n")[0]: part.count("```{quiz}") for part in parts} == {
        part.partition("\n")[0]: 5 for part in parts
    }
    assert len(parts) == len(course.list_sheets())


def test_slides_show_what_pages_have_glued():
    html = deck("# One\n\n{{fig01:points}} networks\n\n???\n\nSay it.\n---\n## Two\n\n{{fig06:cifar100}}")
    assert html.count("<section>") == 2
    assert f"<p>{glued('fig01', 'points')} networks</p>" in html
    assert "<aside" in html
    assert "Say it." in html
    assert "<svg" in html
    assert "{{" not in html


def test_a_slide_that_asks_for_what_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="the page fig06 has glued nothing as 'nonsense'"):
        deck("{{fig06:nonsense}}")


def test_every_slide_of_the_lecture_has_notes_for_the_speaker():
    slides = SOURCE.read_text(encoding="utf-8").split("\n---\n")
    assert [slide for slide in slides if "\n???\n" not in slide] == []
    assert deck().count("<section>") == len(slides)


FILES = {
    "conf.py": """
extensions = ["myst_parser", "sphinx_design", "course_pages"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
suppress_warnings = ["myst.xref_missing", "ref.doc"]
nitpicky = False
root_doc = "index"
html_title = "A small book"
html_theme = "basic"
""",
    "index.md": "# Front\n\n```{toctree}\n:glob:\nbook/course/*\n```",
}
PAGES = ("exercises_measure", "notes", "quiz")


def build(folder, edition):
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "book" / "course").mkdir(parents=True)
    for name in PAGES:
        source = (ROOT / "book" / "course" / f"{name}.md").read_text(encoding="utf-8")
        (folder / "book" / "course" / f"{name}.md").write_text(source, encoding="utf-8")
    paths = os.pathsep.join(map(str, (ROOT / "book" / "_extensions", ROOT)))
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(folder), str(folder / "out")],
        env={**os.environ, "PYTHONPATH": paths, "ZSNAS_EDITION": edition},
        check=True,
    )
    return folder / "out"


def written(folder):
    """Return every text that a reader can get at: pages, sources, index of the search, downloads."""
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix in (".html", ".txt", ".js", ".json", ".ipynb", ".md")
    ]
    assert {".html", ".txt", ".js", ".ipynb"} <= {path.suffix for path in files}
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def secrets():
    """Yield lines of the solutions of a sheet, and of the exam."""
    for one in course.sheet("measure").exercises:
        start = one.start.splitlines()
        yield from (line.strip() for line in one.code.splitlines() if len(line) > 25 and line not in start)
        yield from (words.strip() for words in one.solution.splitlines() if words[:1].isupper())
    yield from (line for line in exam().splitlines() if line.startswith("**"))


def holds(texts, secret):
    escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
    plain = secret.replace("*", "")
    return [name for name, text in texts.items() if secret in text or escaped in text or plain[:40] in text]


def test_the_edition_for_students_holds_no_solution(tmp_path):
    texts = written(build(tmp_path, "students"))
    assert len(list(secrets())) > 20
    assert {secret: found for secret in secrets() if (found := holds(texts, secret))} == {}
    assert "What does a correlation of one half mean?" in texts["book/course/exercises_measure.html"]


@pytest.mark.mirror
def test_the_edition_for_instructors_holds_them(tmp_path):
    texts = written(build(tmp_path, "instructors"))
    assert "Three times in four" in texts["book/course/exercises_measure.html"]
    assert "A ranking by hand" in texts["book/course/notes.html"]
    assert "BEGIN SOLUTION" in texts["_static/course/exercises_measure.ipynb"]
    assert "for instructors" in texts["index.html"]

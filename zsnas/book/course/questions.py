"""Which exercise belongs to which question of a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zsnas.book.pages.page import pages
from zsnas.course import list_exercises

if TYPE_CHECKING:
    from zsnas.book.pages.page import Page

_SECTION = re.compile(r"^## Exercises?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)


def questions(page: Page) -> dict[str, str]:
    """Return what a page asks, by the ids of the exercises: ``NAME-1`` for the first or only question."""
    found = _SECTION.search(page.written())
    if not found:
        return {}
    numbered = _NUMBERED.findall(found[1]) or [("1", found[1].strip())]
    return {f"{page.name}-{number}": words for number, words in numbered}


def exercises_of(page: Page) -> list[str]:
    """Return the ids of the exercises of a page in the order of its questions.

    What pages of one source ask in the same words is an exercise of one of them.
    """
    known = set(list_exercises())
    alike = [other for other in pages(page.project).values() if other.source == page.source]
    named = [
        [page_id for other in (page, *alike) for page_id, asked in questions(other).items() if asked == words]
        for words in questions(page).values()
    ]
    return [next(identity for identity in ids if identity in known) for ids in named if known & set(ids)]


def with_links(text: str, page: Page) -> str:
    """Return the Markdown of a cell with a line below its questions that leads to the exercises.

    Parameters
    ----------
    text : str
    page : Page
        The one that the cell is of.
    """
    found, ids = _SECTION.search(text), exercises_of(page)
    if not found or not ids:
        return text
    links = [f"{{ref}}`{word} <exercise-{identity}>`" for word, identity in _named(ids)]
    line = f"Where to start, hints, and a check of your answer: {', '.join(links)}."
    return f"{text[: found.end()].rstrip()}\n\n{line}\n\n{text[found.end() :]}".rstrip() + "\n"


def _named(ids: list[str]) -> list[tuple[str, str]]:
    if len(ids) == 1:
        return [("the exercise", ids[0])]
    return [(f"exercise {number}", identity) for number, identity in enumerate(ids, 1)]

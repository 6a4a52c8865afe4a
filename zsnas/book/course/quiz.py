"""A question with choices: how it is written, and the HTML around its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHOICE = re.compile(r"^- \(( |x)\) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """One question of a quiz.

    Attributes
    ----------
    asked : str
        Markdown.
    choices : tuple of str
        Markdown, one line each.
    right : int
        The place of the right one.
    explained : str
        Markdown: why.
    """

    asked: str
    choices: tuple[str, ...]
    right: int
    explained: str


def question(text: str) -> Question:
    """Read a question: what is asked, a list of choices, one of them marked with x, and why it is that one.

    Raises
    ------
    ValueError
        When not exactly one of several choices is marked, or the explanation is missing.
    """
    found = list(_CHOICE.finditer(text))
    marked = [k for k, choice in enumerate(found) if choice[1] == "x"]
    if len(found) < 2 or len(marked) != 1:
        raise ValueError(
            f"{text.strip()[:40]!r} has {len(found)} choices, {len(marked)} marked; mark one as (x)"
        )
    asked, explained = text[: found[0].start()].strip(), text[found[-1].end() :].strip()
    if not (asked and explained):
        raise ValueError(f"{text.strip()[:40]!r} lacks the question or the explanation below its choices")
    return Question(asked, tuple(choice[2] for choice in found), marked[0], explained)

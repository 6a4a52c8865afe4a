"""What a user sees of many things, and of one: tables that rooms return when they are called, and cards."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Listed(ModuleType):
    """A module that returns what its function ``listing`` does when it is called."""

    def __call__(self, pattern: str = "*") -> pd.DataFrame:
        """Return a row for each name that matches a shell wildcard."""
        table: pd.DataFrame = self.__dict__["listing"](pattern)
        return table


def card(title: str, purpose: str, about: Iterable[tuple[str, object]]) -> str:
    """Return what a notebook shows of one thing: its title, a line on it, and its facts.

    Parameters
    ----------
    title, purpose
        In words.
    about
        Pairs of a term and what stands beside it.
    """
    rows = "".join(f"<tr><th>{escape(term)}</th><td>{escape(str(text))}</td></tr>" for term, text in about)
    return f"<p><b>{escape(title)}</b>: {escape(purpose)}</p><table>{rows}</table>"

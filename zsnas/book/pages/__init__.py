"""The book's notebooks: run them with other parameters, and know what each executed page was made from.

``notebooks/NAME.md`` is written and reviewed; ``notebooks/NAME.ipynb`` is its execution with default
parameters. ``python -m zsnas.book.pages`` runs the book's own chores, ``refresh``,
``quick`` and ``rotating``.
"""

from zsnas.book.pages.execution import NotebookError, run
from zsnas.book.pages.export import restore
from zsnas.book.pages.html import write_html
from zsnas.book.pages.page import Page, list_notebooks, page
from zsnas.book.pages.provenance import StaleNotebooks, check, missing, provenance, record_of, stale
from zsnas.book.pages.refresh import quick, refresh, rotating

__all__ = [
    "NotebookError",
    "Page",
    "StaleNotebooks",
    "check",
    "list_notebooks",
    "missing",
    "page",
    "provenance",
    "quick",
    "record_of",
    "refresh",
    "restore",
    "rotating",
    "run",
    "stale",
    "write_html",
]

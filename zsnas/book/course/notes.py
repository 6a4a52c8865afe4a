"""What only instructors read, and what the course takes in time and memory."""

from __future__ import annotations

import pandas as pd

from zsnas.book.pages.page import PROJECT
from zsnas.sources import DATA

EXAM = PROJECT / "book" / "course" / "exam.md"
MEASURED = DATA / "course.csv"
"""Written by ``python -m zsnas.book.course``."""


def exam() -> str:
    """Return the questions of the exam with their answers, as Markdown."""
    return EXAM.read_text(encoding="utf-8")


def measured() -> str:
    """Return what the parts of the course took when they were measured, as a table."""
    table = pd.read_csv(MEASURED)
    rows = [
        ":::{list-table} Measured: " + "; ".join(table["machine"].unique()),
        ":header-rows: 1\n:name: tab-course-measured\n",
        "* - What\n  - Seconds of a processor\n  - Memory at its peak (MB)",
    ]
    rows += [f"* - {row.what}\n  - {row.seconds:.0f}\n  - {row.peak_mb:,.0f}" for row in table.itertuples()]
    return "\n".join([*rows, ":::"])

"""Verdicts: whether a statement of the survey agrees with what was computed."""

from zsnas.book.verdicts.first_places import (
    finds_the_best,
    leaves_a_gap,
    names_the_first,
    printed_as,
    stays_second,
)
from zsnas.book.verdicts.rankings import (
    compared,
    correlation_falls,
    drops_at_the_top,
    labels,
    listed,
    surpasses,
    works_best,
    works_well,
)
from zsnas.book.verdicts.verdict import (
    ENOUGH,
    OUTCOMES,
    Check,
    Outcome,
    Part,
    Verdict,
    corrected,
    every,
    is_above,
    outcome_of,
    read,
)

__all__ = [
    "ENOUGH",
    "OUTCOMES",
    "Check",
    "Outcome",
    "Part",
    "Verdict",
    "compared",
    "corrected",
    "correlation_falls",
    "drops_at_the_top",
    "every",
    "finds_the_best",
    "is_above",
    "labels",
    "leaves_a_gap",
    "listed",
    "names_the_first",
    "outcome_of",
    "printed_as",
    "read",
    "stays_second",
    "surpasses",
    "works_best",
    "works_well",
]

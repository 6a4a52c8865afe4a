"""Tables of the pages, as MyST."""

from zsnas.book.tables.first_places import first_places, regret_table
from zsnas.book.tables.numbers import counted, interval, intervals, number
from zsnas.book.tables.rankings import (
    correlation_table,
    images_table,
    linked_label,
    numbered,
    ratio_table,
    spread_table,
    undefined_ranked,
)

__all__ = [
    "correlation_table",
    "counted",
    "first_places",
    "images_table",
    "interval",
    "intervals",
    "linked_label",
    "number",
    "numbered",
    "ratio_table",
    "regret_table",
    "spread_table",
    "undefined_ranked",
]

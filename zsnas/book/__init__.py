"""What only the book needs: running pages, their studies, figures, tables and verdicts.

Nothing outside this room imports it but `zsnas notebooks`, the book's Sphinx extension and the pages. A page
starts with ``from zsnas import book`` and a study, `book.compare`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["figures", "materials", "pages", "studies", "tables", "verdicts"],
    submod_attrs={
        "figures.neurons": ["picture"],
        "comparison": ["TEN", "Comparison", "compare", "drawn", "judged", "say", "short", "table"],
        "instruments": ["explorer", "leaderboard_row"],
    },
)

"""Sphinx extension: parts of the leaderboard and of the explorer in pages of prose.

```{leaderboard} synflow
```

```{explorer} nb201/cifar100
:proxies: synflow, params
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from zsnas.book import instruments

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_directive("leaderboard", Leaderboard)
    app.add_directive("explorer", Explorer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class Instrument(SphinxDirective):
    """HTML that is there in HTML alone, made anew when the executed page is."""

    required_arguments = 1
    final_argument_whitespace = False
    notebook: ClassVar[str]

    def run(self) -> list[nodes.Node]:
        """Return the part of the page as it stands in the executed notebook."""
        self.env.note_dependency(f"notebooks/{self.notebook}.ipynb")
        try:
            return [nodes.raw("", self.html(), format="html")]
        except (ValueError, OSError) as error:
            raise self.error(str(error)) from error

    def html(self) -> str:
        """Return what stands in the page."""
        raise NotImplementedError

    @property
    def static(self) -> str:
        """Where this page finds the book's scripts."""
        return "../" * self.env.docname.count("/") + "_static"


class Leaderboard(Instrument):
    """The rows of one proxy."""

    notebook = "leaderboard"

    def html(self) -> str:
        """Return the rows as a table."""
        found: str = instruments.leaderboard_row(self.arguments[0], self.static).data
        return found


class Explorer(Instrument):
    """The explorer of one benchmark."""

    notebook = "explorer"
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {"proxies": directives.unchanged}

    def html(self) -> str:
        """Return the explorer with its data."""
        proxies = [name.strip() for name in self.options.get("proxies", "").split(",") if name.strip()]
        return instruments.explorer_of(self.arguments[0], proxies or None, self.static)

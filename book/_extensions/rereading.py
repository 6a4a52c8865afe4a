"""Pages that every build reads, because what they show is in other files, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx


def read_every_time(app: Sphinx, is_meant: Callable[[str], bool]) -> None:
    """Have the pages read in every build of which this is true, by their names."""
    app.connect("env-get-outdated", lambda _app, env, *_changes: [*filter(is_meant, env.all_docs)])

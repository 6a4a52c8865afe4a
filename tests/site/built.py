"""The built book and its pages, for the checks in this folder."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "_build" / "html"
FRONT = BOOK / "index.html"  # leads on to the root of the table of contents
LOST = BOOK / "404.html"  # is served at any depth, so its links are no relative ones
PAGES = sorted(
    path for path in BOOK.rglob("*.html") if "_static" not in path.parts and path not in (FRONT, LOST)
)

needs_book = pytest.mark.skipif(
    not PAGES, reason="there is no book in _build/html; build it with `make book`"
)
every_page = pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(BOOK))) for page in PAGES]
)

"""Pages of HTML for a real browser, with the scripts and the style of the book."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

STATIC = Path(__file__).parents[1] / "book" / "_static"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def page_with(body, path):
    """Write a page with this body, which refers to the book's folder of scripts, and return its address."""
    text = body.replace("../_static", STATIC.as_uri())
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{text}', encoding="utf-8")
    return path.as_uri()


@contextmanager
def opened(browser, address, width=1000, **settings):
    """Yield the opened page; an error that its scripts raise fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
    context.set_default_timeout(120_000)  # a busy machine takes its time
    tab = context.new_page()
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(address)
    yield tab
    assert problems == []
    context.close()

"""Slides from Markdown: one HTML file that needs no network, with speaker notes, and prints one slide a page.

A slide ends with a line ``---``. What follows a line ``???`` in it is for the speaker. ``{{page:name}}`` is
what the committed page has glued under this name: a figure or a text, so that no number is typed.
"""

from __future__ import annotations

import ast
import html
import re
from functools import cache
from typing import Any

from markdown_it import MarkdownIt

from zsnas.book.pages.page import PROJECT, page

SOURCE = PROJECT / "book" / "course" / "lecture.md"
_GLUED = re.compile(r"\{\{([\w-]+):([\w-]+)\}\}")
_RECORD = "application/papermill.record/"

_STYLE = """
:root { color-scheme: light; color: #1b1b1b; background: #fff; }
:root { font: clamp(16px, 2.6vw, 30px)/1.4 system-ui, sans-serif; }
body { margin: 0; scroll-snap-type: y mandatory; overflow-x: hidden; }
section { box-sizing: border-box; min-height: 100vh; padding: 3vh 6vw; scroll-snap-align: start; }
section { display: flex; flex-direction: column; justify-content: center; }
section > * { flex: none; }
h1 { font-size: 2em; line-height: 1.15; margin: 0 0 0.5em; color: #0b5394; }
h2 { font-size: 1.5em; line-height: 1.2; margin: 0 0 0.5em; color: #0b5394; }
p, ul, ol { margin: 0 0 0.6em; max-width: 40em; }
p:has(> svg) { max-width: none; text-align: center; }
svg { max-width: 100%; height: 64vh !important; width: auto; } /* figures come with a height of their own */
section:not(:has(small)) svg { height: 74vh !important; } /* nothing stands below it */
p:has(> small) { max-width: none; }
small { display: block; font-size: 0.6em; line-height: 1.35; color: #4f565d; max-width: 80em; }
table { border-collapse: collapse; }
td, th { padding: 0.15em 0.8em; text-align: left; border-bottom: 1px solid #ccc; }
code { font-size: 0.9em; }
pre { font-size: 0.75em; background: #f5f5f5; padding: 0.6em; overflow-x: auto; }
aside { display: none; margin-top: 1em; padding: 0.5em 1em; font-size: 0.65em; }
aside { background: #fdf6e3; border-left: 0.3em solid #b58900; }
body.speaking aside { display: block; }
nav { position: fixed; right: 1em; bottom: 0.6em; font-size: 0.5em; color: #4f565d; }
nav button { font: inherit; padding: 0.4em 0.8em; }
@page { size: 13.33in 7.5in; margin: 0; }
@media print {
  :root { font-size: 24px; }
  section { height: 7.5in; min-height: 0; width: 13.33in; padding: 0.5in 0.9in; }
  section { break-after: page; overflow: hidden; }
  section svg, section:not(:has(small)) svg { height: 4.6in !important; }
  nav { display: none; }
}
"""

_SCRIPT = """
const slides = [...document.querySelectorAll("section")];
const here = () => slides.findIndex((one) => one.getBoundingClientRect().bottom > innerHeight / 2);
const place = document.querySelector("nav output");
const told = () => { place.value = `${here() + 1} of ${slides.length}`; };
const go = (steps) => slides[Math.min(Math.max(here() + steps, 0), slides.length - 1)].scrollIntoView();
const speak = () => document.body.classList.toggle("speaking");
addEventListener("keydown", (pressed) => {
  if (pressed.target.closest("button, pre")) return;
  if (["ArrowRight", "ArrowDown", "PageDown", " "].includes(pressed.key)) { go(1); pressed.preventDefault(); }
  if (["ArrowLeft", "ArrowUp", "PageUp"].includes(pressed.key)) { go(-1); pressed.preventDefault(); }
  if (pressed.key === "n") speak();
});
document.querySelector("nav button").addEventListener("click", speak);
addEventListener("scroll", told);
told();
"""


def deck(text: str | None = None) -> str:
    """Return the slides as HTML.

    Parameters
    ----------
    text : str, optional
        Markdown; by default the lecture of the course.

    Raises
    ------
    ValueError
        When a slide asks for something that no page has glued.
    """
    written = SOURCE.read_text(encoding="utf-8") if text is None else text
    slides = [_slide(part, k) for k, part in enumerate(re.split(r"^---$", written, flags=re.MULTILINE))]
    title = re.search(r"^# (.+)$", written, re.MULTILINE)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title[1] if title else 'Slides')}</title>\n<style>{_STYLE}</style>\n"
        f"</head>\n<body>\n<main>\n{''.join(slides)}</main>\n"
        '<nav aria-label="Slides"><output></output> <button>Notes (n)</button></nav>\n'
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _slide(text: str, place: int) -> str:
    shown, _, said = text.partition("\n???\n")
    notes = f"<aside aria-label='For the speaker'>{_rendered(said)}</aside>" if said.strip() else ""
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>s{place}-", _rendered(shown))
    return f"<section>\n{drawn}{notes}</section>\n"


def _rendered(text: str) -> str:
    filled = _GLUED.sub(lambda found: glued(found[1], found[2]), text)
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(filled))


def glued(name: str, key: str) -> str:
    """Return what an executed page has glued under a name: HTML, Markdown or text on one line.

    Parameters
    ----------
    name : str
        Of the page.
    key : str

    Raises
    ------
    ValueError
        When it has not.
    """
    found = _everything(name)
    if key not in found:
        raise ValueError(f"the page {name} has glued nothing as {key!r}; it has {', '.join(sorted(found))}")
    data = {kind.removeprefix(_RECORD): _joined(value) for kind, value in found[key].items()}
    for kind in ("text/html", "text/markdown"):
        if kind in data:
            return re.sub(r"\n\s*", " ", data[kind])
    plain = data["text/plain"]
    return str(ast.literal_eval(plain)) if plain[:1] in "'\"" else plain


@cache
def _everything(name: str) -> dict[str, dict[str, Any]]:
    cells = page(name).read_executed().cells
    outputs = (shown for cell in cells for shown in cell.get("outputs", ()))
    return {
        shown["metadata"]["scrapbook"]["name"]: shown["data"]
        for shown in outputs
        if "scrapbook" in shown.get("metadata", {})
    }


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)

"""Sphinx extension: what stands around a page. Its foot, launch buttons, social card, site map, and a 404.

Two addresses are not the book's to know and come from the environment: ``ZSNAS_REPOSITORY``, such as
``https://github.com/OWNER/NAME``, for the links to the source and the launch buttons, and ``ZSNAS_SITE``,
where the book is published, for what has to be an absolute address. Without them the book does without.
"""

from __future__ import annotations

import datetime as dt
import html
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from docutils import nodes

from zsnas import __version__
from zsnas.book import pages as notebooks

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

BRANCH = "main"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
CARD = "_static/card.png"
DESCRIPTION = 200  # characters

MENDED = {
    ' aria-label="Toggle hidden content"': "",  # a summary's own words are its name
    '<div role="list" class="citation-list">': '<div class="citation-list">',  # its entries have another role
}
"""What screen readers stumble over in the HTML of other extensions, and what stands in its place."""

UNNEEDED = re.compile(
    r'<script src="[^"]*/fontawesome/[^"]*"></script>\n?'
    r'|<link rel="preload"[^>]*/fa-(?:brands|regular)-[^>]*>\n?'
)
"""What the theme loads for its icons beside the one font that they are in: 1.6 MB."""

UNUSED = (
    "mathjax/mml-*.js",
    "mathjax/node-main.js",
    "mathjax/tex-*-*.js",
    "mathjax/tex-svg*.js",
    "vendor/fontawesome/*/js/*",
    "**/*.map",
)
"""Files in ``_static`` that no page loads: 18 MB."""

LOST = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No such page – {title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 sans-serif; max-width: 34rem; margin: 20vh auto; padding: 0 1rem; }}
</style>
</head>
<body>
<h1>There is no such page</h1>
<p>It may have been renamed.
Go to <a href="{site}">the front page</a>, <a href="{site}search.html">search</a>,
or see <a href="{site}book/questions.html">which page answers your question</a>.</p>
</body>
</html>
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", _know_addresses)
    app.connect("source-read", _name_version)
    app.connect("html-page-context", _furnish)
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _repository() -> str:
    return os.environ.get("ZSNAS_REPOSITORY", "").rstrip("/")


def _know_addresses(app: Sphinx, config: Config) -> None:  # noqa: ARG001 - Sphinx passes it
    site = os.environ.get("ZSNAS_SITE", "")
    config.html_baseurl = f"{site.rstrip('/')}/" if site else ""
    if repository := _repository():
        config.html_theme_options |= {
            "repository_url": repository,
            "repository_branch": BRANCH,
            "launch_buttons": {
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
                "notebook_interface": "jupyterlab",
            },
        }


def _name_version(app: Sphinx, docname: str, content: list[str]) -> None:  # noqa: ARG001 - Sphinx passes it
    if docname == "book/about":
        content[0] = content[0].replace("{{version}}", __version__)


def _furnish(
    app: Sphinx,
    pagename: str,
    templatename: str,  # noqa: ARG001 - Sphinx passes it
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    context["theme_extra_footer"] = _foot(context, pagename)
    if doctree is not None:
        for written, better in MENDED.items():
            context["body"] = context["body"].replace(written, better)
        context["metatags"] = context.get("metatags", "") + _card_tags(app, context, doctree)


def _foot(context: dict[str, Any], pagename: str) -> str:
    about = context["pathto"]("book/about")
    parts = [
        f"zsnas {__version__}, built {built_on()}.",
        f'Text and figures: <a href="{LICENCE}">CC BY 4.0</a>; code: Apache-2.0.',
        f'<a href="{about}">How to cite</a>.',
    ]
    if (repository := _repository()) and (source := source_of(pagename)):
        parts.append(f'<a href="{repository}/edit/{BRANCH}/{source}">Edit this page</a>.')
    return f"<p>{' '.join(parts)}</p>"


def built_on() -> str:
    """Return the date of the build, or the one that ``SOURCE_DATE_EPOCH`` sets."""
    now = dt.datetime.now(dt.UTC).timestamp()
    moment = dt.datetime.fromtimestamp(float(os.environ.get("SOURCE_DATE_EPOCH", now)), dt.UTC)
    return moment.date().isoformat()


def source_of(pagename: str) -> str:
    """Return the file that people write for a page; empty when it has none."""
    path = PurePosixPath(pagename)
    if path.parent.name == "notebooks":
        return f"notebooks/{notebooks.page(path.name).source.name}"
    return f"{pagename}.md" if path.parts[0] == "book" else ""


def _card_tags(app: Sphinx, context: dict[str, Any], doctree: nodes.document) -> str:
    """Return what a link to the page shows where it is shared."""
    first = next(
        (words for one in doctree.findall(nodes.paragraph) if len(words := one.astext()) > DESCRIPTION / 3),
        "",
    )
    description = first if len(first) <= DESCRIPTION else f"{first[:DESCRIPTION].rsplit(' ', 1)[0]} …"
    tags = {
        "og:type": "article",
        "og:title": next((one.astext() for one in doctree.findall(nodes.title)), context["title"]),
        "og:description": " ".join(description.split()),
        "og:site_name": app.config.html_title,
    }
    if site := app.config.html_baseurl:
        tags |= {"og:image": f"{site}{CARD}", "og:url": context.get("pageurl") or site}
    lines = [f'<meta property="{name}" content="{html.escape(words)}">' for name, words in tags.items()]
    lines.append(f'<meta name="description" content="{html.escape(tags["og:description"])}">')
    return "\n".join(["", *lines, '<meta name="twitter:card" content="summary_large_image">'])


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    out, site = Path(app.outdir), app.config.html_baseurl
    title = app.config.html_title
    (out / "404.html").write_text(LOST.format(title=html.escape(title), site=site or "/"), encoding="utf-8")
    _draw_card(title, out / CARD)
    for pattern in UNUSED:
        for file in (out / "_static").glob(pattern):
            file.unlink()
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if UNNEEDED.search(text):
            page.write_text(UNNEEDED.sub("", text), encoding="utf-8")
    if site:
        addresses = "".join(
            f"<url><loc>{escape(site + app.builder.get_target_uri(docname))}</loc></url>"
            for docname in sorted(app.env.found_docs)
        )
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{addresses}</urlset>\n',
            encoding="utf-8",
        )


def _draw_card(title: str, target: Path) -> None:
    """Draw the picture that stands beside a shared link: 1200 × 630 pixels."""
    from matplotlib.figure import Figure

    from zsnas.figures import BLUE, PAPER

    figure = Figure((12, 6.3), dpi=100, facecolor=BLUE)
    figure.text(
        0.06, 0.62, title.replace(" architecture", "\narchitecture"), color=PAPER, fontsize=52, va="center"
    )
    figure.text(0.06, 0.18, "Can you tell a good network before you train it?", color=PAPER, fontsize=28)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)

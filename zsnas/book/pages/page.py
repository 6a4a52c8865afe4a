"""Where a notebook's source and its executed page are."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Page:
    """One page: its source, its executed notebook and the place of its other executions.

    A source is one page of its name, unless its header lists several, each with values of its parameters and
    texts for its prose, which has their names in double braces::

        zsnas:
          pages:
            fig13:
              parameters: {benchmark: nb201/cifar100}
              text: {title: "Do counts still rank when only good networks are left?"}
              survey: Figure 13

    Or it names a folder beside it, each file of which is one page: its stem is the value of a parameter, and
    its title, its introduction and its sections are the texts, these by their headings in lower case::

        zsnas:
          each: {folder: proxies, parameter: proxy}

    Attributes
    ----------
    name : str
        File name of the executed page without suffix, such as ``fig06``.
    project : Path
        The folder that holds ``notebooks/``, ``data/`` and ``_build/``.
    source : Path
        The MyST file that people write.
    parameters : dict
        Values of this page where it differs from the source's defaults.
    text : dict of str
        What stands in place of ``{{name}}`` in the prose.
    survey : tuple of str
        Figures and tables of the survey that this page computes again, such as ``Figure 6``; in the header
        ``zsnas: {survey: …}``, of a source or of one of its pages, one or a list.
    part : Path, optional
        The file that the texts are from, where they are not in the header.
    """

    name: str
    project: Path
    source: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    survey: tuple[str, ...] = ()
    part: Path | None = None

    @property
    def executed(self) -> Path:
        """The execution with default parameters, which the book shows."""
        return self.project / "notebooks" / f"{self.name}.ipynb"

    def variant(self, parameters: dict[str, Any]) -> Path:
        """Return where other executions go, such as ``_build/notebooks/fig06-seeds=7,8.ipynb``."""
        words = [self.name, *(f"{key}={_readable(value)}" for key, value in parameters.items())]
        return self.project / "_build" / "notebooks" / f"{'-'.join(words)}.ipynb"

    @property
    def title(self) -> str:
        """The question that it asks: its first heading."""
        return next(line[2:] for line in self.written().splitlines() if line.startswith("# "))

    def read(self) -> NotebookNode:
        """Return the source as a notebook without outputs."""
        import jupytext

        notebook: NotebookNode = jupytext.reads(self.written(), "md:myst")
        return notebook

    def written(self) -> str:
        """Return the text of the source with the texts of this page in it."""
        written = self.source.read_text(encoding="utf-8")
        for name, text in {"page": self.name, **self.text}.items():
            written = written.replace(f"{{{{{name}}}}}", text)
        return written

    def read_executed(self) -> NotebookNode:
        """Return the executed page, which is not validated, since this project wrote it."""
        import nbformat

        notebook: NotebookNode = nbformat.v4.reads(self.executed.read_text(encoding="utf-8"))
        return notebook


def list_notebooks(pattern: str = "*") -> list[str]:
    """Return the names of the book's notebooks that match a shell wildcard, in alphabetical order.

    Raises
    ------
    FileNotFoundError
        When there is no ``notebooks`` folder, as in an installed wheel.
    """
    return [name for name in sorted(_known()) if fnmatchcase(name, pattern)]


def page(name: str) -> Page:
    """Return the page called `name`.

    Raises
    ------
    ValueError
        When there is no such page; the message names the closest one, or all of them.
    """
    known = _known()
    for meant in (name, re.sub(r"(?<=\D)(\d)$", r"0\1", name)):  # fig6 is fig06
        if meant in known:
            return known[meant]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    raise ValueError(f"unknown notebook '{name}'; {hint}`zsnas notebooks list` names all {len(known)}")


def _known() -> dict[str, Page]:
    folder = PROJECT / "notebooks"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no folder {folder}: the notebooks come with a clone of the repository, not with the package"
        )
    return pages(PROJECT)


def pages(project: Path) -> dict[str, Page]:
    """Return every page of a project, by name."""
    found = {}
    for source in sorted((project / "notebooks").glob("*.md")):
        header = header_of(source.read_text(encoding="utf-8"))
        for name, own in (header.get("pages") or {source.stem: header}).items():
            parameters, text = own.get("parameters", {}), own.get("text", {})
            found[name] = Page(name, project, source, parameters, text, survey_of(own))
        if each := header.get("each"):
            del found[source.stem]
            for part in sorted((source.parent / each["folder"]).glob("*.md")):
                name, given = f"{source.stem}_{part.stem}", {each["parameter"]: part.stem}
                text = sections_of(part.read_text(encoding="utf-8"))
                found[name] = Page(name, project, source, given, text, part=part)
    return found


def sections_of(text: str) -> dict[str, str]:
    r"""Return the title of a Markdown text, its introduction, and what stands below its second headings.

    >>> sections_of("# SNIP\n\nA sum.\n\n## By hand\n\nTwo weights.")
    {'title': 'SNIP', 'introduction': 'A sum.', 'by hand': 'Two weights.'}
    """
    first, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, introduction = first.removeprefix("# ").partition("\n")
    headed = (section.partition("\n") for section in sections)
    return {"title": title.strip(), "introduction": introduction.strip()} | {
        heading.strip().lower(): body.strip() for heading, _, body in headed
    }


def header_of(text: str) -> Mapping[str, Any]:
    """Return what the header of a source says to this project."""
    return _header(text.split("---\n", 2)[1]) if text.startswith("---\n") else {}


@cache
def _header(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(text).get("zsnas") or {}
    return found


def survey_of(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the figures and tables of the survey that a header names."""
    named = header.get("survey", [])
    return (named,) if isinstance(named, str) else tuple(named)


def _readable(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

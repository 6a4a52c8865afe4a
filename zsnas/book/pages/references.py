"""What the labels and the citations of the book mean, for text that is read without it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from zsnas.book.pages.page import pages

if TYPE_CHECKING:
    from pybtex.database import Entry

EQUATION = re.compile(r"^:label: *(\S+) *$", re.MULTILINE)
ANCHOR = re.compile(r"^\(([\w-]+)\)=[ \t]*$", re.MULTILINE)
NAME = re.compile(r"^ *:?name: *(\S+) *$", re.MULTILINE)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_MANY = 3  # authors, of whom only the first is named


class References:
    """The labels and the citations of a book.

    Parameters
    ----------
    project : Path
        The folder that holds ``_toc.yml``, ``book/`` and ``notebooks/``.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        own = {f"notebooks/{name}": page.written() for name, page in pages(project).items()}
        chapters = _chapters(_read(project / "_toc.yml"))
        texts = [(file, own.get(file) or _read(project / f"{file}.md")) for file in chapters]
        self._chapters = {file: number for number, file in enumerate(chapters)}
        self._equations = {
            label: (self._within(file, number), file)
            for file, text in texts
            for number, label in enumerate(_all(EQUATION, text), 1)
        }
        self._anchors = {label: file for file, text in texts for label in _all(ANCHOR, text)}
        self._named = {label: file for file, text in texts for label in _all(NAME, text)}
        self._titles = {file: titles[0] for file, text in texts if (titles := _all(TITLE, text))}

    def numbered(self, here: str, number: int) -> str:
        """Return the number of a figure or table of a page of the notebooks, within its chapter: ``7.1``."""
        return self._within(f"notebooks/{here}", number)

    def _within(self, file: str, number: int) -> str:
        chapter = self._chapters.get(
            file
        )  # the front page has the number 0, and what is in no chapter has none
        return f"{chapter}.{number}" if chapter else str(number)

    def equation(self, label: str) -> str:
        """Return the number of an equation, as Sphinx counts: within its chapter."""
        return self._equations[label][0]

    def equation_link(self, label: str, here: str) -> str:
        """Return an equation's number for a page of the notebooks, as a link when it is elsewhere."""
        number, file = self._equations[label]
        return f"Eq. {number}" if file == f"notebooks/{here}" else f"[Eq. {number}]({_from_notebooks(file)})"

    def elsewhere(self, label: str) -> str:
        """Return words for a figure or table that is on another page, or that other parameters would show."""
        what = "a figure" if label.startswith("fig") else "a table"
        file = self._named.get(label)  # its number in the book is known to Sphinx only
        if file is None:
            return f"{what} that is not shown here"
        return f"{what} of [{self._titles[file]}]({_from_notebooks(file)})"

    def link(self, address: str, here: str) -> str:
        """Return where a link of the book leads, for a page of the notebooks; empty when it is none."""
        if address.endswith(".md"):
            return _from_notebooks(f"notebooks/{address.removesuffix('.md')}")
        file = self._anchors.get(address)
        if file is None:
            return ""
        return f"{'' if file == f'notebooks/{here}' else _from_notebooks(file)}#{address}"

    def cited(self, keys: str) -> str:
        """Return citations as part of a sentence: ``Li et al. (2024)``."""
        return ", ".join(_citation(entry, "{} ({})") for entry in self._entries(keys))

    def cited_aside(self, keys: str) -> str:
        """Return citations in brackets: ``(Li et al. 2024)``."""
        return f"({'; '.join(_citation(entry, '{} {}') for entry in self._entries(keys))})"

    def _entries(self, keys: str) -> list[Entry]:
        entries = _bibliography(_read(self.project / "book" / "references.bib"))
        return [entries[key.strip()] for key in keys.split(",")]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


@cache
def _all(pattern: re.Pattern[str], text: str) -> list[str]:
    return pattern.findall(text)


@cache
def _chapters(contents: str) -> list[str]:
    import yaml

    toc = yaml.safe_load(contents)
    if toc is None:
        return []
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def _from_notebooks(file: str) -> str:
    folder, _, name = file.partition("/")
    return f"{name}.ipynb" if folder == "notebooks" else f"../{file}.md"


@cache
def _bibliography(text: str) -> dict[str, Entry]:
    from pybtex.database import parse_string

    entries: dict[str, Entry] = parse_string(text, "bibtex").entries
    return entries


def _citation(entry: Entry, form: str) -> str:
    words, address = form.format(_authors(entry), entry.fields["year"]), _address(entry)
    return f"[{words}]({address})" if address else words


def _authors(entry: Entry) -> str:
    people = [
        " ".join(map(str, [*one.rich_prelast_names, *one.rich_last_names])) for one in entry.persons["author"]
    ]
    return f"{people[0]} et al." if len(people) >= _MANY else " and ".join(people)


def _address(entry: Entry) -> str:
    fields = entry.fields
    if "doi" in fields:
        return f"https://doi.org/{fields['doi']}"
    return f"https://arxiv.org/abs/{fields['eprint']}" if "eprint" in fields else str(fields.get("url", ""))

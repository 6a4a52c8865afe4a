"""Merging: the scores of machines that never meet, in one store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from math import inf, isnan
from operator import itemgetter
from pathlib import Path

from zsnas.scores._made_with import kinds
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError

_AT_ONCE = 256


@dataclass(frozen=True)
class Merged:
    """What came of merging.

    Attributes
    ----------
    added
        Scores.
    known
        Scores that were in both.
    differing
        How many of these are not the same.
    largest
        Largest relative difference of these.
    """

    added: int
    known: int
    differing: int
    largest: float

    @property
    def words(self) -> str:
        """How alike those are that were there."""
        if not self.differing:
            return "all of them the same"
        return f"{self.differing:,} of them different, by up to {self.largest:.1e} of their size, and kept"


def merge(
    into: str | Path, others: Sequence[str | Path], *, keep_first: bool = False, mix: bool = False
) -> Merged:
    """Add the scores of stores to another one, which has to be of the same benchmark and images.

    Nothing is written before all of it has been compared.

    Parameters
    ----------
    into : path
        The store to add to; made when it does not exist.
    others : sequence of path
        They stay as they are.
    keep_first : bool
        Where both have a score and they differ, keep that of `into`; otherwise this is an error.
    mix : bool
        Take scores that were made with another version of torch or number of threads.

    Raises
    ------
    FileNotFoundError
        When one of the others does not exist.
    StoreError
        When stores are of different benchmarks, images or devices, or scores differ.
    """
    for path in map(Path, others):
        if not path.exists():
            raise FileNotFoundError(f"there is no score store at {path}")
        if Path(into).exists() and path.samefile(into):
            raise StoreError(f"{path} is the store to add to; name another")
    added = known = differing = 0
    largest = 0.0
    with ScoreStore(Path(into)) as target, target.locked():
        for path in map(Path, others):
            with ScoreStore(path) as other:
                _check(target, other, mix)
                found = _Comparison.of(target, other)
                if found.differing and not keep_first:
                    raise StoreError(f"{found.example} {found.differing:,} scores differ; {_WORD}")
                if not target.settings:
                    target.start(other.settings)
                rows = _rows(other)
                while some := list(islice(rows, _AT_ONCE)):
                    target.add_all((row, scores, {}) for row, scores in some)
            added, known = added + found.added, known + found.known
            differing, largest = differing + found.differing, max(largest, found.largest)
    return Merged(added, known, differing, largest)


_WORD = "keep_first=True keeps those that are there, and nothing is merged without it"


def _check(target: ScoreStore, other: ScoreStore, mix: bool) -> None:
    ours, theirs = target.settings, other.settings
    for name in sorted({*ours, *theirs}) if ours else ():
        if ours.get(name) != theirs.get(name):
            raise StoreError(
                f"{other.path} is of the {name.replace('_', ' ')} {theirs.get(name)!r} and {target.path} of "
                f"{ours.get(name)!r}; such scores do not mix"
            )
    here, there = kinds(target.made_with), kinds(other.made_with)
    for what, before, after in (("torch", here[0], there[0]), ("threads", here[1], there[1])):
        if before and after and before != after and not mix:
            old, new = (", ".join(sorted(map(str, found))) for found in (before, after))
            raise StoreError(
                f"{target.path} was made with {what} {old} and {other.path} with {new}; such scores differ "
                "in the last digits: mix=True merges them all the same"
            )


def _rows(store: ScoreStore) -> Iterator[tuple[Row, list[StoredScore]]]:
    for row, entries in groupby(store.each(), itemgetter(0)):
        yield row, [score for _, score in entries]


@dataclass
class _Comparison:
    """The scores of one store beside those of another."""

    added: int = 0
    known: int = 0
    differing: int = 0
    largest: float = 0.0
    example: str = ""

    @classmethod
    def of(cls, target: ScoreStore, other: ScoreStore) -> "_Comparison":
        """Compare all scores."""
        comparison = cls()
        for row, scores in _rows(other):
            there = {score.proxy: score for score in target.of_row(row)}
            for score in scores:
                comparison._take(row, there.get(score.proxy), score, other.path)
        return comparison

    def _take(self, row: Row, first: StoredScore | None, second: StoredScore, path: Path) -> None:
        if first is None or not first.was_measured:
            self.added += 1
            return
        self.known += 1
        are_same = first.value == second.value or (isnan(first.value) and isnan(second.value))
        if are_same or not second.was_measured:
            return
        self.differing += 1
        gap = abs(first.value - second.value) / max(abs(first.value), abs(second.value))
        self.largest = max(self.largest, inf if isnan(gap) else gap)
        self.example = self.example or (
            f"{second.proxy} of {row.arch!r}, seed {row.seed}, is {first.value!r} here and "
            f"{second.value!r} in {path}."
        )

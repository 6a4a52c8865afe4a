"""The score store: one SQLite file that a sweep fills and that survives being killed."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Self

from zsnas._files import checked_file
from zsnas.proxies import NOT_MEASURED, list_proxies

SUFFIXES = (".sqlite", ".sqlite3", ".db")
"""What the name of a new store may end in."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS provenance (name TEXT, value TEXT, PRIMARY KEY (name, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scores (
    arch TEXT, seed INTEGER, batch_size INTEGER, proxy TEXT,
    network TEXT NOT NULL, value REAL, reason TEXT, seconds REAL NOT NULL, measured INTEGER NOT NULL,
    PRIMARY KEY (arch, seed, batch_size, proxy)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS networks ON scores (network, seed, batch_size);
"""


class StoreError(ValueError):
    """A store cannot take these scores: other settings, another sweep at work, or not a store at all."""


@dataclass(frozen=True, order=True)
class Row:
    """What a set of scores belongs to: an architecture, the seed and the size of the batch."""

    arch: str
    seed: int
    batch_size: int


@dataclass(frozen=True)
class StoredScore:
    """One proxy's score of one architecture.

    Attributes
    ----------
    proxy : str
    network : str
        The architecture whose network was measured: the canonical one of the class, or the
        architecture itself.
    value : float
        NaN when the score is undefined or could not be measured here; `reason` then says why.
    reason : str or None
        Beside a number, a note about it.
    seconds : float
        Wall-clock time of the measurement. An architecture that shares a network repeats the time
        of that network.
    """

    proxy: str
    network: str
    value: float
    reason: str | None
    seconds: float

    @property
    def was_measured(self) -> bool:
        """Whether the value belongs to the network, and not to what this machine lacks."""
        return not (self.reason or "").startswith(NOT_MEASURED)


def shared_and_own(proxies: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split proxies by the network that they are measured on, of an architecture's class or its own.

    Isomorphic architectures share the first. The naive proxies also count what never reaches the output, in
    which isomorphic architectures differ.
    """
    names, naive = tuple(proxies), set(list_proxies(kind="naive"))
    return (
        tuple(name for name in names if name not in naive),
        tuple(name for name in names if name in naive),
    )


class ScoreStore:
    """Scores of one benchmark in one SQLite file.

    Every call of `add` is one transaction that is on the disk when the call returns (SQLite's
    rollback journal with ``synchronous = EXTRA``), so neither SIGKILL nor a power cut leaves half an
    architecture behind. The primary key (arch, seed, batch_size, proxy) rules out duplicates. The
    store can be read while a sweep fills it. A proxy whose definition changed is measured again
    after ``DELETE FROM scores WHERE proxy = '…'``.

    Parameters
    ----------
    path : Path
        Created, with its folder, when it does not exist.

    Raises
    ------
    StoreError
        When the file is not a score store.
    ValueError
        When a new one does not end in .sqlite, .sqlite3 or .db.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            checked_file("a store", path, *SUFFIXES, makes_folder=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60)
        try:
            self._connection.execute("PRAGMA synchronous = EXTRA")
            self._connection.executescript(_SCHEMA)
            self._upgrade()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StoreError(f"{path} is not a score store ({error}); name another store") from error
        except StoreError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other sweeps out of this store; the operating system lifts the lock when the process dies.

        Raises
        ------
        StoreError
            When another sweep holds the lock.
        """
        path = self.path.with_name(f"{self.path.name}.lock")
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            lock.close()
            raise StoreError(
                f"another sweep is writing to {self.path}; wait until it ends, or name another store"
            ) from error
        try:
            yield
        finally:
            lock.close()

    def _upgrade(self) -> None:
        """Give an older store, whose reasons tell what was not measured, the column that does."""
        if "measured" in {column[1] for column in self._connection.execute("PRAGMA table_info(scores)")}:
            return
        with self.locked(), self._connection:
            self._connection.execute("ALTER TABLE scores ADD COLUMN measured INTEGER NOT NULL DEFAULT 1")
            self._connection.execute(
                "UPDATE scores SET measured = 0 WHERE reason LIKE ?", (f"{NOT_MEASURED}%",)
            )

    @property
    def settings(self) -> dict[str, str]:
        """What all scores in the store share: benchmark, batch source, device unless it is the processor.

        Empty in a new store.
        """
        return dict(self._connection.execute("SELECT name, value FROM settings"))

    @property
    def provenance(self) -> dict[str, list[str]]:
        """Everything that the scores were made with: versions and machines, sorted."""
        found: dict[str, list[str]] = {}
        query = "SELECT name, value FROM provenance ORDER BY name, value"
        for name, value in self._connection.execute(query):
            found.setdefault(name, []).append(value)
        return found

    def start(
        self,
        settings: Mapping[str, str],
        provenance: Iterable[tuple[str, str]] = (),
        scores: Iterable[tuple[Row, Sequence[StoredScore]]] = (),
    ) -> None:
        """Give a new store its settings and its first scores, all in one transaction.

        Parameters
        ----------
        settings
            What all scores in it share, see :attr:`settings`.
        provenance
            Pairs of a name and a value, such as ``("torch", "2.14.1")``.
        scores
            Pairs of a row and what was measured for it.
        """
        with self._connection:
            self._connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            self._connection.executemany("INSERT OR IGNORE INTO provenance VALUES (?, ?)", provenance)
            for row, entries in scores:
                self._insert(row, entries)

    def add(self, row: Row, scores: Sequence[StoredScore], provenance: Mapping[str, str]) -> None:
        """Store the scores of one architecture in one transaction; what is there and was measured stays.

        Parameters
        ----------
        row
            Architecture, seed and batch size.
        scores
            One for each proxy.
        provenance
            Versions, machine and device that they were made with.
        """
        with self._connection:
            self._insert(row, scores)
            self._connection.executemany("INSERT OR IGNORE INTO provenance VALUES (?, ?)", provenance.items())

    def _insert(self, row: Row, scores: Sequence[StoredScore]) -> None:
        key = (row.arch, row.seed, row.batch_size)
        self._connection.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " value = excluded.value, reason = excluded.reason, seconds = excluded.seconds,"
            " measured = excluded.measured WHERE NOT scores.measured",
            [(*key, s.proxy, s.network, s.value, s.reason, s.seconds, s.was_measured) for s in scores],
        )

    def proxies(self, row: Row) -> set[str]:
        """Return the names of the proxies that were measured for this row."""
        query = "SELECT proxy FROM scores WHERE arch = ? AND seed = ? AND batch_size = ? AND measured"
        found = self._connection.execute(query, (row.arch, row.seed, row.batch_size))
        return {name for (name,) in found}

    def of_network(self, network: str, seed: int, batch_size: int) -> dict[str, StoredScore]:
        """Return what was measured on this network, by proxy, whichever architecture it was measured for.

        Parameters
        ----------
        network
            The architecture that stands for its class.
        seed
            Of weights and images.
        batch_size
            Images in the batch.
        """
        query = (
            "SELECT proxy, network, value, reason, seconds FROM scores"
            " WHERE network = ? AND seed = ? AND batch_size = ? AND measured"
        )
        found = self._connection.execute(query, (network, seed, batch_size))
        scores = [_stored_score(*fields) for fields in found]
        return {score.proxy: score for score in scores}

    def scores(self) -> dict[Row, list[StoredScore]]:
        """Return everything, as it is at this moment."""
        query = "SELECT arch, seed, batch_size, proxy, network, value, reason, seconds FROM scores"
        table: dict[Row, list[StoredScore]] = {}
        for arch, seed, batch_size, *fields in self._connection.execute(query):
            table.setdefault(Row(arch, seed, batch_size), []).append(_stored_score(*fields))
        return table


def _stored_score(
    proxy: str, network: str, value: float | None, reason: str | None, seconds: float
) -> StoredScore:
    # SQLite has no NaN: it stores NULL in its place.
    return StoredScore(proxy, network, nan if value is None else value, reason, seconds)

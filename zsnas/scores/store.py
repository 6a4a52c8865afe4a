"""The score store: one SQLite file that a sweep fills, that survives being killed and tells when damaged.

The schema, version 2: a text (architecture, proxy, reason, what a score was made with) is stored once, in
``texts``; ``rows`` holds an architecture with seed and size of the batch, and the network of its class;
``scores`` has a row a score, among it a CRC-32 of all that the score says.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zsnas._files import checked_file
from zsnas.proxies import NOT_MEASURED, list_proxies

SUFFIXES = (".sqlite", ".sqlite3", ".db")
"""What the name of a new store may end in."""

_APPLICATION = int.from_bytes(b"zsna")
"""SQLite's ``application_id``, which tells a store from the databases of other programs."""

_VERSION = 2
"""SQLite's ``user_version``."""

_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, digest INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE rows (
    id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, seed INTEGER NOT NULL, batch_size INTEGER NOT NULL,
    network INTEGER NOT NULL, UNIQUE (arch, seed, batch_size)
);
CREATE INDEX networks ON rows (network, seed, batch_size);
CREATE TABLE scores (
    row INTEGER NOT NULL, proxy INTEGER NOT NULL, value REAL, reason INTEGER, microseconds INTEGER NOT NULL,
    made_with INTEGER NOT NULL, own INTEGER NOT NULL, measured INTEGER NOT NULL, digest INTEGER NOT NULL,
    PRIMARY KEY (row, proxy)
) WITHOUT ROWID;
CREATE VIEW scored AS SELECT
    rows.arch AS arch, seed, batch_size, network, proxy, value, reason, microseconds, made_with, own,
    measured, digest, rows.id AS id
    FROM rows JOIN scores ON scores.row = rows.id;
"""

_MARKS = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_VERSION};"
_REMEMBERED = 10_000
_BETWEEN = "; "
"""Between the values of one name where a score was made with one of several, not known which."""


class StoreError(ValueError):
    """A store cannot take these scores: other settings, another sweep at work, damaged, or not a store."""


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
        Wall-clock time of the measurement, to the microsecond. An architecture that shares a network repeats
        the time of that network.
    made_with : str
        Versions and machine, a JSON object; empty until it is stored.
    """

    proxy: str
    network: str
    value: float
    reason: str | None
    seconds: float
    made_with: str = ""

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
    architecture behind. The primary key rules out duplicates. The store can be read while a sweep fills it.
    A file that is damaged is noticed: its structure when it is opened, a score when it is read.

    Parameters
    ----------
    path : Path
        Created, with its folder, when it does not exist.

    Raises
    ------
    StoreError
        When the file is not a score store, is damaged, or cannot be opened or made.
    ValueError
        When a new one, or one that is empty, does not end in .sqlite, .sqlite3 or .db.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ids: dict[str, int] = {}
        if str(path).startswith((":", "file:")):
            raise StoreError(f"the store {str(path)!r} is no file; name one, such as scores.sqlite")
        is_there = path.exists() or path.is_symlink()
        if not is_there or (path.is_file() and not path.stat().st_size):  # an empty one becomes a store
            checked_file("a store", path, *SUFFIXES, makes_folder=True)
        self._connection = _connected(path)
        try:
            with self._in_words():
                self._connection.execute("PRAGMA synchronous = EXTRA")
                self._prepare()
        except BaseException:
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
            When another sweep holds the lock, or this store cannot be written.
        """
        if _is_to_read(self.path):
            raise StoreError(f"{self.path} cannot be written; allow it, or name another store")
        path = self.path.with_name(f"{self.path.name}.lock")
        lock = _connected(path, timeout=0)
        try:
            lock.isolation_level = None
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            if _kind(error) == "BUSY":
                raise StoreError(
                    f"another sweep is writing to {self.path}; wait until it ends, or name another store"
                ) from error
            raise StoreError(f"{path} cannot keep other sweeps out ({error}); delete that file") from error
        try:
            yield
        finally:
            lock.close()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say what SQLite refuses in a sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_sentence(self.path, error)) from error
        except UnicodeError as error:  # a text, or even the schema
            raise StoreError(f"{self.path} is damaged ({error}); {_REMEDY}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._in_words():
            try:
                with self._connection:
                    yield
            except BaseException:
                self._ids.clear()  # some may be of texts that were rolled back
                raise

    def _prepare(self) -> None:
        """Make the tables of a new store; refuse what is none."""
        if not self._tables():
            self._connection.execute("BEGIN IMMEDIATE")
            with self._transaction():
                if not self._tables():  # nobody else has made them meanwhile
                    self._make()
            return
        (state,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise StoreError(f"{self.path} is damaged ({state}); {_REMEDY}")
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise StoreError(f"{self.path} is a database of another program; name another store")
        if version > _VERSION:
            raise StoreError(
                f"{self.path} is a score store of a later zsnas (version {version}, known is {_VERSION}); "
                "update zsnas, or name another store"
            )

    def _make(self) -> None:
        for statement in filter(str.strip, f"{_SCHEMA} {_MARKS}".split(";")):
            self._connection.execute(statement)

    def _tables(self) -> set[str]:
        return {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}

    @property
    def settings(self) -> dict[str, str]:
        """What all scores in the store share: benchmark, batch source, device unless it is the processor.

        Empty in a new store.
        """
        with self._in_words():
            found = list(self._connection.execute("SELECT name, value, digest FROM settings"))
        for name, value, digest in found:
            if zlib.crc32(f"{name}\0{value}".encode()) != digest:
                raise StoreError(f"{self.path} is damaged (its setting {name!r}, {value!r}); {_REMEDY}")
        return {name: value for name, value, _ in found}

    @property
    def made_with(self) -> list[dict[str, str]]:
        """What the scores were made with: versions and machine, each combination once."""
        with self._in_words():
            query = "SELECT text FROM texts WHERE id IN (SELECT made_with FROM scores) ORDER BY text"
            return [_json(self.path, text) for (text,) in self._connection.execute(query)]

    @property
    def provenance(self) -> dict[str, list[str]]:
        """Everything that the scores were made with: versions and machines, sorted."""
        found: dict[str, set[str]] = {}
        for made_with in self.made_with:
            for name, values in made_with.items():
                found.setdefault(name, set()).update(values.split(_BETWEEN))
        return {name: sorted(found[name]) for name in sorted(found)}

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
            Pairs of a name and a value, such as ``("torch", "2.14.1")``, for the scores that do not say
            themselves what they were made with.
        scores
            Pairs of a row and what was measured for it.
        """
        made_with = _made_with(provenance)
        with self._transaction():
            self._set(settings)
            for row, entries in scores:
                self._insert(row, entries, made_with)

    def _set(self, settings: Mapping[str, str]) -> None:
        entries = [(name, text, zlib.crc32(f"{name}\0{text}".encode())) for name, text in settings.items()]
        self._connection.executemany("INSERT INTO settings VALUES (?, ?, ?)", entries)

    def add(self, row: Row, scores: Sequence[StoredScore], provenance: Mapping[str, str]) -> None:
        """Store the scores of one architecture in one transaction; what is there and was measured stays.

        Parameters
        ----------
        row
            Architecture, seed and batch size.
        scores
            One for each proxy.
        provenance
            Versions, machine and device that they were made with, but for those that say it themselves.
        """
        self.add_all([(row, scores, provenance)])

    def add_all(self, entries: Iterable[tuple[Row, Sequence[StoredScore], Mapping[str, str]]]) -> None:
        """Store the scores of several architectures in one transaction, each as `add` does.

        Parameters
        ----------
        entries
            Triples of a row, its scores and their provenance.
        """
        with self._transaction():
            for row, scores, provenance in entries:
                self._insert(row, scores, _made_with(provenance.items()))

    def _insert(self, row: Row, scores: Sequence[StoredScore], made_with: str) -> None:
        shared = {score.network for score in scores}.difference([row.arch])
        place = self._place(row, shared)
        entries = []
        for score in scores:
            value = None if isnan(score.value) else score.value  # SQLite has no NaN
            microseconds = round(1e6 * score.seconds)
            with_what = score.made_with or made_with
            said = (value, score.reason, microseconds)
            measured = score.was_measured
            digest = _digest(row, score.proxy, score.network, said, with_what, measured)
            reason = None if score.reason is None else self._id(score.reason)
            own = score.network == row.arch
            ids = (place, self._id(score.proxy), value, reason, microseconds, self._id(with_what))
            entries.append((*ids, own, measured, digest))
        self._connection.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " value = excluded.value, reason = excluded.reason, microseconds = excluded.microseconds,"
            " made_with = excluded.made_with, own = excluded.own, measured = excluded.measured,"
            " digest = excluded.digest WHERE NOT scores.measured",
            entries,
        )

    def _place(self, row: Row, shared: set[str]) -> int:
        """Return the number of a row, which has the network of its class beside it."""
        if len(shared) > 1:
            raise StoreError(
                f"the scores of {row.arch!r} are of several networks: {', '.join(sorted(shared))}"
            )
        arch, network = self._id(row.arch), self._id(next(iter(shared), row.arch))
        key = (arch, row.seed, row.batch_size)
        query = "SELECT id, network FROM rows WHERE arch = ? AND seed = ? AND batch_size = ?"
        found = self._connection.execute(query, key).fetchone()
        if found is None:
            columns = "INSERT INTO rows (arch, seed, batch_size, network) VALUES (?, ?, ?, ?)"
            return int(self._connection.execute(columns, (*key, network)).lastrowid or 0)
        place, known = found
        if shared and known != network:
            if known != arch:
                raise StoreError(
                    f"{self.path} holds scores of another network under the name {row.arch!r}; name another "
                    "store"
                )
            self._connection.execute("UPDATE rows SET network = ? WHERE id = ?", (network, place))
        return int(place)

    def _id(self, text: str) -> int:
        """Return the number of a text, a new one when it has none."""
        if text in self._ids:
            return self._ids[text]
        found = self._connection.execute("SELECT id FROM texts WHERE text = ?", (text,)).fetchone()
        if found is None:
            found = (self._connection.execute("INSERT INTO texts (text) VALUES (?)", (text,)).lastrowid,)
        if len(self._ids) >= _REMEMBERED:
            self._ids.clear()
        self._ids[text] = int(found[0])
        return self._ids[text]

    def proxies(self, row: Row) -> set[str]:
        """Return the names of the proxies that were measured for this row."""
        query = (
            "SELECT texts.text FROM rows JOIN scores ON scores.row = rows.id JOIN texts ON texts.id = proxy"
            " WHERE arch = (SELECT id FROM texts WHERE text = ?) AND seed = ? AND batch_size = ? AND measured"
        )
        with self._in_words():
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
        shared = (
            "SELECT * FROM scored WHERE network = (SELECT id FROM texts WHERE text = ?) AND seed = ?"
            " AND batch_size = ? AND measured AND NOT own"
        )
        alone = (
            "SELECT * FROM scored WHERE arch = (SELECT id FROM texts WHERE text = ?) AND seed = ?"
            " AND batch_size = ? AND measured AND own"
        )
        key = (network, seed, batch_size)
        with self._in_words():
            found = [entry for query in (shared, alone) for entry in self._connection.execute(query, key)]
            return {score.proxy: score for _, score in self._all_checked(found)}

    def scores(self) -> dict[Row, list[StoredScore]]:
        """Return everything, as it is at this moment; see `each` for what does not fit into memory."""
        table: dict[Row, list[StoredScore]] = {}
        for row, score in self.each():
            table.setdefault(row, []).append(score)
        return table

    def each(self) -> Iterator[tuple[Row, StoredScore]]:
        """Yield every score with its row, the scores of a row one after the other."""
        with self._in_words():
            yield from self._all_checked(self._connection.execute("SELECT * FROM scored ORDER BY id, proxy"))

    def of_row(self, row: Row) -> list[StoredScore]:
        """Return the scores of one row."""
        query = (
            "SELECT * FROM scored WHERE arch = (SELECT id FROM texts WHERE text = ?) AND seed = ?"
            " AND batch_size = ?"
        )
        with self._in_words():
            found = self._connection.execute(query, (row.arch, row.seed, row.batch_size))
            return [score for _, score in self._all_checked(found)]

    def rows(self) -> Iterator[tuple[int, str, int, int]]:
        """Yield number, architecture, seed and batch size of every row, in the order that they came."""
        query = (
            "SELECT rows.id, text, seed, batch_size FROM rows JOIN texts ON texts.id = arch ORDER BY rows.id"
        )
        with self._in_words():
            yield from self._connection.execute(query)

    def of_rows(self, numbers: Iterable[int]) -> Iterator[tuple[int, Row, StoredScore]]:
        """Yield the scores of some rows, each with the place of its row among `numbers`.

        Parameters
        ----------
        numbers
            Of rows, see `rows`.
        """
        with self._in_words():
            self._connection.executescript(
                "PRAGMA temp_store = MEMORY; DROP TABLE IF EXISTS temp.wanted;"
                "CREATE TEMP TABLE wanted (place INTEGER PRIMARY KEY, row INTEGER)"
            )
            with self._connection:
                self._connection.executemany("INSERT INTO wanted VALUES (?, ?)", enumerate(numbers))
            query = (
                "SELECT place, scored.* FROM wanted CROSS JOIN scored ON scored.id = wanted.row"
                " ORDER BY place, proxy"
            )
            text = lru_cache(maxsize=4096)(self._text)
            for place, *fields in self._connection.execute(query):
                yield (place, *self._checked(fields, text))

    def _all_checked(self, found: Iterable[Sequence[Any]]) -> Iterator[tuple[Row, StoredScore]]:
        text = lru_cache(maxsize=4096)(self._text)
        return (self._checked(fields, text) for fields in found)

    def _checked(self, fields: Sequence[Any], text: Callable[[int], str]) -> tuple[Row, StoredScore]:
        """Return a score whose digest is right, with its row."""
        arch, seed, batch_size, network, name, value, reason, micros, made_with, own, *checked, _ = fields
        measured, digest = checked
        row = Row(text(arch), seed, batch_size)
        proxy, measured_on, with_what = text(name), row.arch if own else text(network), text(made_with)
        why = None if reason is None else text(reason)
        if _digest(row, proxy, measured_on, (value, why, micros), with_what, measured) != digest:
            raise StoreError(
                f"{self.path} is damaged: the score of {row.arch!r}, seed {seed}, by {proxy!r} does not "
                f"match its checksum; {_REMEDY}"
            )
        return row, StoredScore(
            proxy, measured_on, nan if value is None else value, why, micros / 1e6, with_what
        )

    def proxy_names(self) -> set[str]:
        """Return the names of the proxies that any row has scores of."""
        query = "SELECT text FROM texts WHERE id IN (SELECT DISTINCT proxy FROM scores)"
        with self._in_words():
            return {name for (name,) in self._connection.execute(query)}

    def _text(self, number: int) -> str:
        found = self._connection.execute("SELECT text FROM texts WHERE id = ?", (number,)).fetchone()
        if found is None or not isinstance(found[0], str):
            raise StoreError(f"{self.path} is damaged: it lacks the text {number}; {_REMEDY}")
        return str(found[0])

    def forget(self, proxy: str) -> int:
        """Drop the scores of a proxy, whose definition may have changed; return how many there were."""
        with self._transaction():
            query = "DELETE FROM scores WHERE proxy = (SELECT id FROM texts WHERE text = ?)"
            return self._connection.execute(query, (proxy,)).rowcount


_REMEDY = "take a copy of it from before, or delete it and sweep again"


def _digest(
    row: Row,
    proxy: str,
    network: str,
    said: tuple[float | None, str | None, int],
    made_with: str,
    measured: bool,
) -> int:
    value, reason, microseconds = said
    value = None if value is None else value + 0.0  # SQLite keeps no sign of a zero
    words = f"{proxy}\0{network}\0{value!r}\0{reason!r}\0{microseconds}\0{int(measured)}"
    return zlib.crc32(
        words.encode(errors="surrogatepass"), _row_digest(row.arch, row.seed, row.batch_size, made_with)
    )


@lru_cache(maxsize=64)
def _row_digest(arch: str, seed: int, batch_size: int, made_with: str) -> int:
    return zlib.crc32(f"{arch}\0{seed}\0{batch_size}\0{made_with}".encode(errors="surrogatepass"))


def _made_with(pairs: Iterable[tuple[str, str]]) -> str:
    """Return provenance as the text that a score carries."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    joined = {name: _BETWEEN.join(values[name]) for name in sorted(values)}
    return json.dumps(joined, ensure_ascii=False)


def _json(path: Path, text: str) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"{path} is damaged: {text!r} says nothing of how scores were made; {_REMEDY}"
        ) from error
    return found


def _connected(path: Path, timeout: float = 60) -> sqlite3.Connection:
    """Open or make a database; one that cannot be written is opened to be read."""
    text = str(path)
    try:
        if path.is_dir():
            raise StoreError(
                f"the store {text!r} is a folder; name a file in it, such as {path / 'scores.sqlite'}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        to_read = _is_to_read(path)
        address = f"{path.absolute().as_uri()}?mode=ro" if to_read else text
        return sqlite3.connect(address, timeout=timeout, uri=to_read)
    except OSError as error:
        raise StoreError(f"the store {text!r} cannot be made: {error.strerror}; name another") from error
    except sqlite3.Error as error:
        raise StoreError(_sentence(path, error)) from error


def _is_to_read(path: Path) -> bool:
    """Tell whether a file is there that cannot be written, or whose folder cannot."""
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _kind(error: sqlite3.Error) -> str:
    """Return SQLite's name of an error without details, such as BUSY."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.removeprefix("SQLITE_").partition("_")[0]


def _sentence(path: Path, error: sqlite3.Error) -> str:
    kind = _kind(error)
    if kind == "CANTOPEN":
        return f"the store {str(path)!r} cannot be opened ({_why(path)}); name another"
    return {
        "FULL": f"no space is left for {path}; what was stored before is in it, and with more space the same "
        "call resumes",
        "READONLY": f"{path} cannot be written; allow it, or name another store",
        "BUSY": f"another program keeps {path} locked; wait until it ends, or name another store",
        "NOTADB": f"{path} is not a score store ({error}); name another store",
        "IOERR": f"{path} cannot be read or written ({error}): see whether its disk is full, or gone",
        "CONSTRAINT": f"{path} does not take these scores ({error}); name another store",
    }.get(kind, f"{path} is damaged, or not a score store ({error}); {_REMEDY}")


def _why(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        return f"{path.parent} cannot be written"
    except OSError as error:
        return str(error.strerror)
    return "no permission" if not os.access(path, os.R_OK) else "SQLite cannot open it"

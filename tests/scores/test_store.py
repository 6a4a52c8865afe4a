import random
import sqlite3
from math import isnan, nan
from pathlib import Path

import pytest

from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError

ROW = Row("a", 0, 64)
REFUSED = StoredScore("snip", "a", nan, "not measured: there is not enough memory", 0.1)
UNDEFINED = StoredScore("fisher", "a", nan, "no layers", 0.2)
VALUE = StoredScore("synflow", "a", 3.0, None, 0.3)


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.sqlite"
    with ScoreStore(path) as store:
        store.add(ROW, [REFUSED, UNDEFINED, VALUE], {})
    return path


def test_what_was_not_measured_is_told_from_what_is_undefined(new):
    with ScoreStore(new) as store:
        assert store.proxies(ROW) == {"fisher", "synflow"}
        assert store.of_network("a", 0, 64).keys() == {"fisher", "synflow"}
        assert {score.proxy: score.reason for score in store.scores()[ROW]} == {
            "snip": REFUSED.reason,
            "fisher": UNDEFINED.reason,
            "synflow": None,
        }


def test_only_what_was_not_measured_is_replaced(new):
    later = [StoredScore(name, "a", 7.0, None, 1.0) for name in ("snip", "fisher", "synflow")]
    with ScoreStore(new) as store:
        store.add(ROW, later, {})
    with ScoreStore(new) as store:
        assert store.proxies(ROW) == {"snip", "fisher", "synflow"}
        found = {score.proxy: (score.value, score.reason) for score in store.scores()[ROW]}
    assert found["snip"] == (7, None)
    assert found["fisher"][1] == UNDEFINED.reason
    assert found["synflow"] == (3, None)


@pytest.mark.parametrize("value", [-0.0, 0.0, float("inf"), float("-inf"), 5e-324, 1e308, 2.0**53, -3.0, 0.1])
def test_every_number_matches_its_checksum_when_it_is_read(tmp_path, value):
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add(ROW, [StoredScore("synflow", "a", value, None, 1.0)], {})
    with ScoreStore(path) as store:
        assert [score.value for score in store.scores()[ROW]] == [value]


def test_every_score_says_what_it_was_made_with(tmp_path):
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add(ROW, [VALUE], {"torch": "2.9", "machine": "one"})
        store.add(ROW, [UNDEFINED], {"torch": "2.14", "machine": "one"})
        made_with = {score.proxy: score.made_with for score in store.scores()[ROW]}
        assert made_with == {
            "synflow": '{"machine": "one", "torch": "2.9"}',
            "fisher": '{"machine": "one", "torch": "2.14"}',
        }
        assert store.provenance == {"machine": ["one"], "torch": ["2.14", "2.9"]}
        # What is copied to another architecture of the class keeps its own.
        store.add(Row("b", 0, 64), list(store.of_network("a", 0, 64).values()), {"torch": "3"})
        assert "3" not in store.provenance["torch"]


def test_a_score_takes_less_than_sixty_bytes(tmp_path):
    rng, path = random.Random(0), tmp_path / "s.sqlite"
    proxies = [f"proxy_{k}" for k in range(40)]
    with ScoreStore(path) as store:
        entries = [
            (
                Row(f"|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|{k}", 0, 64),
                [StoredScore(name, "class", rng.random(), None, rng.random()) for name in proxies],
                {"torch": "2.14.1", "machine": "x86_64, 2 cores, torch threads: 1"},
            )
            for k in range(500)
        ]
        store.add_all(entries)
    assert path.stat().st_size / (500 * len(proxies)) < 60


def damaged(content, trial, rng):
    """Return content that is cut somewhere, or in which a bit is flipped."""
    changed = bytearray(content)
    if trial % 10 == 0:
        del changed[rng.randrange(1, len(changed)) :]
    else:
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return changed


def everything(path):
    """Return what a store holds, or the sentence that says why not."""
    try:
        with ScoreStore(path) as store:
            return store.settings, store.provenance, store.scores()
    except StoreError as error:
        return str(error)


def test_flipped_bits_and_lost_pages_are_noticed_or_harmless(tmp_path):
    path, rng = tmp_path / "whole.sqlite", random.Random(0)
    with ScoreStore(path) as store:
        store.start({"benchmark": "nb201/cifar10", "batch_source": "images"})
        for k in range(60):
            scores = [StoredScore(name, f"a{k}", rng.random(), None, 0.1) for name in ("snip", "zico")]
            store.add(Row(f"a{k}", 0, 64), scores, {"torch": "2.14.1"})
    whole, content = everything(path), path.read_bytes()
    assert len(whole[2]) == 60
    noticed = 0
    for trial in range(200):
        path.write_bytes(damaged(content, trial, rng))
        found = everything(path)
        assert found == whole or str(path) in found
        noticed += found != whole
    assert noticed > 50


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "foreign.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE scores (player TEXT, points INTEGER)")
    database.close()
    return path


def loop(folder):
    path = folder / "loop.sqlite"
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: Path(":memory:"), "is no file; name one, such as"),
        (lambda _: Path("file:x.sqlite?mode=memory"), "is no file; name one, such as"),
        (lambda folder: folder, "is a folder; name a file in it"),
        (loop, "Too many levels of symbolic links"),
        (lambda _: Path("/proc/nowhere/s.sqlite"), "cannot be made"),
        (lambda _: Path(__file__) / "s.sqlite", "cannot be made: File exists"),
    ],
)
def test_what_is_no_place_for_a_store_is_a_sentence(make, message, tmp_path):
    with pytest.raises(StoreError, match=message):
        ScoreStore(make(tmp_path))


def test_an_empty_file_of_another_kind_is_no_store(tmp_path):
    other, empty = tmp_path / "notes.txt", tmp_path / "new.sqlite"
    other.touch()
    empty.touch()
    with pytest.raises(ValueError, match=r"does not end in \.sqlite, \.sqlite3 or \.db, as a store does"):
        ScoreStore(other)
    assert other.read_bytes() == b""
    with ScoreStore(empty) as store:
        assert not store.scores()


def test_a_database_of_another_program_is_refused_and_left_alone(foreign):
    before = foreign.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        ScoreStore(foreign)
    assert foreign.read_bytes() == before


def test_a_store_of_a_later_version_is_refused(new):
    with sqlite3.connect(new) as store:
        store.execute("PRAGMA user_version = 9")
    store.close()
    with pytest.raises(StoreError, match="later zsnas"):
        ScoreStore(new)


def test_a_lock_that_is_garbage_is_named(new):
    with ScoreStore(new) as store:
        new.with_name("new.sqlite.lock").write_text("no database, but long enough to look like one " * 30)
        with pytest.raises(
            StoreError, match=r"new\.sqlite\.lock cannot keep other sweeps out .*delete that file"
        ):
            store.locked().__enter__()


def test_what_cannot_be_written_can_be_read(new, monkeypatch):
    monkeypatch.setattr("os.access", lambda _path, mode: mode != 2)
    with ScoreStore(new) as store:
        assert len(store.scores()[ROW]) == 3
        with pytest.raises(StoreError, match="cannot be written; allow it, or name another store"):
            store.add(Row("b", 0, 64), [VALUE], {})
        with pytest.raises(StoreError, match=r"new\.sqlite cannot be written"):
            store.locked().__enter__()  # before a sweep scores what it could not keep


def test_a_full_disk_is_a_sentence_and_what_was_stored_stays(new):
    with ScoreStore(new) as store:
        store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="no space is left"):
            store.add_all((Row(f"{'b' * 500}{k}", 0, 64), [VALUE], {}) for k in range(200))
    with ScoreStore(new) as store:
        assert set(store.scores()) == {ROW}
        store.add(Row("b", 0, 64), [VALUE], {})  # its texts are not those that were rolled back
    with ScoreStore(new) as store:
        assert len(store.scores()) == 2


def test_scores_of_a_proxy_whose_definition_changed_are_forgotten(new):
    with ScoreStore(new) as store:
        assert store.forget("fisher") == 1
        assert store.proxies(ROW) == {"synflow"}


def test_rows_come_in_the_order_that_is_asked_for(new):
    with ScoreStore(new) as store:
        store.add(Row("b", 1, 64), [VALUE], {})
        numbers = {arch: number for number, arch, _, _ in store.rows()}
        found = [
            (place, row.arch, score.proxy)
            for place, row, score in store.of_rows([numbers["b"], numbers["a"]])
        ]
        assert {place: arch for place, arch, _ in found} == {0: "b", 1: "a"}
        assert len(found) == 4
        assert sum(isnan(score.value) for *_, score in store.of_rows(numbers.values())) == 2


def test_a_network_of_another_name_is_refused(new):
    with ScoreStore(new) as store:
        store.add(Row("b", 0, 64), [StoredScore("snip", "one", 1.0, None, 0.1)], {})
        with pytest.raises(StoreError, match="another network under the name 'b'"):
            store.add(Row("b", 0, 64), [StoredScore("zico", "two", 1.0, None, 0.1)], {})

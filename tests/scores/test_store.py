import sqlite3
from math import nan

import pytest

from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError

ROW = Row("a", 0, 64)
REFUSED = StoredScore("snip", "a", nan, "not measured: there is not enough memory", 0.1)
UNDEFINED = StoredScore("fisher", "a", nan, "no layers", 0.2)
VALUE = StoredScore("synflow", "a", 3.0, None, 0.3)


@pytest.fixture
def older(tmp_path):
    """Return a store as it was when only the words of a reason told what was not measured."""
    path = tmp_path / "older.sqlite"
    with sqlite3.connect(path) as store:
        store.execute(
            "CREATE TABLE scores (arch TEXT, seed INTEGER, batch_size INTEGER, proxy TEXT,"
            " network TEXT NOT NULL, value REAL, reason TEXT, seconds REAL NOT NULL,"
            " PRIMARY KEY (arch, seed, batch_size, proxy)) WITHOUT ROWID"
        )
        for score in (REFUSED, UNDEFINED, VALUE):
            fields = (score.proxy, score.network, score.value, score.reason, score.seconds)
            store.execute("INSERT INTO scores VALUES ('a', 0, 64, ?, ?, ?, ?, ?)", fields)
    store.close()
    return path


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.sqlite"
    with ScoreStore(path) as store:
        store.add(ROW, [REFUSED, UNDEFINED, VALUE], {})
    return path


@pytest.mark.parametrize("kind", ["older", "new"])
def test_what_was_not_measured_is_told_from_what_is_undefined(kind, request):
    with ScoreStore(request.getfixturevalue(kind)) as store:
        assert store.proxies(ROW) == {"fisher", "synflow"}
        assert store.of_network("a", 0, 64).keys() == {"fisher", "synflow"}
        assert {score.proxy: score.reason for score in store.scores()[ROW]} == {
            "snip": REFUSED.reason,
            "fisher": UNDEFINED.reason,
            "synflow": None,
        }


@pytest.mark.parametrize("kind", ["older", "new"])
def test_only_what_was_not_measured_is_replaced(kind, request):
    later = [StoredScore(name, "a", 7.0, None, 1.0) for name in ("snip", "fisher", "synflow")]
    path = request.getfixturevalue(kind)
    with ScoreStore(path) as store:
        store.add(ROW, later, {})
    with ScoreStore(path) as store:
        assert store.proxies(ROW) == {"snip", "fisher", "synflow"}
        found = {score.proxy: (score.value, score.reason) for score in store.scores()[ROW]}
    assert found["snip"] == (7, None)
    assert found["fisher"][1] == UNDEFINED.reason
    assert found["synflow"] == (3, None)


def test_an_older_store_is_left_alone_while_a_sweep_fills_it(older):
    lock = sqlite3.connect(older.with_name("older.sqlite.lock"), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another sweep is writing"):
        ScoreStore(older)
    lock.close()
    with ScoreStore(older) as store:
        assert store.proxies(ROW) == {"fisher", "synflow"}

"""Stores of machines that never meet become one, and what disagrees is refused or reported."""

from math import inf, nan

import pytest

from zsnas.scores.merge import merge
from zsnas.scores.store import Row, ScoreStore, StoredScore, StoreError

A, B = Row("a", 0, 64), Row("b", 0, 64)
HERE = {"torch": "2.14.1+cpu", "machine": "x86_64, 2 cores, torch threads: 1"}


def score(value, proxy="snip", reason=None):
    return StoredScore(proxy, "network", value, reason, 0.5)


@pytest.fixture
def stores(tmp_path):
    """Make a store of scores, by row, under a name."""

    def make(name, scores, made_with=HERE, **settings):
        path = tmp_path / f"{name}.sqlite"
        with ScoreStore(path) as store:
            store.start({"benchmark": "nb201/cifar10", "batch_source": "images"} | settings)
            store.add_all((row, found, made_with) for row, found in scores.items())
        return path

    return make


def values(path):
    with ScoreStore(path) as store:
        return {(row.arch, s.proxy): s.value for row, s in store.each()}


def test_what_one_lacks_comes_from_the_others(stores):
    first = stores("first", {A: [score(1.0)]})
    second = stores(
        "second", {A: [score(1.0), score(2.0, "zico")], B: [score(3.0)]}, HERE | {"zsnas": "0.1.0"}
    )
    merged = merge(first, [second])
    assert (merged.added, merged.known, merged.differing) == (2, 1, 0)
    assert values(first) == {("a", "snip"): 1, ("a", "zico"): 2, ("b", "snip"): 3}
    with ScoreStore(first) as store:
        assert store.provenance["zsnas"] == ["0.1.0"]
    assert merge(first, [second]).added == 0


def test_a_store_that_does_not_exist_is_made(stores, tmp_path):
    merge(tmp_path / "new.sqlite", [stores("x", {A: [score(1.0)]}), stores("y", {B: [score(2.0)]})])
    with ScoreStore(tmp_path / "new.sqlite") as store:
        assert store.settings == {"benchmark": "nb201/cifar10", "batch_source": "images"}
        assert set(store.scores()) == {A, B}


def test_scores_that_differ_are_refused_and_nothing_is_written(stores):
    first = stores("first", {A: [score(1.0)]})
    second = stores("second", {A: [score(1.5)], B: [score(3.0)]})
    with pytest.raises(StoreError, match=r"snip of 'a', seed 0, is 1\.0 here and 1\.5 in .*1 scores differ"):
        merge(first, [second])
    assert values(first) == {("a", "snip"): 1}
    merged = merge(first, [second], keep_first=True)
    assert (merged.added, merged.differing, merged.largest) == (1, 1, pytest.approx(1 / 3))
    assert "different, by up to 3.3e-01" in merged.words
    assert values(first) == {("a", "snip"): 1, ("b", "snip"): 3}


def test_undefined_twice_is_the_same_and_undefined_once_is_not(stores):
    first = stores("first", {A: [score(nan, reason="no layers")], B: [score(nan, reason="no layers")]})
    second = stores("second", {A: [score(nan, reason="no layers")], B: [score(1.0)]})
    merged = merge(first, [second], keep_first=True)
    assert (merged.known, merged.differing, merged.largest) == (2, 1, inf)


def test_what_was_not_measured_gives_way(stores):
    first = stores("first", {A: [score(nan, reason="not measured: no memory")]})
    second = stores("second", {A: [score(4.0)]})
    assert merge(first, [second]).added == 1
    assert values(first) == {("a", "snip"): 4}
    assert merge(first, [stores("third", {A: [score(nan, reason="not measured: no memory")]})]).differing == 0


@pytest.mark.parametrize(
    ("made_with", "settings", "message"),
    [
        (HERE, {"batch_source": "others"}, "of the batch source 'others' and .* of 'images'"),
        (HERE, {"device": "cuda"}, "of the device 'cuda' and .* of None"),
        (HERE | {"torch": "2.9.0"}, {}, r"torch 2\.14\.1 and .* with 2\.9\.0; .*mix=True"),
        (HERE | {"machine": "torch threads: 2"}, {}, "threads 1 and .* with 2; .*mix=True"),
    ],
)
def test_stores_that_do_not_mix_are_refused(stores, made_with, settings, message):
    first = stores("first", {A: [score(1.0)]})
    second = stores("second", {B: [score(2.0)]}, made_with, **settings)
    with pytest.raises(StoreError, match=message):
        merge(first, [second])
    if not settings:
        assert merge(first, [second], mix=True).added == 1


def test_a_store_that_is_absent_or_the_same_is_named(stores, tmp_path):
    first = stores("first", {A: [score(1.0)]})
    with pytest.raises(FileNotFoundError, match=r"no score store at .*nowhere\.sqlite"):
        merge(first, [tmp_path / "nowhere.sqlite"])
    with pytest.raises(StoreError, match="is the store to add to"):
        merge(first, [first])

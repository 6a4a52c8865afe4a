from command_line import run

from zsnas.scores.store import Row, ScoreStore, StoredScore


def store(path, value):
    with ScoreStore(path) as opened:
        opened.start({"benchmark": "nb201/cifar10", "batch_source": "images"})
        opened.add(Row("a", 0, 64), [StoredScore("snip", "a", value, None, 0.1)], {"torch": "2.14.1"})
        opened.add(Row(path.stem, 0, 64), [StoredScore("snip", "b", 2.0, None, 0.1)], {"torch": "2.14.1"})
    return str(path)


def test_merge_says_what_came_of_it(tmp_path, capsys):
    first, second = store(tmp_path / "b.sqlite", 1.0), store(tmp_path / "c.sqlite", 1.5)
    status, output, errors = run(capsys, "scores", "merge", first, second)
    assert (status, output) == (2, "")
    assert "snip of 'a', seed 0, is 1.0 here and 1.5 in" in errors
    assert "--keep-first keeps those that are there" in errors
    status, output, _ = run(capsys, "scores", "merge", first, second, "--keep-first")
    assert status == 0
    assert output == (
        f"1 scores were added to {first}; 1 were there already, 1 of them different, by up to 3.3e-01 of "
        "their size, and kept\n"
    )


def test_wrong_numbers_of_stores_are_named(capsys):
    assert "one or more to add" in run(capsys, "scores", "merge", "a.sqlite")[2]
    assert "'b.sqlite' is one too many" in run(capsys, "scores", "a.sqlite", "b.sqlite")[2]


def test_what_is_no_store_is_a_sentence(tmp_path, capsys):
    (tmp_path / "x.sqlite").write_text("not a database, but long enough to look like one " * 30)
    status, output, errors = run(capsys, "scores", str(tmp_path / "x.sqlite"))
    assert (status, output) == (2, "")
    assert "is not a score store" in errors

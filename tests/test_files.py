"""Files that are written: their names say what is in them, and functions hold to that as commands do."""

from contextlib import suppress

import pytest
from torch import nn

from zsnas._files import checked_file, replacing
from zsnas.hardware.measure import measure_all
from zsnas.scores.store import ScoreStore
from zsnas.search._checkpoint import Checkpoint
from zsnas.search.train import train


def test_a_name_that_fits(tmp_path):
    for name in ("a.csv", "b.PARQUET"):
        assert checked_file("a table", tmp_path / name, ".csv", ".parquet") == tmp_path / name
    assert checked_file("a table", tmp_path / "new" / "a.csv", ".csv", makes_folder=True).name == "a.csv"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", r"a\.txt' does not end in \.csv or \.parquet, as a table does; give a name that does"),
        ("a", "does not end in"),
        ("folder.csv", r"folder\.csv' is a folder; give a table the name of a file"),
        ("new/a.csv", "there is no folder '.*new' for a table; make it, or choose another"),
    ],
)
def test_a_name_that_does_not(tmp_path, name, message):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match=message):
        checked_file("a table", tmp_path / name, ".csv", ".parquet")


@pytest.mark.parametrize(
    ("write", "valid"),
    [
        (ScoreStore, ".sqlite, .sqlite3 or .db"),
        (lambda path: Checkpoint(path, {}), ".jsonl"),
        (lambda path: train(nn.Linear(1, 1), "images", path, progress=False), ".pt or .pth"),
        (lambda path: measure_all([], lambda _: (nn.Identity(), (1,)), path), ".parquet"),
    ],
    ids=["store", "search", "training", "latencies"],
)
def test_functions_refuse_other_names(write, valid, tmp_path):
    with pytest.raises(ValueError, match=f"does not end in {valid}"):
        write(tmp_path / "out.txt")
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    with replacing(path) as part:
        part.write_text("first")
    with suppress(RuntimeError), replacing(path) as part:
        part.write_text("half of the sec")
        raise RuntimeError
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]

"""Files of this project's own data are checked when they are read; a publication writes their checksums."""

import subprocess
from importlib import import_module

import pandas as pd
import pytest

from zsnas import checksums
from zsnas.checksums import DataCorruptError, listed, read_checked, update, update_all, verified
from zsnas.scores.table import read

measure = import_module("zsnas.hardware.measure")


@pytest.fixture
def data(tmp_path):
    """Return a data folder with two listed files."""
    for name in ("scores/a/b.parquet", "latency/c.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    assert update_all(tmp_path) == 2
    return tmp_path


def test_the_committed_files_are_what_was_published():
    states = {name: state for name, state, _ in verified()}
    assert {state for state in states.values() if state != "right"} == set()
    assert "scores/nb201/cifar100.parquet" in states
    assert "latency/predictors.csv" in states


def test_the_list_is_one_of_sha256sum(data):
    subprocess.run(["/usr/bin/env", "sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=data, check=True)


def test_another_content_is_refused_with_what_to_do(data, monkeypatch):
    monkeypatch.setattr(checksums.time, "sleep", lambda _: None)
    path = data / "scores/a/b.parquet"
    assert read_checked(path, data) == b"scores/a/b.parquet"
    path.write_bytes(b"scores/a/b.parquex")
    with pytest.raises(
        DataCorruptError, match=r"is not the file that .*SHA256SUMS lists: `git checkout data`"
    ):
        read_checked(path, data)
    update(path, data)
    assert read_checked(path, data) == b"scores/a/b.parquex"


def test_every_state_is_told(data):
    (data / "scores/a/b.parquet").write_bytes(b"other")
    (data / "latency/c.csv").unlink()
    (data / "performance.csv").write_bytes(b"new")
    assert [(name, state) for name, state, _ in verified(data)] == [
        ("latency/c.csv", "absent"),
        ("performance.csv", "unlisted"),
        ("scores/a/b.parquet", "corrupt"),
    ]


def test_files_elsewhere_are_nobodys_business(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "x.parquet"
    path.write_bytes(b"x")
    before = listed(data)
    update(path, data)
    assert listed(data) == before
    assert read_checked(path, data) == b"x"


def test_a_line_that_is_none_is_a_sentence(data):
    (data / "SHA256SUMS").write_text("deadbeef scores\n")
    with pytest.raises(DataCorruptError, match="a line that is none of sha256sum: 'deadbeef scores'"):
        listed(data)


def test_what_is_no_table_is_a_sentence(tmp_path):
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 and nothing more PAR1")
    with pytest.raises(DataCorruptError, match=r"scores\.parquet is no table of scores"):
        read(path)


def test_latencies_are_checked_and_their_line_is_written(data, monkeypatch):
    monkeypatch.setattr(measure, "DATA", data)
    monkeypatch.setattr(checksums.time, "sleep", lambda _: None)
    path = measure.published_path("tiny")
    table = pd.DataFrame({"arch": ["a"], "latency_ms": [1.0]})
    measure._append(table.iloc[:0], table.rename(columns={"arch": "name"}), "arch", path)
    assert listed(data).keys() >= {"latency/tiny.parquet"}
    assert measure.latencies("tiny")["latency_ms"].tolist() == [1.0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataCorruptError):
        measure.latencies("tiny")

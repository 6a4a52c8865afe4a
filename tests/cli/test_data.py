import hashlib
import re

import pytest
from command_line import run

import zsnas.sources
from zsnas import checksums
from zsnas.benchmarks import _analog_records
from zsnas.sources import Source

CONTENT = b"0,93.2\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Register two files, of which the mirror holds the first; returns its path there."""
    entries = [
        Source(
            f"somebody/{stem}",
            f"http://127.0.0.1:9/{stem}.csv",
            f"sources/{stem}.csv",
            hashlib.sha256(CONTENT).hexdigest(),
            len(CONTENT),
            "MIT",
            "S. Body, 2020",
        )
        for stem in ("first", "second")
    ]
    monkeypatch.setattr(zsnas.sources, "_registry", lambda: {entry.name: entry for entry in entries})
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path))
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "sources").mkdir()
    path = tmp_path / "sources" / "first.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.usefixtures("files")
def test_data_list(capsys):
    status, output, _ = run(capsys, "data", "list", "*/f*")
    assert status == 0
    assert [line.split() for line in output.splitlines()] == [
        ["name", "bytes", "licence"],
        ["somebody/first", "7", "MIT"],
    ]


@pytest.mark.usefixtures("files")
def test_data_cite(capsys):
    status, output, _ = run(capsys, "data", "cite", "somebody/second")
    expected = "somebody/second: S. Body, 2020. Licence: MIT. http://127.0.0.1:9/second.csv\n"
    assert (status, output) == (0, expected)


def test_data_verify_tells_right_from_absent_and_corrupt(files, capsys):
    status, output, _ = run(capsys, "data", "verify", "somebody/*")
    assert status == 0
    assert f"somebody/first   right   {files}" in output
    assert "somebody/second  absent" in output
    files.write_bytes(b"0,99.9\n")
    status, output, _ = run(capsys, "data", "verify", "somebody/*")
    assert status == 1
    assert "somebody/first   corrupt  wrong bytes for 'somebody/first'" in output


def test_data_fetch_gets_what_it_can_and_says_what_it_cannot(files, capsys):
    status, output, errors = run(capsys, "data", "fetch")
    assert status == 2
    assert output == f"somebody/first  {files}\n"
    assert re.fullmatch(
        r"zsnas: cannot get 'somebody/second' \(.*127\.0\.0\.1.*\)\. Two ways to get it: .*\n", errors
    )
    assert run(capsys, "data", "fetch", "somebody/first")[0] == 0


@pytest.mark.usefixtures("files")
def test_a_name_given_twice_is_one_file(capsys):
    _, output, _ = run(capsys, "data", "cite", "somebody/first", "somebody/f*")
    assert len(output.splitlines()) == 1


@pytest.mark.usefixtures("files")
def test_data_verify_covers_what_is_decoded_and_what_was_published(capsys, monkeypatch, tmp_path):
    cached = tmp_path / "decoded.npy"
    cached.write_bytes(b"garbage that is no array, and long enough")
    monkeypatch.setattr(_analog_records, "cached", lambda: cached)
    monkeypatch.setattr(checksums, "verified", lambda: [("scores/x.parquet", "unlisted", "why")])
    status, output, _ = run(capsys, "data", "verify")
    assert status == 1
    assert "analog-nasbench, decoded" in output
    assert "is not what was decoded" in output
    assert "data/scores/x.parquet" in output
    assert run(capsys, "data", "verify", "somebody/first")[0] == 0

"""Notices of the commands: one line each, and what is about the whole session once."""

import os
import time
import warnings

import pytest

from zsnas.batches import FallbackImages
from zsnas.cli import _notices
from zsnas.cli._notices import LASTS, notices_in_one_line


@pytest.fixture
def told(capsys, monkeypatch, tmp_path):
    """Return a function that warns as a command does, and returns what a reader sees."""
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path))

    def warn(words, category):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            with notices_in_one_line():
                warnings.warn(words, category, stacklevel=1)
        return capsys.readouterr().err

    return warn


def test_a_session_is_told_once_and_again_when_it_lasts(told, tmp_path):
    assert told("no images", FallbackImages) == "zsnas: note: no images\n"
    assert told("no images", FallbackImages) == ""
    assert told("no other images", FallbackImages) == "zsnas: note: no other images\n"
    for seen in (tmp_path / "notices").iterdir():
        os.utime(seen, (0, time.time() - LASTS - 1))
    assert told("no images", FallbackImages) == "zsnas: note: no images\n"


def test_another_session_is_told_too(told, monkeypatch):
    assert told("no images", FallbackImages)
    monkeypatch.setattr(_notices.os, "getsid", lambda _: -1)
    assert told("no images", FallbackImages)


def test_other_notices_and_a_cache_that_cannot_be_written_to(told, tmp_path):
    assert told("a beta", UserWarning) == told("a beta", UserWarning) == "zsnas: note: a beta\n"
    (tmp_path / "notices").write_text("a file in the place of the folder")
    assert told("no images", FallbackImages) == told("no images", FallbackImages) != ""

import sys

import pytest

from zsnas._progress_bar import progress_bar


def test_a_bar_names_the_work_and_goes_on_where_an_earlier_run_stopped(capsys):
    with progress_bar("nb201", 3, unit="arch", done=2) as bar:
        bar.update()
    assert "nb201:  67%" in capsys.readouterr().err
    assert (bar.n, bar.total, bar.unit) == (3, 3, "arch")


def test_a_bar_that_is_not_shown_writes_nothing(capsys):
    with progress_bar("nb201", 3, unit="arch", shown=False) as bar:
        bar.update()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 0.1), (False, 30)])
def test_a_log_file_gets_a_line_every_half_minute(terminal, seconds, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with progress_bar("nb201", 3, unit="arch") as bar:
        assert bar.mininterval == seconds
        assert bar.maxinterval >= seconds

from pathlib import Path

import pytest
from command_line import run

from zsnas.scores import sweep as sweep_module
from zsnas.scores import table as table_module


@pytest.fixture
def swept(monkeypatch):
    """Record what the sweep and the publication are called with."""
    calls = []
    monkeypatch.setattr(sweep_module, "sweep", lambda *a, **k: calls.append((a, k)) or Path("store.sqlite"))
    monkeypatch.setattr(table_module, "publish", lambda *a: calls.append(a) or Path("scores.parquet"))
    monkeypatch.setattr(table_module, "stored", lambda _: table_module.scores("nb201/cifar100"))
    return calls


def test_sweep_passes_its_options_on(swept, capsys):
    arguments = "sweep nb201/cifar100 --proxies params,snip --seeds 0,1 --limit 9 --top 0.05 --batch-size 8"
    status, output, _ = run(
        capsys, *f"{arguments} --store here.sqlite --workers 2 --no-progress --device cpu".split()
    )
    assert status == 0
    assert "scores are in store.sqlite\n" in output
    settings = {"proxies": ["params", "snip"], "seeds": [0, 1], "limit": 9, "top": 0.05, "batch_size": 8}
    others = {"store": "here.sqlite", "workers": 2, "progress": False, "device": "cpu"}
    assert swept == [(("nb201/cifar100",), settings | others)]


def test_sweep_by_default_scores_everything_and_shows_progress(swept, capsys):
    assert run(capsys, "sweep", "nb201/cifar100")[0] == 0
    settings = {"proxies": None, "seeds": [0], "limit": None, "top": 0.0, "batch_size": 64}
    others = {"store": None, "workers": 1, "progress": True, "device": None}
    assert swept == [(("nb201/cifar100",), settings | others)]


def test_sweep_publishes_on_request(swept, capsys):
    _, output, _ = run(capsys, "sweep", "nb201/cifar100", "--publish")
    assert output.endswith("\npublished as scores.parquet\n")
    assert swept[1] == (Path("store.sqlite"), "nb201/cifar100")


def test_an_interrupted_sweep_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("stopped: the same command resumes")

    monkeypatch.setattr(sweep_module, "sweep", interrupted)
    assert run(capsys, "sweep", "nb201/cifar100") == (130, "", "zsnas: stopped: the same command resumes\n")

import shlex
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from command_line import run

from zsnas.scores import sweep as sweep_module
from zsnas.scores import table as table_module

LIMITS = {"top_limit": None, "threads": 1, "time_limit": None, "memory_limit_gb": None, "mix": False}


@pytest.fixture
def brief(monkeypatch):
    """Leave out the correlations, which take a while."""
    monkeypatch.setattr(import_module("zsnas.cli.sweep"), "_tell_correlations", lambda *_: None)


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
    others = {"store": "here.sqlite", "workers": 2, "progress": False, "device": "cpu"} | LIMITS
    assert swept == [(("nb201/cifar100",), settings | others)]


@pytest.mark.usefixtures("brief")
def test_sweep_by_default_scores_everything_and_shows_progress(swept, capsys):
    assert run(capsys, "sweep", "nb201/cifar100")[0] == 0
    settings = {"proxies": None, "seeds": [0], "limit": None, "top": 0.0, "batch_size": 64}
    others = {"store": None, "workers": 1, "progress": True, "device": None} | LIMITS
    assert swept == [(("nb201/cifar100",), settings | others)]


@pytest.mark.parametrize(
    ("benchmark", "given", "size"),
    [
        ("timm/imagenet-vit", [], 8),
        ("timm/imagenet-vit", ["--batch-size", "4"], 4),
        ("torchvision/imagenet-vit", [], 64),  # no scores of it are published
    ],
)
@pytest.mark.usefixtures("brief")
def test_a_sweep_goes_on_with_batches_of_the_published_size(swept, capsys, benchmark, given, size):
    assert run(capsys, "sweep", benchmark, *given)[0] == 0
    assert swept[-1][1]["batch_size"] == size


def test_sweep_publishes_on_request(swept, capsys):
    _, output, _ = run(capsys, "sweep", "nb201/cifar100", "--publish")
    assert output.endswith("\npublished as scores.parquet\n")
    assert swept[1] == (Path("store.sqlite"), "nb201/cifar100")


@pytest.mark.usefixtures("brief", "swept")
def test_the_next_commands_can_be_pasted_into_a_shell(monkeypatch, capsys):
    monkeypatch.setattr(sweep_module, "sweep", lambda *_, **__: Path("it's a folder/store.sqlite"))
    _, output, _ = run(capsys, "sweep", "nb201/cifar100")
    (command,) = (line for line in output.splitlines() if line.startswith("to read them: "))
    assert shlex.split(command)[4:7] == ["scores", "it's a folder/store.sqlite", "--csv"]


def test_an_interrupted_sweep_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("stopped: the same command resumes")

    monkeypatch.setattr(sweep_module, "sweep", interrupted)
    assert run(capsys, "sweep", "nb201/cifar100") == (130, "", "zsnas: stopped: the same command resumes\n")


@pytest.mark.usefixtures("brief")
def test_sweep_passes_its_limits_on(swept, capsys):
    arguments = "sweep nb201/cifar100 --threads 2 --time-limit 60 --memory-limit 1.5 --mix"
    assert run(capsys, *arguments.split())[0] == 0
    ((_, settings),) = swept
    limits = {"threads": 2, "time_limit": 60.0, "memory_limit_gb": 1.5, "mix": True}
    assert {name: settings[name] for name in limits} == limits


@pytest.mark.usefixtures("brief")
def test_sweep_on_a_cluster_hands_its_workers_over(swept, capsys, monkeypatch):
    @contextmanager
    def dask(scheduler):
        yield f"workers of {scheduler}", 7

    monkeypatch.setattr(import_module("zsnas.scores.cluster"), "dask", dask)
    status, _, errors = run(capsys, "sweep", "nb201/cifar100", "--dask", "tcp://host:8786")
    assert status == 0
    assert errors.splitlines() == [
        "waiting up to 15 s for the scheduler at tcp://host:8786",
        "7 workers of tcp://host:8786 score",
    ]
    ((_, settings),) = swept
    assert (settings["executor"], settings["workers"]) == ("workers of tcp://host:8786", 7)


@pytest.mark.usefixtures("brief")
def test_networks_that_were_not_measured_are_told(swept, capsys, monkeypatch):
    table = table_module.scores("nb201/cifar100")
    table.loc[:1, "reasons"] = '{"snip": "not measured: its process ended"}'
    monkeypatch.setattr(table_module, "stored", lambda _: table)
    _, output, _ = run(capsys, "sweep", "nb201/cifar100")
    assert "2 networks lack scores, which the same command tries again; of the first, snip is not" in output
    assert swept

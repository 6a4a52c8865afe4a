import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch import nn

import zsnas.batches
import zsnas.benchmarks
import zsnas.evaluate
import zsnas.models
import zsnas.notebooks
import zsnas.score_table
import zsnas.sources
import zsnas.sweep
from zsnas import __version__
from zsnas.batches import Batch
from zsnas.cli import main
from zsnas.evaluate import Evaluation, Result
from zsnas.proxies import _registry, list_proxies, load_proxies
from zsnas.sources import Source, SourceUnavailable
from zsnas.sweep import visited

CONTENT = b"0,93.2\n"


def run(capsys, *arguments):
    """Run the command line and return its exit status, output and errors."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


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


def test_the_installed_command_says_its_version():
    command = Path(sys.executable).with_name("zsnas")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"zsnas {__version__}\n"


def test_importing_the_command_line_loads_nothing_heavy():
    code = "import sys, zsnas.cli; print(*sorted({'torch', 'pandas', 'numpy', 'pooch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


# Each command has a help text with an example.
@pytest.mark.parametrize(
    "command",
    [
        "proxies",
        "benchmarks",
        "data list",
        "data fetch",
        "data verify",
        "data cite",
        "score",
        "evaluate",
        "sweep",
        "notebooks list",
        "notebooks run",
        "notebooks check",
    ],
)
def test_every_command_shows_an_example(command, capsys):
    status, output, _ = run(capsys, *command.split(), "--help")
    assert status == 0
    assert f"example:\n  zsnas {command}" in output


def test_proxies_are_listed_with_what_is_known_about_them(capsys):
    status, output, _ = run(capsys, "proxies", "s*", "--kind", "gradient-based")
    titles, *rows = (re.split(r"  +", line.strip()) for line in output.splitlines())
    assert status == 0
    assert titles == ["name", "label", "better", "kind", "target", "source"]
    assert ["synflow", "SynFlow", "higher", "gradient-based", "trainability", "tanaka2020"] in rows
    assert all(row[0].startswith("s") for row in rows)


def test_variants_are_listed_below_their_original(capsys):
    lines = run(capsys, "proxies", "s*")[1].splitlines()
    snip = next(i for i, line in enumerate(lines) if line.startswith("snip "))
    assert lines[snip + 1].startswith("  snip_")
    names = [line.split()[0] for line in lines[1:]]
    assert sorted(names) == list_proxies("s*")


def test_a_variant_whose_original_is_not_listed_stands_by_itself(capsys):
    assert run(capsys, "proxies", "snip_printed")[1].splitlines()[1].startswith("snip_printed  SNIP (Eq. 2)")


def test_a_proxy_without_a_target_has_a_dash(capsys):
    assert re.search(r"^params +#Params +higher +naive +– +li2024$", run(capsys, "proxies")[1], re.MULTILINE)


def test_benchmarks_are_listed(capsys):
    assert run(capsys, "benchmarks", "nb201*/cifar10") == (0, "nb201-analog/cifar10\nnb201/cifar10\n", "")


def test_benchmarks_in_detail(capsys):
    status, output, _ = run(capsys, "benchmarks", "nb201-analog/*", "--details")
    assert status == 0
    assert re.split(r"  +", output.splitlines()[1])[:5] == [
        "nb201-analog/cifar10",
        "15625",
        "94.07 %",
        "nb201",
        "cifar10",
    ]


def test_a_benchmark_that_is_unavailable_does_not_hide_the_others(capsys, monkeypatch):
    def unavailable(_):
        raise SourceUnavailable("not here")

    monkeypatch.setattr(zsnas.benchmarks, "benchmark", unavailable)
    status, output, _ = run(capsys, "benchmarks", "--details")
    assert status == 0
    assert output.count("unavailable: zsnas data fetch") == len(zsnas.list_benchmarks())


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
    status, output, _ = run(capsys, "data", "verify")
    assert status == 0
    assert f"somebody/first   right   {files}" in output
    assert "somebody/second  absent" in output
    files.write_bytes(b"0,99.9\n")
    status, output, _ = run(capsys, "data", "verify")
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


class SmallNetwork(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, num_classes),
        )

    def forward(self, images):
        return self.layers(images)


@pytest.fixture
def small(monkeypatch):
    """Let every name be a small network, and every batch a few random images."""

    def batch(name, size, seed):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(size) % 5
        return Batch(torch.randn(size, 3, 8, 8, generator=generator), labels, 5, f"images of {name}")

    monkeypatch.setattr(zsnas.batches, "batch", batch)
    monkeypatch.setattr(zsnas.models, "_from_timm", lambda _, num_classes: SmallNetwork(num_classes))


@pytest.mark.usefixtures("small")
def test_score_prints_value_seconds_and_reason_of_each_proxy(capsys):
    arguments = (
        "score",
        "timm:small",
        "--batch",
        "cifar10",
        "--size",
        "6",
        "--seed",
        "3",
        "--proxies",
        "params,synflow",
    )
    status, output, _ = run(capsys, *arguments)
    model_line, batch_line, empty, titles, params, synflow = output.splitlines()
    assert status == 0
    assert model_line == "timm:small, 5 classes, random weights of seed 3"
    assert batch_line == "batch 6×3×8×8: images of cifar10"
    assert empty == ""
    assert titles.split() == ["proxy", "value", "seconds", "reason"]
    assert params.split()[:2] == ["params", str(3 * 4 * 9 + 4 * 5 + 5)]
    assert float(synflow.split()[1]) == float(synflow.split()[1])
    assert run(capsys, *arguments)[1].splitlines()[-1].split()[1] == synflow.split()[1]


@pytest.mark.usefixtures("small")
def test_score_resizes_the_images_when_asked_to(capsys):
    status, output, _ = run(capsys, "score", "timm:small", "--proxies", "params", "--input-size", "12")
    assert status == 0
    assert "batch 64×3×12×12: images of cifar100; resized to 12×12" in output


@pytest.mark.usefixtures("small")
def test_score_takes_a_device_and_a_precision(capsys):
    arguments = ("score", "timm:small", "--size", "6", "--proxies", "l2_norm")
    single, double = (
        run(capsys, *arguments, "--device", "cpu", "--dtype", dtype)[1].splitlines()[-1].split()[1]
        for dtype in ("float32", "float64")
    )
    assert float(double) == pytest.approx(float(single))
    status, _, complaint = run(capsys, *arguments, "--dtype", "half")
    assert status == 2
    assert "unknown dtype 'half'; valid are float32, float64" in complaint


@pytest.mark.usefixtures("small")
def test_score_says_why_a_proxy_is_undefined(monkeypatch, capsys):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    monkeypatch.setattr(zsnas.models, "_from_timm", lambda *_: linear)
    status, output, _ = run(capsys, "score", "timm:linear", "--proxies", "logdet")
    assert status == 0
    assert re.search(r"logdet +nan +[\d.]+ +the network has no ReLU-like activation", output)


@pytest.fixture
def proxy_file(monkeypatch, tmp_path):
    """Write a file with one proxy into the current folder, and forget the proxy afterwards."""
    list_proxies()
    kept = dict(_registry._REGISTER)
    monkeypatch.setattr(_registry, "_REGISTER", kept)
    monkeypatch.setattr("zsnas.proxies._file._REGISTER", kept)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import zsnas\n\n"
        "@zsnas.register(label='Mine', higher_is_better=True, kind='gradient-free', target=())\n"
        "def mine(passes):\n    return 41 + passes.seed\n"
    )


@pytest.mark.usefixtures("small", "proxy_file")
def test_score_takes_proxies_of_a_file(capsys):
    arguments = ("score", "timm:small", "--size", "6", "--seed", "1", "--proxy-file", "mine.py")
    assert run(capsys, *arguments, "--proxies", "mine,params")[1].splitlines()[-2].split()[:2] == [
        "mine",
        "42",
    ]
    assert re.search(r"^mine +42 ", run(capsys, *arguments)[1], re.MULTILINE)


@pytest.fixture
def evaluated(monkeypatch, proxy_file):  # noqa: ARG001 - the file is what is evaluated
    """Record what the evaluation is called with; its result is made up."""
    calls = []
    rows = [
        {"proxy": proxy, "statistic": statistic, "subset": subset, "value": value, "low": -0.25, "high": 0.5}
        for proxy, value in (("params", 0.25), ("mine", 0.4))
        for statistic in ("KT", "SPR")
        for subset in ("all", "top")
    ]
    table = pd.DataFrame(rows).assign(n=9, missing=1, seeds=1)
    result = Result(
        bench=SimpleNamespace(name="nb201/cifar10", cite=lambda: "Nobody, 1999"),
        yours=("mine",),
        scores=pd.DataFrame({"arch": list("abcdefghij"), "seed": 0}),
        correlations=table,
        differences=table.assign(contrast="reference").drop(columns="subset"),
        reasons={"mine": {"it is shy": 1}},
        batch_size=64,
        batch_source="photographs",
        made_with={"yours": "", "beside": ""},
        notes=("a note on the result",),
    )

    def evaluate(file, benchmarks, profile, **settings):
        load_proxies(file)
        calls.append((file, benchmarks, profile, settings))
        return Evaluation(Path(file), "source", profile, ("mine",), (result,), ("a note on benchmarks",))

    monkeypatch.setattr(zsnas.evaluate, "evaluate", evaluate)
    return calls


@pytest.mark.usefixtures("evaluated")
def test_evaluate_prints_its_table_and_says_where_the_page_is(capsys):
    status, output, _ = run(capsys, "evaluate", "mine.py")
    lines = output.splitlines()
    assert status == 0
    assert lines[:2] == [
        "note: a note on benchmarks",
        "nb201/cifar10: 10 networks, seed 0, batches of 64: photographs",
    ]
    titles, mine, params = (re.split(r"  +", line.strip()) for line in lines[2:5])
    assert titles == ["proxy", "KT all", "KT top 5 %", "SPR all", "SPR top 5 %", "n all/top", "missing"]
    assert mine == ["→ mine", *4 * ["0.40 [−0.25, 0.50]"], "9/9", "1"]
    assert params == ["params", *4 * ["0.25 [−0.25, 0.50]"], "9/9", "1"]
    assert "- Mine has Kendall’s τ 0.40 [−0.25, 0.50] over all architectures, place 1 of 2" in output
    assert "- mine is NaN on 1 of 10 networks: it is shy" in lines
    assert "- a note on the result" in lines
    assert lines[-1] == "the page with figure, table and how it was made is mine.html"
    assert Path("mine.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_evaluate_passes_its_options_on(evaluated, capsys):
    assert run(capsys, "evaluate", "mine.py")[0] == 0
    options = "--benchmarks nb201,a/* --profile full --output page.htm --recompute --no-progress"
    assert run(capsys, "evaluate", "mine.py", *options.split())[0] == 0
    assert evaluated == [
        ("mine.py", ("nb201",), "quick", {"recompute": False, "progress": True}),
        ("mine.py", ["nb201", "a/*"], "full", {"recompute": True, "progress": False}),
    ]
    assert Path("page.htm").exists()


@pytest.mark.usefixtures("evaluated")
def test_in_a_narrow_terminal_each_statistic_has_its_table(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    output = run(capsys, "evaluate", "mine.py")[1]
    assert [line.split()[:3] for line in output.splitlines() if line.startswith("  proxy")] == [
        ["proxy", "KT", "all"],
        ["proxy", "SPR", "all"],
    ]
    monkeypatch.setenv("COLUMNS", "200")
    assert run(capsys, "evaluate", "mine.py")[1].count("\n  proxy") == 1


def test_evaluate_looks_for_the_folder_of_its_page_before_it_computes(evaluated, capsys):
    status, _, errors = run(capsys, "evaluate", "mine.py", "--output", "nowhere/page.html")
    assert (status, evaluated) == (2, [])
    assert errors == "zsnas: there is no folder 'nowhere'; make it, or choose another --output\n"


@pytest.fixture
def swept(monkeypatch):
    """Record what the sweep and the publication are called with."""
    calls = []
    monkeypatch.setattr(zsnas.sweep, "sweep", lambda *a, **k: calls.append((a, k)) or Path("store.sqlite"))
    monkeypatch.setattr(zsnas.score_table, "publish", lambda *a: calls.append(a) or Path("scores.parquet"))
    return calls


def test_sweep_passes_its_options_on(swept, capsys):
    arguments = "sweep nb201/cifar100 --proxies params,snip --seeds 0,1 --limit 9 --top 0.05 --batch-size 8"
    status, output, _ = run(
        capsys, *f"{arguments} --store here.sqlite --workers 2 --no-progress --device cpu".split()
    )
    assert (status, output) == (0, "scores are in store.sqlite\n")
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
    assert output == "scores are in store.sqlite\npublished as scores.parquet\n"
    assert swept[1] == (Path("store.sqlite"), "nb201/cifar100")


def test_an_interrupted_sweep_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("stopped: the same command resumes")

    monkeypatch.setattr(zsnas.sweep, "sweep", interrupted)
    assert run(capsys, "sweep", "nb201/cifar100") == (130, "", "zsnas: stopped: the same command resumes\n")


def test_notebooks_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(zsnas.notebooks, "list_notebooks", lambda pattern: [pattern, "fig06"])
    assert run(capsys, "notebooks", "list", "fig*") == (0, "fig*\nfig06\n", "")


def test_a_notebook_runs_with_its_parameters(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(zsnas.notebooks, "run", lambda *a: calls.append(a) or Path("result.ipynb"))
    arguments = "notebooks run fig06 -p seeds=7,8 -p title=a=b --profile quick --output there.ipynb"
    assert run(capsys, *arguments.split()) == (0, "executed as result.ipynb\n", "")
    assert calls == [("fig06", {"seeds": "7,8", "title": "a=b"}, "quick", "there.ipynb")]


def test_a_notebook_that_fails_shows_its_cell(monkeypatch, capsys):
    def failing(*_):
        raise zsnas.notebooks.NotebookError("cell 3 failed\n  with a trace")

    monkeypatch.setattr(zsnas.notebooks, "run", failing)
    assert run(capsys, "notebooks", "run", "fig06") == (1, "", "cell 3 failed\n  with a trace\n")


def test_checking_the_notebooks_passes_or_says_which_are_stale(monkeypatch, capsys):
    monkeypatch.setattr(zsnas.notebooks, "check", lambda: None)
    assert run(capsys, "notebooks", "check")[0] == 0

    def stale():
        raise zsnas.notebooks.StaleNotebooks("fig06 is stale")

    monkeypatch.setattr(zsnas.notebooks, "check", stale)
    assert run(capsys, "notebooks", "check") == (1, "", "fig06 is stale\n")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("proxies --kind slow", "unknown kind 'slow'"),
        (
            "data fetch freerea/cifar10/accuracy",
            "unknown source .* did you mean 'freerea/cifar10/accuracies'",
        ),
        ("data list nothing/*", r"unknown source 'nothing/\*'"),
        ("score resnet18", "cannot read the model 'resnet18'"),
        ("score timm:resnet81", "unknown timm model 'resnet81'"),
        ("score timm:resnet18 --batch cifar", "unknown batch 'cifar'"),
        ("score timm:resnet18 --size 0", "from 1 to 1024 images, not 0"),
        (
            "score timm:resnet18 --proxy-file no.py",
            r"there is no file 'no\.py'; give the path of a Python file",
        ),
        ("evaluate no.py", r"there is no file 'no\.py'; give the path of a Python file"),
        ("evaluate no.py --profile fast", "unknown profile 'fast'; valid are quick, full"),
        ("sweep nb201/cifar100 --device gpu", "unknown device 'gpu'; valid are cpu, cuda, mps"),
        ("score timm:resnet18 --proxies synflw", "unknown proxy 'synflw'; did you mean 'synflow'"),
        ("sweep nb201/cifar1000", "unknown benchmark 'nb201/cifar1000'; did you mean 'nb201/cifar100'"),
    ],
)
@pytest.mark.filterwarnings("ignore::zsnas.batches.FallbackImages")
def test_bad_input_is_one_line_and_status_2(command, message, capsys):
    status, output, errors = run(capsys, *command.split())
    assert (status, output) == (2, "")
    assert re.fullmatch(f"zsnas: .*{message}.*\n", errors)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "required: COMMAND"),
        ("data", "required: ACTION"),
        ("sweep nb201/cifar100 --seeds 0,x", "'0,x' is no list of whole numbers; write them like 0,1,2"),
        ("score timm:resnet18 --proxies ,", "',' is empty; give names, separated by commas"),
        ("score timm:resnet18 --input-size 0", "'0' is no positive whole number"),
        ("notebooks run fig06 -p seeds", "'seeds' is no assignment; write it like seeds=7,8"),
    ],
)
def test_a_malformed_command_is_explained(command, message, capsys):
    status, _, errors = run(capsys, *command.split())
    assert status == 2
    assert message in errors.splitlines()[-1]


def test_without_images_score_goes_on_with_one_notice(tmp_path):
    command = [Path(sys.executable).with_name("zsnas"), "score", "timm:test_resnet", "--proxies", "params"]
    environment = os.environ | {"ZSNAS_DATA_MIRROR": "", "ZSNAS_CACHE": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "batch 64×3×32×32: not CIFAR-100: patches of photographs" in done.stdout
    assert re.fullmatch("zsnas: note: in place of CIFAR-100 images, batches are .*\n", done.stderr)


def test_the_format_of_warnings_is_put_back(capsys):
    usual = warnings.formatwarning
    run(capsys, "benchmarks")
    assert warnings.formatwarning is usual


def test_a_reader_that_leaves_is_no_error():
    code = f"import sys; from zsnas.cli import main; sys.exit(main({json.dumps(['data', 'list'])}))"
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.close()
    errors = writer.stderr.read()
    writer.stderr.close()
    assert (writer.wait(), errors) == (0, b"")


def test_latency_measures_a_few_and_resumes(capsys, tmp_path):
    table = tmp_path / "kernels.parquet"
    status, output, _ = run(
        capsys, "latency", "kernels", "--limit", "2", "--table", str(table), "--no-progress"
    )
    assert (status, output) == (0, f"2 latencies are in {table}\n")
    first = pd.read_parquet(table)

    assert run(capsys, "latency", "kernels", "--limit", "3", "--table", str(table), "--no-progress")[0] == 0
    longer = pd.read_parquet(table)

    assert list(longer["latency_ms"][:2]) == list(first["latency_ms"])
    assert len(longer) == 3
    assert (longer["latency_ms"] > 0).all()


def test_latency_of_a_network_is_that_of_its_space(capsys, tmp_path):
    table = tmp_path / "cells.parquet"
    options = ["--limit", "1", "--table", str(table), "--no-progress"]

    assert run(capsys, "latency", "nb201-analog/cifar10", *options)[0] == 0
    assert list(pd.read_parquet(table)["arch"]) == visited(
        zsnas.benchmarks.benchmark("nb201-analog/cifar10"), 1
    )


def test_a_search_writes_its_steps_as_parquet_or_csv(capsys, tmp_path):
    options = [
        "--proxies",
        "flops",
        "--macs",
        "600",
        "--image-size",
        "224",
        "--steps",
        "120",
        "--no-progress",
    ]
    for name in ("steps.parquet", "steps.csv"):
        assert run(capsys, "search", "proxyless", *options, "--output", str(tmp_path / name))[0] == 0

    steps = pd.read_parquet(tmp_path / "steps.parquet")

    assert len(steps) == 120
    assert list(pd.read_csv(tmp_path / "steps.csv")["arch"]) == list(steps["arch"])

import json
import os
import re
import shlex
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import pytest
from command_line import run

import zsnas.cli
from zsnas._version import __version__
from zsnas.cli._notices import notices_in_one_line
from zsnas.cli._output import complain


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
        "search",
        "latency",
        "notebooks list",
        "notebooks run",
        "notebooks check",
    ],
)
def test_every_command_shows_an_example(command, capsys):
    status, output, _ = run(capsys, *command.split(), "--help")
    assert status == 0
    assert f"example:\n  zsnas {command}" in output


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
        ("score timm:resnet18 --size x", "argument --size: 'x' is no whole number; `zsnas score --help`"),
        ("correlate nb201/cifar10 --top x", "argument --top: 'x' is no number; "),
        ("correlate nb201/cifar10 --resamples -1", "'-1' is no whole number from 0"),
        ("sweep nb201/cifar100 --limit 0", "'0' is no positive whole number"),
        ("sweep nb201/cifar100 --time-limit nan", "'nan' is no number above 0"),
        ("search nb201 --proxies params --macs 0", "'0' is no number above 0"),
        ("scor timm:resnet18", "'scor' is none of score, rank, "),
        ("scor timm:resnet18", "notebooks; did you mean score? `zsnas --help` says what it takes"),
        ("data lst", "'lst' is none of list, fetch, verify, cite, checksums; did you mean list? `zsnas data"),
        ("score timm:resnet18 --seeds 0", "--seeds 0; did you mean --seed? `zsnas score --help` says"),
        ("data list --all", "unrecognized arguments: --all; `zsnas data list --help` says"),
    ],
)
def test_a_malformed_command_is_explained(command, message, capsys):
    status, _, errors = run(capsys, *command.split())
    assert status == 2
    assert message in errors.splitlines()[-1]


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


@pytest.mark.parametrize(
    "error", [UnpicklingError("a pickle"), BadZipFile("a zip"), zlib.error("a stream"), EOFError()]
)
def test_what_a_damaged_file_raises_is_one_line(error, capsys, monkeypatch):
    def damaged(*_):
        raise error

    monkeypatch.setattr(zsnas.cli, "load", damaged)
    status, output, errors = run(capsys, "sweep", "nb201/cifar10", "--load", "mine.py")
    assert (status, output) == (2, "")
    assert errors == f"zsnas: {str(error) or 'EOFError'}\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "the output cannot be read or written: No space left"),
        (PermissionError(13, "Permission denied", "a.csv"), "'a.csv' cannot be read or written: Permission"),
        (OSError("as it was said"), "as it was said"),
    ],
)
def test_what_the_system_refuses_is_said_without_its_number(error, words, capsys, monkeypatch):
    def refused(*_):
        raise error

    monkeypatch.setattr(zsnas.cli, "load", refused)
    status, _, errors = run(capsys, "sweep", "nb201/cifar10", "--load", "mine.py")
    assert status == 2
    assert errors.startswith(f"zsnas: {words}")


def test_with_a_closed_standard_error_the_work_is_done():
    python = shlex.quote(sys.executable)
    command = f"{python} -m zsnas search proxyless --proxies flops --steps 3 --batch-size 2 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "best of" in done.stdout
    command = f"{python} -m zsnas scores nowhere.sqlite 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")


def test_what_the_encoding_of_a_terminal_lacks_is_told_by_its_number():
    code = "from zsnas.cli import main; main(['spaces']); print('τ')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.splitlines()[-1:], done.stderr) == (["\\u03c4"], "")


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("go on with mix=True, or name another store", "go on with --mix, or name another store"),
        ("sweep with device='cuda:1', or", "sweep with --device cuda:1, or"),
        ("for example seeds=(0,)", "for example --seeds 0"),
        ("rank with workers=1; or time_limit=2.5.", "rank with --workers 1; or --time-limit 2.5."),
        ("build it with num_classes=10", "build it with num_classes=10"),
        ("in a file of zsnas.load_proxies", "in a file of --load"),
        ("workers is 0; it must be", "--workers is 0; it must be"),
        ("with time_limit 6 and not 8", "with --time-limit 6 and not 8"),
        (
            "'time_limit' of time_limit.csv and a/time_limit",
            "'time_limit' of time_limit.csv and a/time_limit",
        ),
    ],
)
def test_a_complaint_names_options_and_no_arguments_of_python(sentence, words, capsys):
    assert complain(sentence, 2, {"mix", "device", "seeds", "workers", "time_limit"}) == 2
    assert capsys.readouterr().err == f"zsnas: {words}\n"


def test_the_size_of_a_batch_has_the_name_that_the_command_gives_it(capsys):
    complain("size=30 takes them all", 2, {"size"})
    complain("size=30 takes them all", 2, {"batch_size"})
    assert (
        capsys.readouterr().err == "zsnas: --size 30 takes them all\nzsnas: --batch-size 30 takes them all\n"
    )


def test_a_notice_of_several_lines_is_one(capsys):
    with warnings.catch_warnings(), notices_in_one_line():
        warnings.simplefilter("always")
        warnings.warn("careful:\n  hot", stacklevel=1)
    assert capsys.readouterr().err == "zsnas: note: careful: hot\n"

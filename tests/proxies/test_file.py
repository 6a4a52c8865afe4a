import re
import subprocess
import sys
from textwrap import dedent

import pytest
from small_networks import noise
from torch import nn

import zsnas
from zsnas.proxies import ProxyFileError, _registry, list_proxies, load_proxies, measure, proxy

REGISTER = """
import zsnas

@zsnas.register(label="Mine", higher_is_better=False, kind="gradient-free", target=("expressivity",))
"""
pytestmark = pytest.mark.usefixtures("own_register")

MODEL = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into the current folder; returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(content, name="mine.py"):
        (tmp_path / name).write_text(dedent(content))
        return name

    return write


def scored(file):
    (name,) = load_proxies(file)
    return measure(MODEL, noise(), [name])[name]


def test_a_proxy_of_a_file_is_registered_and_scored_like_any_other(write):
    names = load_proxies(write(REGISTER + "def mine(passes):\n    return len(passes.images)"))

    assert names == ("mine",)
    assert (proxy("mine").label, proxy("mine").higher_is_better) == ("Mine", False)
    assert (proxy("mine").equation, proxy("mine").reference) == ("", "")
    assert measure(MODEL, noise(size=5))["mine"].value == 5


def test_loading_again_replaces_the_proxies_of_the_file(write):
    load_proxies(write(REGISTER + "def first(passes):\n    return 1"))
    file = write(REGISTER + "def mine(passes):\n    return 2")

    assert scored(file).value == scored(file).value == 2
    assert "first" not in list_proxies()


def test_a_file_may_import_its_neighbours_and_hold_dataclasses(write):
    write("VALUE = 7", "zsnas_test_neighbour.py")
    file = write(
        f"from __future__ import annotations\nfrom dataclasses import dataclass\n{REGISTER}"
        "def mine(passes):\n    from_file = Held(VALUE)\n    return from_file.value\n\n"
        "from zsnas_test_neighbour import VALUE\n\n@dataclass\nclass Held:\n    value: int\n"
    )
    before = list(sys.path)

    assert scored(file).value == 7
    assert sys.path == before


def test_a_tensor_of_one_element_is_a_number(write):
    file = write(REGISTER + "def mine(passes):\n    return passes.training.loss * 0 + 3")

    assert scored(file).value == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("1 / 0", r"it raised ZeroDivisionError: division by zero \(mine\.py, line 6\)"),
        ("passes.images.sum(9)", r"it raised IndexError: Dimension out of range .* \(mine\.py, line 6\)"),
        ("passes.activation_agreement", "the network has no ReLU-like activation"),
        (
            "passes.images",
            r"it returned a tensor of shape \(4, 3, 8, 8\); return one number, such as its \.sum\(\)",
        ),
        ("None", "it returned NoneType; return one number"),
        ("'high'", "it returned str; return one number"),
        (
            "float('nan')",
            "it returned nan; return a number, or raise zsnas.proxies.Undefined with the reason",
        ),
        ("float('inf')", "the score is inf, not a finite number"),
    ],
)
def test_a_proxy_that_fails_is_nan_with_the_reason(write, body, reason):
    found = scored(write(REGISTER + f"def mine(passes):\n    return {body}"))

    assert found.value != found.value
    assert re.fullmatch(reason, found.reason)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = (1,\ny = 2", r"mine\.py, line 1: '\(' was never closed; correct the syntax and run again"),
        ("x = 1", r"mine\.py registers no proxy; put @zsnas\.register\(label=…, .* above a function .*"),
        (
            "import no_such_module",
            r"mine\.py, line 1: ModuleNotFoundError: No module .*; correct it and run again",
        ),
        ("raise SystemExit", r"mine\.py, line 1: SystemExit; correct it and run again"),
        (
            REGISTER + "def snip(passes):\n    return 1",
            r"mine\.py, line \d: a proxy named 'snip' is already registered; give the function another name",
        ),
        (
            REGISTER.replace("gradient-free", "free") + "def mine(passes):\n    return 1",
            r"mine\.py, line 4: unknown kind 'free'; valid are naive, gradient-based, gradient-free",
        ),
        (
            "import zsnas\n@zsnas.register(label='Mine')\ndef mine(passes):\n    return 1",
            r"mine\.py, line 2: zsnas\.register takes .* \(missing .* 'higher_is_better'\); write @zsnas\..*",
        ),
        (
            REGISTER + "def mine(model, batch):\n    return 1",
            r"mine\.py: the proxy 'mine' takes \(model, batch\); it must take one argument, passes, .*",
        ),
        (
            REGISTER + "def mine(passes):\n    return 1\n\nraise ValueError('too late')",
            r"mine\.py, line 8: ValueError: too late; correct it and run again",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence_and_registers_nothing(write, content, message):
    before = list_proxies()
    file = write(content)

    with pytest.raises(ProxyFileError) as raised:
        load_proxies(file)
    assert re.fullmatch(message, str(raised.value))
    assert list_proxies() == before


def test_a_missing_file(write):
    write("", "other.py")
    with pytest.raises(ProxyFileError, match=r"there is no file 'mine\.py'; give the path of a Python file"):
        load_proxies("mine.py")


def test_a_name_of_the_package_is_taken_before_the_package_was_used():
    code = """
        import zsnas
        from zsnas import register

        fields = {"label": "Mine", "higher_is_better": True, "kind": "naive", "target": ()}
        zsnas.proxies.Passes
        try:
            register(**fields)(type(lambda: 0)((lambda passes: 1).__code__, globals(), "synflow"))
        except ValueError as error:
            print(error)
        zsnas.proxies.register_variant("snip", label="Mine", name="mine")(lambda passes: 1)
        print(zsnas.proxy("mine").variant_of, len(zsnas.list_proxies()) > 10)
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "a proxy named 'synflow' is already registered; give the function another name",
        "snip True",
    ]


def test_the_register_of_the_package_is_the_one_that_users_import():
    assert zsnas.register is _registry.register
    assert zsnas.load_proxies is load_proxies

"""The kernel of a page sees what the page runs, and nothing that is merely imported."""

import importlib
import json
import subprocess
import sys

import projects
import pytest

from zsnas.book import pages as notebooks

_pages = importlib.import_module("zsnas.book.pages.page")

PACKAGE = {
    "zsnas/toy/__init__.py": "from zsnas.toy.used import top\n",
    "zsnas/toy/used.py": (
        '"""A module."""\n'
        "from zsnas.toy import helped\n"
        "def top(x):\n"
        '    """Return more."""\n'
        "    def inner():\n"
        "        return helped.more(x)\n"
        "    return inner()\n"
        "def idle():\n"
        "    return 0\n"
        "class Kept:\n"
        "    __slots__ = ()\n"
        "    @property\n"
        "    def one(self):\n"
        "        return (lambda: 1)()\n"
    ),
    "zsnas/toy/helped.py": ("from zsnas.toy import register\n@register.add\ndef more(x):\n    yield x\n"),
    "zsnas/toy/register.py": "ALL = []\ndef add(function):\n    ALL.append(function)\n    return function\n",
    "zsnas/toy/shape.svg": "<svg/>",
    "data/a/one.csv": "1",
    "data/a/two.csv": "2",
    "data/sources.toml": "",
    "elsewhere.csv": "3",
}
"""A package and data, as a project has them."""

PROGRAM = """
import json, os, sys
from pathlib import Path
from zsnas.book.pages import recorder
import zsnas; zsnas.__path__.append("zsnas")
found = recorder.Recorder([Path.cwd()])
sys.meta_path.insert(0, found)
sys.addaudithook(found.hear)
{code}
found.write(Path("record.json"))
"""


@pytest.fixture
def recorded(tmp_path):
    """Return a function that runs code beside the package and returns the record."""
    for file, text in PACKAGE.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)

    def run(code):
        subprocess.run([sys.executable, "-c", PROGRAM.format(code=code)], cwd=tmp_path, check=True)
        return json.loads((tmp_path / "record.json").read_text())

    return run


def test_functions_that_ran_are_noted_by_line(recorded):
    ran = recorded("from zsnas.toy import used; list(used.top(1)); used.Kept().one")["ran"]

    assert ran == {"toy/used.py": [3, 5, 13, 14], "toy/helped.py": [3]}


def test_what_runs_while_a_module_is_imported_does_not_count(recorded):
    assert recorded("import zsnas.toy.used")["ran"] == {}


def test_generator_that_is_never_asked_did_not_run(recorded):
    assert recorded("from zsnas.toy import used; used.top(1)")["ran"] == {"toy/used.py": [3, 5]}


def test_functions_are_as_before_to_who_looks_at_them(recorded):
    recorded(
        "from zsnas.toy import used; import inspect\n"
        "assert used.top.__doc__ == 'Return more.' and used.__doc__ == 'A module.'\n"
        "assert inspect.getsource(used.idle) == 'def idle():\\n    return 0\\n'\n"
        "assert used.top.__code__.co_firstlineno == 3"
    )


@pytest.mark.parametrize(
    ("code", "opened"),
    [
        ("open('data/a/one.csv')", ["data/a/one.csv"]),
        ("Path('data/a').joinpath('../a/one.csv').read_text()", ["data/a/one.csv"]),
        ("Path('data/a/none.csv').exists()", []),
        ("sys.audit('zsnas.looks_for', 'data/a/none.csv')", ["data/a/none.csv"]),
        ("import sqlite3; sqlite3.connect('data/a/one.csv')", ["data/a/one.csv"]),
        ("list(Path('data/a').glob('*.csv'))", ["data/a/"]),
        ("open('data/a/three.csv', 'w')", []),
        ("os.open('data/a/one.csv', os.O_RDONLY)", ["data/a/one.csv"]),
        ("open('zsnas/toy/shape.svg'); open('zsnas/toy/used.py')", ["zsnas/toy/shape.svg"]),
        ("open('data/sources.toml'); open('elsewhere.csv'); open(os.devnull)", []),
    ],
)
def test_files_below_data_and_beside_the_code_are_noted(recorded, code, opened):
    assert recorded(code)["opened"] == opened


def test_parquet_that_the_package_reads_is_noted(recorded):
    code = (
        "import pandas as pd; pd.DataFrame({'arch': ['a']}).to_parquet('data/a/scores.parquet')\n"
        "from zsnas.scores.table import read; read('data/a/scores.parquet')\n"
        "pd.read_parquet('data/a/scores.parquet')"
    )

    assert recorded(code)["opened"] == ["data/a/scores.parquet"]


def test_sources_are_noted_with_whether_they_were_had(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "cache"))
    code = (
        "from zsnas import sources\n"
        "def cannot(entry, progress): raise sources.SourceUnavailable\n"
        "sources._download = cannot\n"
        "try: sources.fetch('freerea/cifar10/params')\n"
        "except sources.SourceUnavailable: pass\n"
        "sources._download = lambda entry, progress: Path('data')\n"
        "sources.fetch('freerea/cifar10/accuracies')"
    )

    assert recorded(code)["sources"] == {"freerea/cifar10/params": False, "freerea/cifar10/accuracies": True}


def test_nothing_of_the_package_is_loaded_before_the_recorder():
    code = "import sys, zsnas.book.pages.recorder; print(*(name for name in sys.modules if 'zsnas' in name))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()

    others = {name for name in loaded if name.startswith("zsnas") and not name.startswith("zsnas.book.pages")}
    assert others == {"zsnas", "zsnas._version", "zsnas.book"}


LIVE = """
import torch
import zsnas

images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
batch = zsnas.Batch(images, torch.tensor([0, 1]), 2, "noise")
network = zsnas.space("nats-sss").build("8:8:8:8:8", 2, seeds[0])
zsnas.score(network, batch, ["jacob_cov"])
"""

TABLE = """
import zsnas
from zsnas.scores.table import published_path, read

scores = read(published_path("nb201/cifar100"))
zsnas.proxy("jacob_cov").label, scores["jacob_cov"].mean()
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return what a page that scores live and one that reads scores were made from."""
    pages = {"live": LIVE, "table": TABLE}
    folder = projects.make(
        tmp_path_factory.mktemp("pages"),
        {name: projects.HEADER + projects.cell(code) for name, code in pages.items()},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pages, "PROJECT", folder)
        results = {name: notebooks.run(name, progress=False) for name in pages}
    return {name: json.loads(path.read_text())["metadata"]["zsnas"] for name, path in results.items()}


def test_page_that_scores_live_rests_on_the_proxy_and_the_space(records):
    code = set(records["live"]["code"])

    assert {"proxies/jacob_cov.py", "proxies/_passes.py", "spaces/nats_sss.py", "batches/images.py"} <= code
    assert not code & {"proxies/snip.py", "proxies/zen_score.py", "spaces/proxyless.py", "scores/table.py"}
    assert records["live"]["files"] == {}


def test_page_that_reads_scores_rests_on_the_table_and_on_no_proxy(records):
    code = set(records["table"]["code"])

    assert {"scores/table.py", "proxies/_registry.py"} <= code
    assert not code & {"proxies/jacob_cov.py", "proxies/_passes.py", "spaces/nb201.py", "benchmarks/nb201.py"}
    assert list(records["table"]["files"]) == ["data/scores/nb201/cifar100.parquet"]
    assert records["table"]["proxies"] is not None

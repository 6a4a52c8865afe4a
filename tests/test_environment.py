"""What is installed: the core brings what the package imports, extras the rest, and ``dev`` everything."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from zsnas._extras import ExtraMissing, needing

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
DISTRIBUTIONS = packages_distributions()

OF_PAGES = ("zsnas/book/", "zsnas/cli/notebooks.py")
AS_DATA = {"analog-nasbench"}
"""What the core reads and does not import."""

NOT_IN_THE_CORE = ("mmseg", "pytorchcv", "papermill", "jupytext", "jupyter_book", "nbformat", "IPython")


def distributions(requirements):
    """Return the names of the distributions that requirements ask for, in small letters."""
    return {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}


def imports(node, extra=""):
    """Yield the distribution of every import, of whole packages, with the extra that it stands under."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and child.level == 0:
            names = [child.module]
        else:
            names = []
            yield from imports(child, extra_of(child) or extra)
        for package in {name.partition(".")[0] for name in names}:
            if package not in sys.stdlib_module_names and package != "zsnas":
                yield DISTRIBUTIONS[package][0].lower(), extra


def extra_of(node):
    """Return the extra of a ``with needing("extra", …)``."""
    if isinstance(node, ast.With) and isinstance(call := node.items[0].context_expr, ast.Call):
        return call.args[0].value if ast.unparse(call.func) == "needing" else ""
    return ""


def imported():
    found = {}
    for path in sorted((ROOT / "zsnas").rglob("*.py")):
        if not path.relative_to(ROOT).as_posix().startswith(OF_PAGES):
            for distribution, extra in imports(ast.parse(path.read_text())):
                found.setdefault(extra, set()).add(distribution)
    return found


def test_the_core_brings_what_the_package_imports_and_nothing_else():
    assert imported()[""] | AS_DATA == distributions(PROJECT["dependencies"])


def test_what_an_extra_is_named_for_it_brings():
    optional = {extra: names for extra, names in imported().items() if extra}
    assert optional
    for extra, names in optional.items():
        assert names <= distributions(EXTRAS[extra])


def test_every_extra_that_an_error_names_exists():
    code = "".join(path.read_text() for path in (ROOT / "zsnas").rglob("*.py"))
    named = set(re.findall(r'needing\(\s*"(\w+)"|ExtraMissing\([^)]*"(\w+)"\)', code))
    assert {"".join(pair) for pair in named} == {"book", "dask", "families", "segmentation"}
    assert {"book", "dask", "families", "segmentation"} <= set(EXTRAS)


def test_the_book_needs_every_benchmark_and_dev_needs_the_book():
    assert EXTRAS["dev"][0] == "zsnas[book,dask]"
    assert EXTRAS["book"][0] == f"zsnas[{','.join(sorted(set(EXTRAS) - {'book', 'dask', 'dev'}))}]"


def test_a_missing_package_is_one_sentence_with_the_command_that_brings_it():
    with (
        pytest.raises(
            ExtraMissing, match=r"^this needs the package nowhere, .*: pip install 'zsnas\[book\]'$"
        ),
        needing("book", "this"),
    ):
        import nowhere  # noqa: F401


CORE_ALONE = f"""
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NOT_IN_THE_CORE}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import zsnas
for module in pkgutil.walk_packages(zsnas.__path__, "zsnas."):
    if not module.name.startswith("zsnas.book"):
        importlib.import_module(module.name)
from zsnas.cli import main
assert zsnas.list_benchmarks() and len(zsnas.benchmark("nb201-analog/cifar10").table) == 15625
sys.exit(main(["notebooks", "run", "fig04", "-p", "seeds=7"]))
"""


def test_without_the_extras_everything_but_pages_is_imported_and_pages_say_what_is_missing():
    found = subprocess.run([sys.executable, "-c", CORE_ALONE], capture_output=True, text=True, check=False)
    assert found.returncode == 2, found.stderr
    assert re.fullmatch(
        r"zsnas: zsnas notebooks run needs the package \w+, which is not installed: pip .* 'zsnas\[book\]'\n",
        found.stderr,
    )


def test_conda_installs_everything_with_a_python_that_is_allowed():
    python, pip, from_pip = ENVIRONMENT["dependencies"]
    assert f">={python.removeprefix('python=')}" == PROJECT["requires-python"]
    assert (pip, from_pip) == ("pip", {"pip": ["--editable=.[dev]"]})


def test_citation_has_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert citation["version"] == PROJECT["version"]

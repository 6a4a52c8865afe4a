"""Importing zsnas is cheap, and modules import only what lies to their left in the data flow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "zsnas"
HEAVY = ("torch", "torchvision", "timm", "pandas", "matplotlib", "scipy")

# The data flow from left to right: a module may import from its own rank and from smaller ones.
RANK = {
    "sources": 0,
    "memory": 0,
    "macs": 0,
    "tasks": 0,
    "targets": 1,
    "spaces": 1,
    "benchmarks": 1,
    "batches": 1,
    "hardware": 1,
    "proxies": 2,
    "models": 2,
    "plane": 2,
    "score_store": 3,
    "score_table": 3,
    "counting": 3,
    "sweep": 4,
    "statistics": 4,
    "pareto": 4,
    "search": 4,
    "evaluate": 5,
    "figures": 5,
    "plane_drawing": 5,
    "processor_drawing": 5,
    "audit": 5,
    "audit_drawing": 5,
    "cost": 5,
    "cost_drawing": 5,
    "families_drawing": 5,
    "families_pairs": 5,
    "families_verdicts": 5,
    "pareto_drawing": 5,
    "pareto_explorer": 5,
    "pareto_tables": 5,
    "pareto_verdicts": 5,
    "tables": 5,
    "verdicts": 5,
    "evaluation_page": 6,
    "notebooks": 6,
    "cli": 7,
}


def run_fresh(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_import_takes_less_than_0_3_seconds():
    code = "import time; start = time.perf_counter(); import zsnas; print(time.perf_counter() - start)"

    fastest = min(float(run_fresh(code)) for _ in range(3))

    assert fastest < 0.3


def test_import_loads_nothing_heavy():
    loaded = run_fresh("import sys, zsnas; print(*sys.modules)").split()

    assert not set(HEAVY) & set(loaded)


def modules():
    """Yield (module, file) of every file; one whose name starts with `_` serves any rank."""
    for path in sorted(PACKAGE.rglob("*.py")):
        top = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if not top.startswith("_"):
            yield pytest.param(top, path, id=str(path.relative_to(PACKAGE)))


def imported_modules(path):
    """Return the modules of zsnas that a file imports anywhere, functions included, by their first name."""
    package = ("zsnas", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{origin}.{alias.name}" for alias in node.names] if origin == "zsnas" else [origin]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("zsnas."))


@pytest.mark.parametrize(("module", "path"), list(modules()))
def test_no_module_imports_one_to_its_right(module, path):
    assert module in RANK, f"give {module} its place in the data flow"

    wrong = {name for name in imported_modules(path) if RANK.get(name, -1) > RANK[module]}

    assert not wrong

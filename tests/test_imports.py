"""Importing zsnas is cheap, rooms import only what lies below them, and nothing inside imports the façade."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "zsnas"
HEAVY = ("torch", "torchvision", "timm", "pandas", "matplotlib", "scipy")

# A study draws its own figures, and a figure knows what its study computes: these rooms of the book are one
# shelf, in which circles of modules are forbidden and nothing else.
SHELF = "book.shelf"
SHELVED = {"tables", "verdicts", "materials", "studies", "comparison", "figures"}

# The house, from the ground floor up: a room imports from rooms of lower floors and from itself, never from a
# neighbour. A private module such as `_names` stands below all.
FLOORS = (
    ("sources", "memory", "macs"),
    ("batches", "checksums"),
    ("spaces",),
    ("benchmarks", "hardware", "proxies"),
    ("models", "counting", "scores"),
    ("statistics", "search"),
    ("figures", "pareto", "leaderboard"),
    ("evaluate", "ranking"),
    (SHELF,),
    ("book.pages",),
    ("book.claims",),
    ("book.instruments",),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def run_fresh(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_import_takes_less_than_0_3_seconds():
    code = "import time; start = time.process_time(); import zsnas; print(time.process_time() - start)"

    fastest = min(float(run_fresh(code)) for _ in range(3))

    assert fastest < 0.3


def test_import_loads_nothing_heavy():
    loaded = run_fresh("import sys, zsnas; print(*sys.modules)").split()

    assert not set(HEAVY) & set(loaded)


def test_a_function_wins_over_the_room_of_its_name():
    rooms = "import zsnas.search._run, zsnas.scores.sweep, zsnas.evaluate.run"

    shown = run_fresh(f"{rooms}; print(zsnas.search, zsnas.scores, zsnas.evaluate)")

    assert shown.count("<function") == 3


MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room_of(module):
    """Return the room of a module, and that of the façade as ``zsnas``; a private one has none."""
    _, *rooms = module.split(".")
    if not rooms:
        return "zsnas"
    if rooms[0] == "book":
        return SHELF if SHELVED.intersection(rooms[1:2]) else ".".join(rooms[:2])
    return "" if rooms[0].startswith("_") else rooms[0]


def imported(module):
    """Yield what a module imports of zsnas anywhere, functions included, but what only types need."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in without_typing(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "zsnas")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            if origin.split(".")[0] == "zsnas":
                names = (f"{origin}.{alias.name}" for alias in node.names)
                yield from (name if name in MODULES else origin for name in names)


def without_typing(tree):
    """Walk a syntax tree, but for what stands under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from without_typing(node)


@pytest.mark.parametrize("module", [name for name in MODULES if room_of(name) not in ("", "zsnas", "book")])
def test_a_room_imports_from_lower_floors_only(module):
    here = room_of(module)
    assert here in FLOOR, f"give {here} its floor"

    wrong = {
        other
        for other in imported(module)
        if (room := room_of(other)) not in ("", here) and FLOOR.get(room, len(FLOORS)) >= FLOOR[here]
    }

    assert not wrong


def test_no_modules_of_the_shelf_import_each_other():
    shelf = [module for module in MODULES if room_of(module) == SHELF]

    TopologicalSorter({module: set(imported(module)) - {module} for module in shelf}).prepare()


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_for_pages_and_the_book_import_the_book(module):
    if not module.startswith("zsnas.book") and module != "zsnas.cli.notebooks":
        assert not [other for other in imported(module) if other.startswith("zsnas.book")]


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"zsnas"}))
def test_nothing_inside_imports_the_facade(module):
    assert "zsnas" not in imported(module)

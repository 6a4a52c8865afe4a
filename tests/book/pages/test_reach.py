"""From what ran to what a page rests on: constants, classes and rooms, and nothing else."""

import ast

import pytest

from zsnas.book.pages.reach import Package

HOUSE = {
    "__init__.py": "",
    "__init__.pyi": """
from . import plain as plain
from .room import area as area
from .search._run import search as search
""",
    "plain.py": """
import math
EDGES = 6
def scaled(x):
    return x * EDGES
def other():
    return 1
""",
    "derived.py": """
from house import plain
from house.plain import EDGES
TWICE = 2 * EDGES
ALIKE = plain.other()
""",
    "room/__init__.py": """
from house.room._area import area
from house.room._shape import Shape, Square
""",
    "room/_area.py": """
from house.room import Square
def area(side: 'Shape'):
    return Square(side).area
""",
    "room/_shape.py": """
from house.derived import TWICE
class Shape:
    sides = TWICE
class Square(Shape):
    pass
""",
    "search/__init__.py": "",
    "search/_run.py": """
def search():
    from house.plain import EDGES as number
    return number
""",
    "register.py": """
from collections.abc import Callable
from house.first import LOADERS
ALL: dict[str, Callable[[], int]] = {**LOADERS}
def load(name):
    return ALL[name]()
""",
    "first.py": """
from collections.abc import Callable
LOADERS: dict[str, Callable[[], int]] = {'a': lambda: 1}
""",
}


@pytest.fixture
def house(tmp_path):
    """Return a package of a few modules."""
    for file, text in HOUSE.items():
        (tmp_path / "house" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "house" / file).write_text(text)
    return Package(tmp_path / "house")


def line_of(file, name):
    """Return the line in which a function begins."""
    [line] = [
        node.lineno
        for node in ast.walk(ast.parse(HOUSE[file]))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return line


def reached(house, code="", **ran):
    """Return the modules that a page rests on when functions ran, each given as ``name="file"``."""
    lines = {}
    for name, file in ran.items():
        lines.setdefault(file, []).append(line_of(file, name))
    return house.reach(lines, code)


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("from house.plain import scaled", []),
        ("from house.plain import scaled\nscaled(1)", []),
        ("from house.plain import EDGES", []),
        ("from house.plain import EDGES\nprint(EDGES)", ["plain.py"]),
        ("import house\nhouse.plain.EDGES", ["plain.py"]),
        ("import house.plain as p\np.EDGES + 1", ["plain.py"]),
        ("from house import plain\nfor i in range(plain.EDGES): pass", ["plain.py"]),
        ("from house.plain import EDGES\ndef f(EDGES):\n    return EDGES", []),
        ("from house.derived import TWICE\nTWICE", ["derived.py", "plain.py"]),
        ("from house.derived import ALIKE\nALIKE", ["derived.py", "plain.py"]),
        ("from house.room import Square\nSquare()", ["derived.py", "plain.py", "room/_shape.py"]),
        ("from house import nothing\nnothing.x", []),
        ("import math\nmath.pi", []),
    ],
)
def test_constants_and_classes_that_a_page_uses_count_and_functions_only_when_they_run(house, code, files):
    assert house.reach({}, code).files == files


def test_function_that_ran_brings_its_module_and_what_it_reads(house):
    found = reached(house, area="room/_area.py")

    assert found.files == ["derived.py", "plain.py", "room/_area.py", "room/_shape.py"]
    assert found.names == {"house.room:Square": "house.room._shape:Square"}


def test_annotations_are_read_by_nobody(house):
    assert (
        reached(house, "from house.room import Square\nx: Square = 1\ndef f(x: Square) -> Square: ...").files
        == []
    )


def test_other_functions_of_a_module_that_ran_do_not_count(house):
    (house.folder / "plain.py").write_text(
        HOUSE["plain.py"].replace("return 1", "import house.first\n    return house.first.X")
    )
    (house.folder / "first.py").write_text("X = 1")

    assert reached(house, scaled="plain.py").files == ["plain.py"]
    assert reached(house, other="plain.py").files == ["first.py", "plain.py"]


def test_import_inside_a_function_counts_when_it_runs(house):
    assert reached(house, search="search/_run.py").files == ["plain.py", "search/_run.py"]


def test_register_of_functions_leads_to_those_that_ran_only(house):
    assert reached(house, load="register.py").files == ["register.py"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("house:area", "house.room._area:area"),
        ("house:search", "house.search._run:search"),
        ("house:search.spent", "house.search._run:search"),
        ("house.search._run:search", "house.search._run:search"),
        ("house:room.Square.sides", "house.room._shape:Square"),
        ("house:plain", None),
        ("house:room.nothing", None),
        ("math:pi", None),
    ],
)
def test_names_of_rooms_lead_to_the_module_that_makes_them(house, name, place):
    found = house.place(name)

    assert (found and found.reference) == place


def test_names_that_a_page_takes_from_rooms_are_kept(house):
    found = house.reach({}, "import house\nhouse.area(house.plain.EDGES)")

    assert found.names == {"house:area": "house.room._area:area"}

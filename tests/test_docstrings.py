"""A public function of several arguments says what each of them is, and the book has the public names."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import zsnas

ROOT = Path(__file__).parents[1]
SEVERAL = 3


def modules():
    for module in pkgutil.walk_packages(zsnas.__path__, "zsnas."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield importlib.import_module(module.name)


def public():
    """Yield the functions that rooms offer, those of public modules, and the methods of public classes."""
    yield from (getattr(zsnas, name) for name in zsnas.__all__)
    for module in modules():
        own = [
            value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__
        ]
        for value in [*own, *(getattr(module, name) for name in getattr(module, "__all__", ()))]:
            yield value
            if inspect.isclass(value) and not value.__name__.startswith("_"):
                yield from (method for name, method in vars(value).items() if is_first(value, name))


def is_first(owner, name):
    """Whether a class is the first of its ancestors that has a method: the others inherit its docstring."""
    return not any(name in vars(ancestor) for ancestor in owner.__mro__[1:])


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


FUNCTIONS = {
    f"{function.__module__}.{function.__qualname__}": function
    for function in public()
    if inspect.isfunction(function)
    and function.__module__.startswith("zsnas.")
    and not function.__name__.startswith("_")
    and len(arguments(function)) >= SEVERAL
}


def documented(docstring):
    """Return the names in the section ``Parameters`` that have a type or a description."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}$|\Z)", docstring, re.MULTILINE | re.DOTALL
    )
    entries = re.findall(r"^(\S.*)\n((?:[ \n].*\n?)*)", section[1] + "\n", re.MULTILINE) if section else []
    return {
        name.strip("* ")
        for head, text in entries
        if " : " in head or text.strip()
        for name in head.partition(" : ")[0].split(", ")
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_function_with_several_is_described(name):
    function = FUNCTIONS[name]
    assert documented(inspect.getdoc(function) or "") == {*arguments(function)}


def test_there_are_many():
    assert len(FUNCTIONS) > 80


API = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
DIRECTIVES = re.findall(r"^\.\. (?:auto\w+|py:module):: (\S+)$", API, re.MULTILINE)


def test_the_books_page_of_the_interface_has_every_public_name_once():
    assert {f"zsnas.{name}" for name in zsnas.__all__} <= set(DIRECTIVES)
    assert len(DIRECTIVES) == len(set(DIRECTIVES))

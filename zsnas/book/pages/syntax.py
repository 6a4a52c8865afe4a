"""What the text of a module says once layout, comments and docstrings are set aside."""

from __future__ import annotations

import ast
import hashlib
from functools import cache

DIGITS = 16  # of a digest: a few hundred files need no more


@cache
def digest(text: str) -> str:
    """Return a hash of a module's syntax tree without its docstrings.

    It is the same in every version of Python, which `ast.dump` is not: newer ones have more fields, all of
    them empty for code that older ones can read.
    """
    return hashed(ast.parse(text))


def hashed(*trees: ast.AST) -> str:
    """Return a hash of syntax trees without docstrings."""
    words: list[str] = []
    for tree in trees:
        _write(tree, words)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:DIGITS]


def _write(value: object, words: list[str]) -> None:
    if isinstance(value, ast.AST):
        words.append(type(value).__name__)
        for name in value._fields:
            content = getattr(value, name, None)
            if content is not None and content != []:
                words.append(name)
                _write(content, words)
        words.append("end")
    elif isinstance(value, list):
        for entry in value:
            if not _is_docstring(entry):
                _write(entry, words)
        words.append("end")
    else:
        words.append(repr(value))


def _is_docstring(statement: object) -> bool:
    """Tell whether a statement is a text that does nothing, below a function, a class or a constant."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )

"""A digest is of what code does, not of how it is written."""

import pytest

from zsnas.book.pages.syntax import digest

CODE = '''
"""A module."""

LIMIT = 10
"""Of what."""


def doubled(value):
    """Return it twice."""
    return 2 * value if value is not None else [None, ""]
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""A module."""', "# nothing"),
        ('"""Of what."""', ""),
        ('    """Return it twice."""', '    """Return it doubled."""  # or so'),
        ("LIMIT = 10", "LIMIT = (\n    10\n)"),
        ('[None, ""]', "[None, '']"),
    ],
)
def test_text_that_does_nothing_does_not_count(before, after):
    assert before in CODE
    assert digest(CODE.replace(before, after)) == digest(CODE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 10", "LIMIT = 11"),
        ("LIMIT = 10", "LIMIT = 10.0"),
        ("2 * value", "value * 2"),
        ("is not None", "is None"),
        ('[None, ""]', '[None, "", ""]'),
        ('[None, ""]', '[""]'),
        ("def doubled(value)", "def doubled(value=None)"),
        ("def doubled", "@cache\ndef doubled"),
    ],
)
def test_code_counts(before, after):
    assert before in CODE
    assert digest(CODE.replace(before, after)) != digest(CODE)


def test_digest_is_the_same_on_every_machine_and_python():
    code = 'def f(x: int = 1):\n    """Do."""\n    return f"{x}"'

    assert digest(code) == "27d1963b771518be"

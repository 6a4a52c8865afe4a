"""A check says what is off, and not what would be right."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from zsnas import course
from zsnas.course.answers import compare


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (0.5, 0.502),
        (np.float64(201), 200.0),
        (7, 7),
        (np.array([7]), 7),
        (torch.tensor(7.0), 7),
        (torch.tensor([1.0, 2.0]), [1, 2]),
        (" SynFlow ", "synflow"),
        ("#Params", "params"),
        (["SNIP", "params"], {"params", "snip"}),
        ([1.0, 2], [1, 2.0]),
        ({"SynFlow": 0.5}, {"synflow": 0.5}),
        (pd.Series({"a": 1.0}), {"a": 1.0}),
    ],
)
def test_right_answers(given, right):
    assert compare(given, right) == ""


@pytest.mark.parametrize(
    ("given", "right", "told"),
    [
        (-0.5, 0.5, "The size is right, the sign is not"),
        (50.0, 0.5, "off by a factor of 100: per cent or fraction"),
        (0.1, 0.5, "It is too small"),
        (0.7, 0.005, "It is too large"),
        (0.53, 0.5, "close, but too large"),
        (8, 7, "too large"),
        (float("nan"), 0.5, "It is NaN"),
        (True, 1, "The answer is a number; this is of the type bool"),
        ("0.5", 0.5, "The answer is a number; this is of the type str"),
        (["a"], 0.5, "of the type list"),
        ("snip", "synflow", "It is not 'snip'"),
        (3, "synflow", "The answer is a name"),
        ({"a", "b"}, {"a", "c"}, "1 of your 2 are right; 1 of the answer is missing"),
        (["b", "a"], ["a", "b"], "their order is not: it first goes wrong at place 1"),
        ("ab", ["a", "b"], "is a list, even if it has one member only; this is of the type str"),
        ("a", {"a"}, "is a set, even if it has one member only"),
        ({"a": 1}, {"a"}, "this is of the type dict"),
        (np.array(1), [1], "this is of the type ndarray"),
        ([["a"]], {"a"}, "names or numbers; one of yours is of the type list"),
        ({"a", "b"}, {"a"}, "1 of your 2 are right; none is missing"),
        (..., 0.5, "There is no answer yet"),
        (None, {"a": 1}, "There is no answer yet"),
        ({"a": 1}, {"a": 1, "b": 2}, "no entry for b"),
        ({"a": 1, "b": 3}, {"a": 1, "b": 2}, "1 of 2 entries are right. b: "),
        (3, {"a": 1}, "a mapping from a"),
    ],
)
def test_what_is_off(given, right, told):
    said = compare(given, right)
    assert re.search(told, said)
    assert not re.search(r"\b0\.502?\b|synflow", said)


def test_an_integer_must_be_exact_unless_the_exercise_allows_more():
    assert compare(8, 7)
    assert compare(8, 7, tolerance=1) == ""


def test_feedback_is_a_condition_and_shows_its_words():
    right, wrong = course.check("reading-2", 0.75), course.check("reading-2", 0.5)
    assert right
    assert repr(right) == "reading-2: right."
    assert not wrong
    assert "a proxy that guesses has τ = 0" in repr(wrong)  # the usual mistake is explained
    assert "0.75" not in repr(wrong)

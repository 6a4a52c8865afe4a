"""Training: the networks of a benchmark of our own, many at once."""

from zsnas.training.recipe import Curves, Examples, Recipe, examples, train
from zsnas.training.share import STACK, cells, merge, train_share
from zsnas.training.stack import Stack

__all__ = [
    "STACK",
    "Curves",
    "Examples",
    "Recipe",
    "Stack",
    "cells",
    "examples",
    "merge",
    "train",
    "train_share",
]

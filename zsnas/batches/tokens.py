"""Random tokens: sequences that stand in for text, of which this package ships none.

A sequence is the mark of a beginning, ``[CLS]``, and 127 words or pieces of words, each drawn with the same
probability from the vocabulary of BERT (Devlin et al. 2019, uncased); labels are random, too. Of text they
have the length and the vocabulary, but neither the frequencies of words nor their order, no marks between
sentences and no padding. A proxy that looks at data learns from them what a network does to sequences that
have nothing in common, not what it does to language.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NAME = "tokens-128"
LENGTH, CLASSES = 128, 2
VOCABULARY = 30_522
BEGINNING, FIRST_WORD = 101, 999
"""Places of ``[CLS]`` and of the first word in the vocabulary; what is between them stands for no text."""


def sequences(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return random sequences (size, 128).

    Parameters
    ----------
    size
        How many.
    rng
        Draws the words.
    """
    tokens = rng.integers(FIRST_WORD, VOCABULARY, (size, LENGTH))
    tokens[:, 0] = BEGINNING
    return tokens


def labels(size: int, rng: np.random.Generator, each: int = 1) -> NDArray[np.int64]:
    """Return random classes (size,), as balanced as they can be.

    Parameters
    ----------
    size
        How many.
    rng
        Draws them.
    each
        How many sequences of a class there are at least: where two classes are too many for that, one.
    """
    classes = rng.permutation(CLASSES)[: size // each]
    return rng.permutation(np.resize(classes, size)).astype(np.int64)

"""The digits of scikit-learn: 1,797 grey pictures of 8 × 8 pixels, written by 13 people, who come in turns.

They ship with scikit-learn, so nothing is downloaded. The first 512 are for training and the last 1,000 for
testing: who wrote a test picture has often written no training picture, which makes the task harder than a
random split. The 285 in between are used for nothing here.

Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, of which it is the test set.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zsnas._extras import needing

TRAINING, TEST = 512, 1000
MEAN, DEVIATION = 4.932, 6.064
"""Of the pixels of the training pictures, which are whole numbers from 0 to 16."""


class Pictures(NamedTuple):
    """Pictures (n, 8, 8, 3) of whole numbers from 0 to 16, grey in all channels, and their digits (n,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@cache
def training() -> Pictures:
    """Return the 512 pictures for training, in the order of the data set."""
    return _pictures(slice(TRAINING))


@cache
def test() -> Pictures:
    """Return the 1,000 pictures for testing, in the order of the data set."""
    return _pictures(slice(-TEST, None))


def _pictures(chosen: slice) -> Pictures:
    with needing("book", "the batch 'digits'"):
        from sklearn.datasets import load_digits
    loaded = load_digits()
    grey = loaded.images[chosen].astype(np.uint8)
    return Pictures(np.repeat(grey[..., None], 3, axis=-1), loaded.target[chosen].astype(np.int64))
